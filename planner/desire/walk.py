"""Walking a top: from its compiled operation and records to what its leaves do next.

Opens records for leaves whose upstream lets them start, binds them, carries results over, and settles parents.
Shared by every cause: generation, tick, request, event.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from planner.compile.started import BindError
from planner.compile.trialled import differs, with_values
from planner.desire.approval import is_withheld
from planner.desire.building import waits_for_build
from planner.desire.early import EarlyEnd, early_end
from planner.desire.frontier import Frontier
from planner.desire.gates import decide, words
from planner.desire.leaf import stop_words
from planner.desire.nodes import effective, has_begun, is_under_way, latest
from planner.desire.offers import offer
from planner.desire.rollup import rollup
from planner.desire.running import open_node, walk_leaf
from planner.desire.scoring import value_of
from planner.desire.starting import kept_from
from planner.desire.stopping import stop_tree
from planner.desire.sweep import walk_sweep
from planner.desire.top import Top, Walking
from planner.desire.trials import params_of
from planner.desire.view import Draft, Ready
from planner.fold.own import below
from planner.keys import Key
from planner.model.desired import CompiledOperation, Dag, Leaf, Node, Sweep
from planner.model.facts import Settled, StopIntended
from planner.model.status import RunStatus, StopReason
from planner.spec.words import short

__all__ = ["Top", "walk"]


def walk(draft: Draft, top: Top) -> RunStatus:
    """Decide what follows for every leaf below `top`; returns the top's status after it."""
    walking = Walking(draft, top)
    body = top.operation.body
    if isinstance(body, Leaf):
        key = latest(draft, top.record.key, ())
        _single(walking, key, walk_leaf)
        run = draft.run(key)
        return effective(draft, run).status if run else RunStatus.CREATED
    if not top.closed and (early := _gate(draft, top)) is not None:
        return early
    if isinstance(body, Sweep):
        _single(walking, top.record.key, _sweep)
        return (draft.run(top.record.key) or top.record).status
    return _dag_of_top(walking, body)


def _dag_of_top(walking: Walking, body: Dag) -> RunStatus:
    draft, top = walking.draft, walking.top
    status = _dag(walking, top.record.key, body)
    rule = None if top.closed else early_end(draft, top.record.key, body, walking.statuses)
    if rule is not None:
        walking = _stopped_early(walking, rule)
        status = _dag(walking, top.record.key, body)
    record = draft.run(top.record.key) or top.record
    if record.status.final:
        return record.status
    if status.final:
        status, reason, by = _end(walking, status)
        draft.add(Settled(draft.name, top.record.key, status, reason, draft.now, by))
    return status


def _single(walking: Walking, key: Key, go: Callable[[Walking, Key, CompiledOperation], object]) -> None:
    """A top that is no DAG: its build first, where it has one."""
    top = walking.top
    # A service that waits for the one before it to go may be built meanwhile.
    before = Walking(walking.draft, replace(top, blocked="", lane=0))
    build = partial(walk_leaf, before)
    if not waits_for_build(walking.draft, key, top.operation, build, closed=top.closed):
        go(walking, key, top.operation)


def _sweep(walking: Walking, key: Key, operation: CompiledOperation) -> RunStatus:
    return walk_sweep(walking, key, operation, _trial)


def _trial(walking: Walking, place: Key, trial: CompiledOperation, needs: str) -> RunStatus:
    """One trial of a sweep, whose first round has a record."""
    draft = walking.draft
    key = latest(draft, place, place.place)
    run = draft.run(key)
    if run is not None and run.status.final and run.carried_from is None:
        return run.status
    if isinstance(trial.body, Leaf):
        trial = _own(draft, key, trial)
        walk_leaf(walking, key, trial, needs)
        run = draft.run(key)
        return effective(draft, run).status if run is not None else RunStatus.CREATED
    assert isinstance(trial.body, Dag)
    if run is None:
        open_node(walking, key, trial, walking.top.record.because)
    inside = walking.within(draft.run(key))
    status = _dag(inside, place, trial.body)
    if status.final:
        status, reason = _end_of_trial(draft, place, trial, (status, needs))
        draft.add(Settled(draft.name, key, status, reason, draft.now))
    return status


