"""Why a run is as it is: what it waits for, why it does not start, how it ended, and what a person can do.

Of a node that has no record yet, which nodes it waits for. It reads what planning decided and never plans itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from planner import keys
from planner.canon import Json
from planner.desire.view import Wait
from planner.keys import Key
from planner.model.desired import CompiledOperation, Dag, Leaf, Node
from planner.model.records import RootRecord, RunRecord
from planner.model.run import BoundRun
from planner.model.status import RunStatus
from planner.query import original_of
from planner.query.graph import node_of
from planner.spec.words import short
from reconciler.admission import waits_of
from reconciler.api import find, problems, views
from reconciler.api.backfills import explain_tick
from reconciler.api.sleeping import culled
from reconciler.api.stories import Story, leaves, one, story_of
from reconciler.api.sweeps import standing_of
from reconciler.core import Core

__all__ = ["explain_run", "joined_words", "node_words", "stored_words"]

_SHOWN = 10
_UNMET = frozenset({RunStatus.FAILED, RunStatus.UPSTREAM_FAILED, RunStatus.SKIPPED, RunStatus.STOPPED})
_WORDS: Mapping[RunStatus, str] = {
    RunStatus.CREATED: "it is to be bound and to find its place",
    RunStatus.ON_SCHEDULE: "its start is later than its tick",
    RunStatus.QUEUED: "it has all its values, and no place yet",
    RunStatus.SCHEDULED: "its start is recorded, and the backend is asked for it",
    RunStatus.STARTING: "the backend has it, and its program has not started",
    RunStatus.RUNNING: "its program runs",
    RunStatus.PROCESSING: "some of what is below it is not over",
    RunStatus.RETRYING: "an attempt has ended, and the next one is due",
    RunStatus.WARNING: "its program runs, and does not answer its probe",
    RunStatus.UNSCHEDULABLE: "the backend has no place for it",
    RunStatus.STOPPING: "it is told to end, and has not ended",
    RunStatus.UNKNOWN: "the backend did not answer in time; the next look at it settles what became of it",
}
"""What each status of a run that is not over means."""


@dataclass(frozen=True, slots=True)
class _Case:
    """What the reasons are drawn from. `story` is None for a node without a record."""

    key: Key
    record: RootRecord
    story: Story | None
    top: CompiledOperation | None
    nodes: Mapping[tuple[str, ...], Story]
    waits: tuple[Wait, ...]
    bound: BoundRun | None = None


async def explain_run(core: Core, name: str) -> dict[str, Json]:
    """Why the run that `name` means is as it is.

    Raises:
        ApiError: nothing fits `name`, or more than one thing does.
    """
    try:
        case = await _case(core, name)
    except problems.ApiError:
        waiting = await explain_tick(core, name)
        if waiting is None:
            raise
        return waiting
    stands = await standing_of(core, case.story.run) if case.story is not None else ""
    reasons = [*([stands] if stands else []), *_reasons(case), *stored_words(core, case.story)]
    story = case.story
    return {
        "operation": case.record.name,
        "run": views.run_view(story, core.policy.identity) if story is not None else None,
        "kind": story.run.kind if story is not None else _kind(case),
        "state": str(story.status) if story is not None else "waiting",
        "answer": reasons[0],
        "reasons": reasons,
        "waits": [views.wait_view(wait) for wait in case.waits],
        "nextTicks": [],
    }


async def _case(core: Core, name: str) -> _Case:
    key, root, story = await _found(core, name)
    record = (await core.ledger.roots())[root]
    top = await one(core, key.top)
    form = await core.form(top.run.form) if top is not None else None
    nodes = await leaves(core, top.node) if top is not None and form is not None else {}
    waits = tuple(wait for wait in waits_of(core, root) if _concerns(wait.key, key))
    bound = await core.bound(story.source.bound) if story is not None and story.source.bound else None
    return _Case(key, record, story, form, {one.place: told for one, told in nodes.items()}, waits, bound)


async def _found(core: Core, name: str) -> tuple[Key, str, Story | None]:
    """The run that a name means, with the name of its root; or a node of a run that has no record yet."""
    try:
        found = await find.run(core, name)
    except problems.ApiError:
        key = _node_key(name)
        top = await one(core, key.top) if key is not None else None
        form = await core.form(top.run.form) if top is not None else None
        if key is None or top is None or _node(form, key.place) is None:
            raise
        return key, top.run.root, None
    assert found.run is not None
    return found.run.key, found.root, await story_of(core, found.run)


def _node_key(name: str) -> Key | None:
    key = keys.key_of(name)
    return key.node if key is not None and key.place else None


def _node(top: CompiledOperation | None, place: tuple[str, ...]) -> Node | None:
    parent = node_of(top, place[:-1]) if place else None
    return parent.body.node(place[-1]) if parent is not None and isinstance(parent.body, Dag) else None


def _kind(case: _Case) -> str | None:
    node = _node(case.top, case.key.place)
    return node.operation.kind if node is not None else None


def _concerns(waiting: Key, key: Key) -> bool:
    """Whether a wait is that of the run, or of a node below it."""
    return waiting.top == key.top and waiting.place[: len(key.place)] == key.place


# Reasons


def _reasons(case: _Case) -> Iterator[str]:
    for run in case.record.held:
        if _concerns(run.key, case.key):
            since = views.instant(run.hold.since)
            yield f"held since {since}: {run.hold.reason}; plumbline approve {run.hold.ident}"
    for wait in case.waits:
        if not wait.is_hold:
            about = "" if wait.key.run == case.key else f"{wait.key.run}: "
            yield f"{about}{views.sentence(wait)}"
    if case.story is None:
        yield from _unrecorded(case)
        return
    yield from _how(case, case.story)
    if case.top is not None and not isinstance(case.top.body, Leaf) and not case.key.place:
        yield from node_words(case.nodes.values())
    if case.bound is not None:
        yield from joined_words(case.story.run, case.bound)


def stored_words(core: Core, story: Story | None) -> Iterator[str]:
    """What of a run waits for the store, or for what it needs to start."""
    if story is None:
        return
    run, storage = story.source, core.storage
    if run.copy is not None and run.copy.owed:
        why = (storage.words if storage is not None else "the daemon has no store now") or "it is being made"
        yield f"its artifacts and logs have no copy in {run.copy.store} yet: {why}; they stay on this machine"
    elif run.copy is not None and run.copy.left:
        yield f"{run.copy.left} of its artifacts have no copy in {run.copy.store}: links, or what nobody may read"
    if run.last is not None and (stalled := core.stalled.get(run.key.at_attempt(run.last.number))):
        yield f"its start is tried again: {stalled}"


def _unrecorded(case: _Case) -> Iterator[str]:
    """What a node without a record waits for: in its own DAG, or in one around it."""
    for depth in range(len(case.key.place)):
        place = case.key.place[: depth + 1]
        node = _node(case.top, place)
        left = list(_left(case, place, node)) if node is not None else []
        if node is not None and left:
            who = "it" if place == case.key.place else f"the DAG {'/'.join(place)} around it"
            more = f" and {len(left) - _SHOWN} more" if len(left) > _SHOWN else ""
            yield f"{who} waits for {', '.join(left[:_SHOWN])}{more} ({node.trigger})"
            return
    yield "it has not begun; the next plan of its operation decides"


def _left(case: _Case, place: tuple[str, ...], node: Node) -> Iterator[str]:
    for name in node.upstream:
        story = case.nodes.get((*place[:-1], name))
        if story is None:
            yield name
        elif not story.status.final:
            yield f"{name} ({story.status})"


def _how(case: _Case, story: Story) -> Iterator[str]:
    run, source, status = story.run, story.source, story.status
    original = original_of(run)
    if original is not None:
        yield f"it did not run: {original} had done its work"
    if not status.final:
        since = views.instant(source.started_at or run.opened_at)
        attempt = f", attempt {source.attempt_count}" if source.attempt_count > 1 else ""
        told = run.reason or source.reason or _WORDS.get(status, "its next step is planned")
        trouble = f"; {story.trouble}" if story.trouble else ""
        yield f"it is {status} since {since}{attempt}: {told}{trouble}"
        if stop := run.stop or (source.last.stop if source.last else None):
            who = f"{stop.by} asked for its end" if stop.by else "its end was decided"
            yield f"{who} at {views.instant(stop.at)} ({stop.reason})"
        return
    yield from _ended(case, story)


def _ended(case: _Case, story: Story) -> Iterator[str]:
    run, status = story.run, story.status
    reason = run.reason or story.source.reason
    said = reason if reason.startswith(str(status)) else f"{status}: {reason}".removesuffix(": ")
    again = f"plumbline retry {run.key.top}"
    match status:
        case RunStatus.FAILED if story.source.attempt_count:
            yield f"it has {said}; plumbline logs {story.source.key} shows why, {again} starts it once more"
        case RunStatus.FAILED:
            yield f"it has {said}; {again} starts it once more"
        case RunStatus.STOPPED if culled(story):
            yield f"it was {said}, and sleeps; plumbline open {run.root} wakes it"
        case RunStatus.STOPPED:
            yield f"it was {said}; {again} starts it once more"
        case RunStatus.UPSTREAM_FAILED | RunStatus.SKIPPED:
            yield f"it was not started, {said}"
            yield from _causes(case, run.key.place)
        case _:
            yield f"it has {said}"


def _causes(case: _Case, place: tuple[str, ...]) -> Iterator[str]:
    """The nodes whose ends kept this one from its start, each with its reason."""
    node = _node(case.top, place)
    for name in node.upstream if node is not None else ():
        story = case.nodes.get((*place[:-1], name))
        if story is not None and story.status in _UNMET:
            yield node_word(story)


def node_word(story: Story) -> str:
    """A node and how it went, such as `flow@g1/fit failed: exit code 3`."""
    reason = story.run.reason or story.source.reason
    return f"{story.run.key} {story.status}: {reason}".removesuffix(": ")


def node_words(stories: Iterable[Story]) -> Iterator[str]:
    """The nodes of a DAG that did not do what they were for, each with its reason."""
    found = [story for story in stories if story.status in _UNMET]
    yield from map(node_word, found[:_SHOWN])
    if len(found) > _SHOWN:
        yield f"and {len(found) - _SHOWN} more nodes"


def joined_words(run: RunRecord, bound: BoundRun) -> Iterator[str]:
    """How many runs each join of a run has found."""
    for joined in bound.joined:
        count = f"{len(joined.runs)} run{'s' if len(joined.runs) != 1 else ''}"
        yield f"{run.key} joined {count} that `{short(joined.query)}` found"
