"""Walking a top: from its compiled operation and records to what its leaves do next.

Opens records for leaves whose upstream lets them start, binds them, carries results over, and settles parents.
Shared by every cause: generation, tick, request, event.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial

from planner.compile.bind import BindError
from planner.desire.approval import is_withheld
from planner.desire.building import waits_for_build
from planner.desire.cache import look, settle_hit
from planner.desire.early import EarlyEnd, early_end
from planner.desire.frontier import Frontier
from planner.desire.gates import decide, words
from planner.desire.leaf import LeafContext, step, stop_words
from planner.desire.nodes import effective, has_begun, is_under_way, latest
from planner.desire.offers import offer
from planner.desire.opening import opened_under
from planner.desire.retry import earlier_of
from planner.desire.rollup import rollup
from planner.desire.starting import kept_from, start_of
from planner.desire.stopping import stop_tree
from planner.desire.view import Draft, Ready
from planner.fold.own import below
from planner.keys import Key
from planner.model.desired import CompiledOperation, Dag, Leaf, Node
from planner.model.facts import Bound, Carried, Settled, StopIntended
from planner.model.questions import Reusable
from planner.model.records import RunRecord
from planner.model.status import RunStatus, StopReason

__all__ = ["Top", "walk"]


@dataclass(frozen=True, slots=True)
class Top:
    """The run that a cause started, and how its tree is to be walked.

    Attributes:
        record: its record.
        operation: the compiled operation that it was opened with.
        wanted: whether desired state still wants what has not started.
        carry: whether results and processes of earlier generations may be carried over.
        lane: port lane of a rolling service.
        blocked: what its leaves wait for before they may start, or "".
        kept: runs that the generation in force goes on with: what follows for them is decided there.
    """

    record: RunRecord
    operation: CompiledOperation
    wanted: bool = True
    carry: bool = False
    lane: int = 0
    blocked: str = ""
    kept: frozenset[Key] = frozenset()

    @property
    def closed(self) -> bool:
        """Whether nothing below it starts any more."""
        return not self.wanted or self.record.stop is not None


@dataclass(slots=True)
class _Walk:
    draft: Draft
    top: Top
    statuses: dict[tuple[str, ...], RunStatus] = field(default_factory=dict)


def walk(draft: Draft, top: Top) -> RunStatus:
    """Decide what follows for every leaf below `top`; returns the top's status after it."""
    walking = _Walk(draft, top)
    key = latest(draft, top.record.key, ())
    if isinstance(top.operation.body, Leaf):
        _single(walking, key)
        run = draft.run(key)
        return effective(draft, run).status if run else RunStatus.CREATED
    if not top.closed and (early := _gate(draft, top)) is not None:
        return early
    status = _dag(walking, top.record.key, top.operation.body)
    rule = None if top.closed else early_end(draft, top.record.key, top.operation.body, walking.statuses)
    if rule is not None:
        walking = _stopped_early(walking, rule)
        status = _dag(walking, top.record.key, top.operation.body)
    record = draft.run(top.record.key) or top.record
    if record.status.final:
        return record.status
    if status.final:
        status, reason, by = _end(walking, status)
        draft.add(Settled(draft.name, top.record.key, status, reason, draft.now, by))
    return status


def _single(walking: _Walk, key: Key) -> None:
    """A top that is no DAG: its build first, where it has one."""
    top = walking.top
    # A service that waits for the one before it to go may be built meanwhile.
    before = _Walk(walking.draft, replace(top, blocked="", lane=0))
    build = partial(_leaf, before)
    if not waits_for_build(walking.draft, key, top.operation, build, closed=top.closed):
        _leaf(walking, key, top.operation)