def _own(draft: Draft, key: Key, trial: CompiledOperation) -> CompiledOperation:
    """The trial with what it has its own of; one whose values cannot stand there has failed."""
    run = draft.run(key) or draft.run(key.node)
    if run is None or not differs(trial):
        return trial
    try:
        return with_values(trial, params_of(draft, run))
    except BindError as error:
        draft.add(Settled(draft.name, run.key, RunStatus.FAILED, str(error), draft.now))
        return trial


def _end_of_trial(
    draft: Draft, place: Key, trial: CompiledOperation, ended: tuple[RunStatus, str]
) -> tuple[RunStatus, str]:
    """How a trial ends that is a DAG: one that has not reported what its sweep searches by has failed."""
    status, needs = ended
    if status is RunStatus.SUCCEEDED and needs and value_of(draft, place, trial, needs) is None:
        return RunStatus.FAILED, f"none of its operations reported a finite {short(needs)}, which its sweep searches by"
    return status, ""


def _stopped_early(walking: Walking, early: EarlyEnd) -> Walking:
    """Stop everything below the top, and walk it once more: nothing that was ready starts."""
    draft, top = walking.draft, walking.top
    draft.ready = [item for item in draft.ready if item.key.top != top.record.key]
    draft.waits = [wait for wait in draft.waits if wait.key.top != top.record.key]
    key, reason = top.record.key, StopReason.EARLY_STOPPING
    draft.add(StopIntended(draft.name, key, reason, "", draft.now, early.status, early.reason))
    stop_tree(draft, key, reason)
    return Walking(draft, replace(top, record=draft.run(key) or top.record))


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


def _dag(walking: Walking, parent: Key, dag: Dag) -> RunStatus:
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


def _node(walking: Walking, parent: Key, node: Node) -> RunStatus:
    draft = walking.draft
    name = node.operation.name
    key = latest(draft, parent, (*parent.place, name))
    run = draft.run(key)
    if run is not None and run.status.final and run.carried_from is None:
        return run.status
    is_dag = isinstance(node.operation.body, Dag)
    if run is None and not (is_dag and is_under_way(draft, key)):
        if (kept := _kept(walking, parent, key, node)) is not None:
            return kept
    elif run is not None and is_dag and run.status.final:
        return run.status
    if isinstance(node.operation.body, Dag):
        return _dag(walking, key.node, node.operation.body)
    if isinstance(node.operation.body, Sweep):
        if run is None:
            open_node(walking, key, node.operation, walking.top.record.because)
        return _sweep(walking, key, node.operation)
    walk_leaf(walking, key, node.operation)
    run = draft.run(key)
    return effective(draft, run).status if run else RunStatus.CREATED


def _kept(walking: Walking, parent: Key, key: Key, node: Node) -> RunStatus | None:
    """The status of a node that does not begin; None where it may."""
    draft = walking.draft
    decided = decide(draft, parent, node, _ends(walking, parent.place, node))
    if decided is None or (decided is RunStatus.CREATED and walking.top.closed):
        return RunStatus.CREATED
    if decided.final:
        return _decided_away(walking, key, node, decided)
    if isinstance(node.operation.body, Leaf):
        return None  # its condition may read what only its start knows
    kept = kept_from(draft, key, node.operation, walking.top.record)
    if kept is None:
        return None
    open_node(walking, key, node.operation, walking.top.record.because)
    draft.add(Settled(draft.name, key, *kept, draft.now))
    return kept[0]


def _decided_away(walking: Walking, key: Key, node: Node, status: RunStatus) -> RunStatus:
    draft = walking.draft
    because, reason = words(node, status, _ends(walking, key.place[:-1], node))
    open_node(walking, key, node.operation, because)
    draft.add(Settled(draft.name, key, status, reason, draft.now))
    return status


def _ends(walking: Walking, parent: tuple[str, ...], node: Node) -> dict[str, RunStatus]:
    """The statuses of what a node waits for, by name."""
    statuses = walking.statuses
    return {name: statuses.get((*parent, name), RunStatus.CREATED) for name in node.upstream}


def _end(walking: Walking, status: RunStatus) -> tuple[RunStatus, str, str]:
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
