"""What a commit was decided to do to one operation, in the words of a plan: also long after, from its record.

Every sentence that a plan says of a verb is made here, so that a plan before a push and the page of the commit after it
say the same. It never decides what a commit changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from planner.changes import field_changes
from planner.desire.event import refs_of
from planner.errors import Place
from planner.model.commits import Change, What
from planner.model.desired import CompiledOperation, RunPolicy
from planner.model.plan import Action, Verb

__all__ = ["decided", "said_of"]


def decided(
    change: Change, forms: Mapping[str, CompiledOperation], effects: Sequence[str] = (), *, advanced: bool = False
) -> Action | None:
    """The action that a recorded change is; None where its forms are not kept any more, or its file was bad.

    Args:
        change: as the commit's record has it.
        forms: those of its forms that are still kept.
        effects: what followed.
        advanced: whether a change of live fields alone began a generation.
    """
    before, after = forms.get(change.before), forms.get(change.form)
    if change.what is What.INVALID or (after is None and change.what is not What.REMOVED):
        return None
    verb, because = said_of(change.what, after, change.was, advanced=advanced)
    shown = after or before
    return Action(
        verb=verb,
        root=change.root,
        kind=after.kind if after else "",
        because=because,
        effects=tuple(effects),
        changes=field_changes(before, after) if before is not None and after is not None else (),
        place=shown.place if shown is not None else Place(""),
    )


def said_of(what: What, operation: CompiledOperation | None, was: str, *, advanced: bool) -> tuple[Verb, str]:
    """What is done to an operation, and why.

    Args:
        what: that the commit changes of it.
        operation: as it is wanted; None where it is gone.
        was: its name before, where that was another; else "".
        advanced: whether a generation begins.
    """
    verb, because = _verb(what, operation)
    if what is What.LIVE and advanced:
        verb, because = Verb.START, "it runs by itself now"
    return verb, f"{because}; its name was {was}" if was else because


def _verb(what: What, operation: CompiledOperation | None) -> tuple[Verb, str]:
    if what is What.REMOVED or operation is None:
        return Verb.REMOVE, "not in the repository any more"
    if operation.refused:
        return Verb.REFUSE, operation.refused
    words = {
        What.ADDED: "new in the repository",
        What.CHANGED: "its spec changed",
        What.LIVE: "only live fields changed",
        What.RENAMED: "renamed",
    }
    if what is What.LIVE:
        return Verb.CHANGE, words[what]
    if what is What.RENAMED:
        return Verb.RENAME, words[what]
    if operation.schedule is not None:
        return Verb.SCHEDULE, words[what]
    if operation.by_events:
        return Verb.WAIT, f"{words[what]}; waits for events of {', '.join(refs_of(operation)) or 'nobody'}"
    if operation.policy.run is RunPolicy.MANUAL:
        return Verb.WAIT, f"{words[what]}; runs by plumbline run"
    return (Verb.START if what is What.ADDED else Verb.UPDATE), words[what]