def _stopped_early(walking: _Walk, early: EarlyEnd) -> _Walk:
    """Stop everything below the top, and walk it once more: nothing that was ready starts."""
    draft, top = walking.draft, walking.top
    draft.ready = [item for item in draft.ready if item.key.top != top.record.key]
    draft.waits = [wait for wait in draft.waits if wait.key.top != top.record.key]
    key, reason = top.record.key, StopReason.EARLY_STOPPING
    draft.add(StopIntended(draft.name, key, reason, "", draft.now, early.status, early.reason))
    stop_tree(draft, key, reason)
    return _Walk(draft, replace(top, record=draft.run(key) or top.record))


def _gate(draft: Draft, top: Top) -> RunStatus | None:
    """The status of a DAG that does not begin: its condition does not hold, or it waits for an approval."""
    operation, record = top.operation, top.record
    if (operation.condition is None and not operation.needs_approval) or has_begun(draft, record.key):
        return None
    kept = kept_from(draft, record.key, operation, record)
    if kept is not None:
        draft.add(Settled(draft.name, record.key, *kept, draft.now))
        return kept[0]
    waits = operation.needs_approval and is_withheld(draft, record, operation.digest)
    return RunStatus.CREATED if waits else None


def _dag(walking: _Walk, parent: Key, dag: Dag) -> RunStatus:
    draft, top = walking.draft, walking.top
    offers: list[tuple[str, list[Ready]]] = []
    statuses: list[RunStatus] = []
    depth = len(parent.place)
    nodes = Frontier(dag, {key.place[depth] for key in below(draft.state.runs, parent)})
    for node in nodes:
        name, before = node.operation.name, len(draft.ready)
        status = walking.statuses[(*parent.place, name)] = _node(walking, parent, node)
        statuses.append(status)
        if status.final:
            nodes.ended(name)
        if len(draft.ready) > before:
            offers.append((name, draft.ready[before:]))
            del draft.ready[before:]
    offer(draft, parent, dag, offers)
    whole = len(statuses) == len(dag.nodes)
    if top.closed:
        # What never started is withdrawn with its parent and needs no record of its own.
        begun = [status for status in statuses if status is not RunStatus.CREATED]
        if all(status.final for status in begun):
            complete = len(begun) == len(dag.nodes) and RunStatus.STOPPED not in begun
            return rollup(begun) if complete else RunStatus.STOPPED
        return RunStatus.STOPPING
    return rollup(statuses if whole else [*statuses, RunStatus.CREATED])


def _node(walking: _Walk, parent: Key, node: Node) -> RunStatus:
    draft = walking.draft
    name = node.operation.name
    key = latest(draft, parent, (*parent.place, name))
    run = draft.run(key)
    if run is not None and run.status.final and run.carried_from is None:
        return run.status
    if run is None and not (isinstance(node.operation.body, Dag) and is_under_way(draft, key)):
        decided = decide(draft, parent, node, _ends(walking, parent.place, node))
        if decided is None or (decided is RunStatus.CREATED and walking.top.closed):
            return RunStatus.CREATED
        if decided.final:
            return _decided_away(walking, key, node, decided)
        if isinstance(node.operation.body, Dag):
            kept = kept_from(draft, key, node.operation, walking.top.record)
            if kept is not None:
                _open(walking, key, node.operation, walking.top.record.because)
                draft.add(Settled(draft.name, key, *kept, draft.now))
                return kept[0]
    elif run is not None and isinstance(node.operation.body, Dag) and run.status.final:
        return run.status
    if isinstance(node.operation.body, Dag):
        return _dag(walking, key.node, node.operation.body)
    _leaf(walking, key, node.operation)
    run = draft.run(key)
    return effective(draft, run).status if run else RunStatus.CREATED


def _decided_away(walking: _Walk, key: Key, node: Node, status: RunStatus) -> RunStatus:
    draft = walking.draft
    because, reason = words(node, status, _ends(walking, key.place[:-1], node))
    _open(walking, key, node.operation, because)
    draft.add(Settled(draft.name, key, status, reason, draft.now))
    return status


