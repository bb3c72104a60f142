"""The plan of a merged pull request, as what is said of it: a status, and a comment where there is something to say.

What the base has wrong already is no fault of the pull request. What it names outside of the repository, and no planned
commit has named, is not looked up: it is known after the merge.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

import anyio.to_thread

from planner.canon import Json
from planner.changes import value_changes
from planner.compile import SETTINGS
from planner.errors import Place
from planner.model.checks import Check
from planner.model.commits import StatusState
from planner.model.desired import DesiredState
from planner.model.plan import FieldChange, Plan
from planner.model.pulls import Pull
from planner.model.records import RootRecord
from planner.preview import previewed
from planner.publish import Said, shorten
from planner.render.budget import Limit
from planner.render.check import check_of
from planner.render.counted import many
from planner.render.frame import frame_of
from planner.render.markdown import plan_markdown
from planner.render.verdict import verdict
from planner.spec.repository import load_repository
from reconciler.compiler import Files, SourceCompiler
from reconciler.core import Core
from reconciler.source.merging import Merged
from reconciler.source.model import Tree
from reconciler.worlds import contact_of, world_of

__all__ = ["Planning", "Told", "world_digest"]

_NOT_LOOKED_UP = "PL-311"


@dataclass(frozen=True, slots=True)
class Told:
    """What a plan says.

    Attributes:
        said: by the status.
        body: the comment.
        wanted: whether there is something to say in it.
        roots: the operations that it is about.
        world: digest of what it counted with of these.
        check: the same as a check; None where the forge has none.
    """

    said: Said
    body: str
    wanted: bool
    roots: tuple[str, ...]
    world: str
    check: Check | None = None


class Planning:
    """Plans merged trees against the world as it is."""

    def __init__(self, core: Core, compiler: SourceCompiler, limit: Limit, *, checks: bool = False) -> None:
        self._core = core
        self._compiler = compiler
        self._limit = limit
        self._checks = checks

    async def of(self, pull: Pull, merged: Merged, before: DesiredState | None) -> Told:
        """The plan of a merged tree.

        Args:
            pull: whose it is.
            merged: it.
            before: what the newest planned commit asks for, where that is known.

        Raises:
            Transient: it cannot be read now.
            Refused: it is over a limit, or malformed.
        """
        core = self._core
        records = await core.ledger.roots()
        in_force = {name: record.planned.path for name, record in records.items() if record.planned}
        commit = await merged.commit()
        desired = await self._compiler.reading(merged).compile(commit, in_force, preview=True)
        world = await world_of(core, desired, None)
        world = replace(world, base=merged.base, touched=merged.changed)
        contact = contact_of(core, None, first=not world.states)
        settings = await self._settings(merged)

        def tell() -> Told:
            found = previewed(desired, world, contact, core.policy.identity)
            plan, later = _own(found.plan, before, merged.changed)
            frame = frame_of(found, desired, core.policy.identity.instance)
            frame = replace(frame, tree=merged.tree_id, settings=settings, link=_link(pull.files), limit=self._limit)
            roots = tuple(sorted(_roots(plan)))
            said = _with_later(verdict(plan), later)
            return Told(
                said=said,
                body=plan_markdown(plan, frame),
                wanted=bool(plan.actions or plan.held or plan.problems or settings or later),
                roots=roots,
                world=world_digest(core, records, roots),
                check=check_of(said, plan, frame) if self._checks else None,
            )

        # Thousands of operations take seconds, in which the loop must go on.
        return await anyio.to_thread.run_sync(tell)

    async def _settings(self, merged: Merged) -> Sequence[FieldChange]:
        """What the merge changes of `.plumbline.yaml`."""
        if SETTINGS not in merged.changed:
            return ()
        source = self._core.source
        old = await _settings_of(source, await source.tree(merged.base))
        new = await _settings_of(merged, await merged.tree(merged.head))
        return value_changes(old, new)


def world_digest(
    core: Core, records: Mapping[str, RootRecord], roots: Collection[str], known: dict[str, bytes] | None = None
) -> str:
    """What a plan about `roots` counts with, but for how their runs go: a run that ends changes no plan of a merge.

    Args:
        core: whose budgets count.
        records: of all roots.
        roots: the plan is about.
        known: remembers what was found of a root, for who asks of many plans at one instant.
    """
    known = {} if known is None else known
    seen = hashlib.sha256(f"{core.policy.budgets}".encode())
    for name in sorted(roots):
        if name not in known:
            known[name] = _counted(name, records.get(name, RootRecord(name)))
        seen.update(known[name])
    return seen.hexdigest()


def _counted(name: str, record: RootRecord) -> bytes:
    planned = record.planned
    wanted = (planned.digest, planned.live, planned.form, planned.hold) if planned is not None else None
    text = f"{name}\0{wanted}\0{record.down}\0{record.suspended is not None}\0"
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()


def _link(files: str) -> Callable[[Place], str]:
    """Leads to a place in a file of the head; nowhere without a page of files."""
    if not files:
        return lambda _: ""
    return lambda place: f"{files}/{quote(place.path)}{f'#L{place.line}' if place.line else ''}" if place.path else ""


def _with_later(said: Said, later: int) -> Said:
    """The same, with the word that there is more to it than could be planned."""
    if not later or said.state is not StatusState.SUCCESS:
        return said
    return Said(said.state, shorten(f"{said.description}; {many(later, 'reference')} known after the merge"))


def _own(plan: Plan, before: DesiredState | None, changed: Collection[str]) -> tuple[Plan, int]:
    """The plan with the problems that are the pull request's own, and how many of its references were not looked up."""
    theirs = {(one.code, one.place.path, one.message) for one in before.problems} if before is not None else set()
    later = [one for one in plan.problems if one.code == _NOT_LOOKED_UP]
    real = [one for one in plan.problems if one.code != _NOT_LOOKED_UP]
    own = [one for one in real if one.place.path in changed or (one.code, one.place.path, one.message) not in theirs]
    known = (f"{one.place}: {one.message}: known after the merge" for one in later)
    left = len(real) - len(own)
    notes = (f"the branch has {many(left, 'problem')} of its own, which stay as they are",) if left else ()
    new = sum(one.place.path in changed for one in later)
    return replace(plan, problems=tuple(own), deferred=(*plan.deferred, *known), notes=(*plan.notes, *notes)), new


def _roots(plan: Plan) -> Iterator[str]:
    yield from {action.root for action in plan.actions}
    yield from {name for held in plan.held for name in held.roots}.difference(one.root for one in plan.actions)


async def _settings_of(files: Files, tree: Tree) -> Mapping[str, Json]:
    """What `.plumbline.yaml` of a tree says, as far as it can be read."""
    entry = tree.at(SETTINGS)
    if entry is None or entry.kind != "blob":
        return {}
    data = (await files.blobs([entry.id]))[entry.id]
    settings = (await anyio.to_thread.run_sync(load_repository, SETTINGS, data)).settings
    return settings.model_dump(mode="json", by_alias=True, exclude_unset=True) if settings is not None else {}
