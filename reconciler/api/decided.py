"""The plan of a commit that was planned: what it was decided to do, in the words of `plumbline plan`, from records.

Nothing is planned here. What retention has let go of is counted and not guessed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from planner.canon import Json
from planner.decided import decided
from planner.model.commits import Change, What
from planner.model.desired import CompiledOperation
from planner.model.plan import Action, Held, Verb
from planner.model.records import RootRecord
from planner.render.text import action_lines, counted, held_lines
from reconciler.core import Core

__all__ = ["decided_plan"]

_ORDER = {verb: place for place, verb in enumerate(Verb)}


async def decided_plan(core: Core, ident: str, names: Sequence[str]) -> Mapping[str, Json]:
    """What the planned commit `ident` was decided to do to the operations `names`, of those that it changed.

    Gives `lines` of text, what destroys first; `counts`, such as `2 start`; and `unknown`, how many of them are told no
    more. All are empty where no such commit was planned.
    """
    record = await core.ledger.commit(ident)
    wanted = set(names)
    changes = [one for one in record.changes if one.root in wanted and one.what is not What.INVALID] if record else []
    forms = await core.forms({form for one in changes for form in (one.before, one.form) if form})
    roots = await core.ledger.roots()
    found = [(one, _action(one, roots.get(one.root), forms, ident)) for one in changes]
    actions = sorted((action for _, action in found if action), key=lambda one: (_ORDER[one.verb], one.root))
    lines = [line for held in _held(changes, roots, ident) for line in held_lines(held)]
    lines += [line for action in actions for line in action_lines(action)]
    return {"lines": [*lines], "counts": [*counted(actions)], "unknown": len(found) - len(actions)}


def _action(
    change: Change, root: RootRecord | None, forms: Mapping[str, CompiledOperation], ident: str
) -> Action | None:
    applied = root.applied if root is not None else None
    # A generation that came after has taken the place of the commit's own.
    own = applied if applied is not None and applied.commit == ident else None
    effects = [f"starts {own.key}"] if own is not None and own.key is not None else []
    return decided(change, forms, effects, advanced=own is not None and own.digest is not None)


def _held(changes: Sequence[Change], roots: Mapping[str, RootRecord], ident: str) -> list[Held]:
    """What of it still waits for a person."""
    found: dict[str, Held] = {}
    for change in changes:
        planned = roots[change.root].planned if change.root in roots else None
        if planned is not None and planned.commit == ident and planned.hold is not None:
            held = found.setdefault(planned.hold.ident, Held(planned.hold, ()))
            found[planned.hold.ident] = replace(held, roots=(*held.roots, change.root))
    return [found[name] for name in sorted(found)]