def _ends(walking: _Walk, parent: tuple[str, ...], node: Node) -> dict[str, RunStatus]:
    """The statuses of what a node waits for, by name."""
    statuses = walking.statuses
    return {name: statuses.get((*parent, name), RunStatus.CREATED) for name in node.upstream}


def _leaf(walking: _Walk, key: Key, operation: CompiledOperation) -> None:
    draft, top = walking.draft, walking.top
    run = draft.run(key)
    if run is None and top.closed:
        return
    if run is None:
        _open(walking, key, operation, top.record.because)
        run = draft.run(key)
    assert run is not None
    if not run.bound and not run.status.final and run.carried_from is None and not walking.top.closed:
        _bind(walking, run, operation)
        run = draft.run(key) or run
        if not run.bound and not run.status.final and run.carried_from is None:
            return
    context = LeafContext(
        operation=operation,
        wanted=top.wanted,
        stop=top.record.stop or run.stop,
        lane=top.lane,
        blocked=top.blocked,
    )
    story = effective(draft, run)
    if story.key not in top.kept:
        step(draft, story, context)
        story = draft.run(story.key) or story
    if story.key != run.key and story.status.final and not run.status.final:
        draft.add(Settled(draft.name, run.key, story.status, f"carried over from {story.key}", draft.now))


def _bind(walking: _Walk, run: RunRecord, operation: CompiledOperation) -> None:
    draft, top = walking.draft, walking.top
    start = start_of(draft, top.operation, run, operation)
    if start is None:
        return
    if isinstance(start, tuple):
        draft.add(Settled(draft.name, run.key, *start, draft.now))
        return
    try:
        earlier = earlier_of(draft, run)
        bound = draft.bind(start if earlier is None else replace(start, earlier=earlier))
    except BindError as error:
        draft.add(Settled(draft.name, run.key, RunStatus.FAILED, str(error), draft.now))
        return
    if top.carry and not run.key.round and _carry(walking, run, bound.digest):
        return
    looked = look(draft, run, operation, bound)
    if looked.waits:
        return
    draft.add(Bound(draft.name, run.key, bound.digest, draft.keep(bound), draft.now, bound.work))
    if looked.hit is not None:
        settle_hit(draft, run, looked.hit)


def _carry(walking: _Walk, run: RunRecord, digest: str) -> bool:
    """Carry an earlier generation's result or process over; True when decided or when more must be read first."""
    draft = walking.draft
    found = draft.ask(Reusable(draft.name, digest))
    if found is None:
        return True
    if not found or found[0].key.top == run.key.top:
        return False
    source = draft.run(found[0].key) or found[0]
    independent = not run.key.place
    if independent and not source.alive:
        # A root that is a single leaf runs again (its cache is opt-in); only a live process is taken over.
        return False
    told = source.stop is not None and not source.status.final
    if told or any(attempt.stop for attempt in source.attempts if attempt.live):
        return False
    if source.key not in draft.state.runs:
        draft.state = draft.state.with_run(source)
    draft.add(Carried(draft.name, run.key, source.key, draft.now))
    return True


def _open(walking: _Walk, key: Key, operation: CompiledOperation, because: str) -> None:
    walking.draft.add(opened_under(walking.draft, walking.top.record, key, operation.kind, because))


def _end(walking: _Walk, status: RunStatus) -> tuple[RunStatus, str, str]:
    """How the top of a DAG ends whose operations rolled up to `status`, why, and by whom."""
    top = walking.top
    stop = top.record.stop
    if stop is not None and stop.ends is not None:
        return stop.ends, stop.words, ""
    if stop is not None and status is RunStatus.STOPPED:
        return status, stop_words(stop), stop.by
    if not top.wanted and status is RunStatus.STOPPED:
        return status, "superseded", ""
    names = [
        "/".join(place)
        for place, child in sorted(walking.statuses.items())
        if child in {RunStatus.FAILED, RunStatus.STOPPED} and child is status
    ]
    return status, (f"{status}: {', '.join(names[:5])}" if names else ""), ""
