"""A leaf below a top: its record is opened, bound, and carried over, cached or started.

Whether it may begin at all is decided before (`planner.desire.walk`), what follows an attempt in `planner.desire.leaf`.
"""

from __future__ import annotations

from dataclasses import replace

from planner.compile.bind import BindError
from planner.desire.cache import look, settle_hit
from planner.desire.leaf import LeafContext, step
from planner.desire.nodes import effective
from planner.desire.opening import opened_under
from planner.desire.retry import earlier_of
from planner.desire.starting import start_of
from planner.desire.top import Walking
from planner.desire.trials import promoted_from
from planner.keys import Key
from planner.model.desired import CompiledOperation
from planner.model.facts import Bound, Carried, Settled
from planner.model.questions import Reusable
from planner.model.records import RunRecord
from planner.model.status import RunStatus

__all__ = ["open_node", "walk_leaf"]


def walk_leaf(walking: Walking, key: Key, operation: CompiledOperation, needs: str = "") -> None:
    """Decide what follows for a leaf.

    Args:
        walking: the walk.
        key: of the leaf's newest round.
        operation: its body is a `Leaf`.
        needs: the metric that it must have reported to have succeeded, or "".
    """
    draft, top = walking.draft, walking.top
    run = draft.run(key)
    if run is None and top.closed:
        return
    if run is None:
        open_node(walking, key, operation, top.record.because)
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
        stop=top.stop or run.stop,
        lane=top.lane,
        blocked=top.blocked,
        needs=needs,
    )
    story = effective(draft, run)
    if story.key not in top.kept:
        step(draft, story, context)
        story = draft.run(story.key) or story
    if story.key != run.key and story.status.final and not run.status.final:
        draft.add(Settled(draft.name, run.key, story.status, f"carried over from {story.key}", draft.now))


def _bind(walking: Walking, run: RunRecord, operation: CompiledOperation) -> None:
    draft, top = walking.draft, walking.top
    start = start_of(draft, top.operation, run, operation)
    if start is None:
        return
    if isinstance(start, tuple):
        draft.add(Settled(draft.name, run.key, *start, draft.now))
        return
    try:
        earlier = earlier_of(draft, run) or promoted_from(draft, run)
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


def _carry(walking: Walking, run: RunRecord, digest: str) -> bool:
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


def open_node(walking: Walking, key: Key, operation: CompiledOperation, because: str) -> None:
    """Open the record of a node, a part or a round below the top."""
    walking.draft.add(opened_under(walking.draft, walking.top.record, key, operation.kind, because))
