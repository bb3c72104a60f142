"""Whether a run is cached: another run of the project that has done the same work stands in for it (docs/starts.md).

Asked once, when all values of a run are known and before it is queued. This module must never look at results of
services, nor take a result that is itself cached or carried over: the run that did the work is the one that is named.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from planner.desire.view import Draft, Wait
from planner.keys import Key
from planner.model.desired import CompiledOperation
from planner.model.facts import CacheHit, Settled
from planner.model.questions import Cached
from planner.model.records import RunRecord
from planner.model.run import BoundRun
from planner.model.status import RunStatus

__all__ = ["Looked", "look", "settle_hit", "undecided"]


@dataclass(frozen=True, slots=True)
class Looked:
    """What came of looking into the cache.

    Attributes:
        hit: the run whose result is used; None for none.
        waits: whether the answer is not known yet: another run does the work now, or must be asked for.
    """

    hit: RunRecord | None = None
    waits: bool = False


_MISS = Looked()


def look(draft: Draft, run: RunRecord, operation: CompiledOperation, bound: BoundRun) -> Looked:
    """Look for a run that has done the work of `run`.

    Args:
        draft: takes the question, and the wait.
        run: about to be bound.
        operation: its own.
        bound: what it would be bound to.
    """
    if not _is_enabled(draft, run, operation):
        return _MISS
    found = draft.ask(Cached(bound.work or bound.digest))
    if found is None:
        return Looked(waits=True)
    source = next((_as_it_will_be(draft, other) for other in found if other.key != run.key), None)
    if source is None or _is_too_old(draft, source, operation):
        return _MISS
    if source.status is RunStatus.SUCCEEDED:
        return Looked(source)
    if not source.goes_on:
        return _MISS
    draft.watched.setdefault(source.key, set()).add(run.key.top)
    draft.waits.append(Wait(run.key, f"{source.key}, which does the same work", run.opened_at))
    return Looked(waits=True)


def undecided(draft: Draft) -> frozenset[Key]:
    """Tops with a run that waits for one which the plan has ended meanwhile, or told to end: to be walked anew."""
    found: set[Key] = set()
    for source, tops in draft.watched.items():
        run = draft.run(source)
        if run is not None and not run.goes_on:
            found |= tops
    draft.watched = {source: tops - found for source, tops in draft.watched.items() if tops - found}
    return frozenset(found)


def settle_hit(draft: Draft, run: RunRecord, source: RunRecord) -> None:
    """Record that `run` has the result of `source`."""
    gave = (dict(source.outputs), draft.now, source.artifacts, dict(source.metrics))
    draft.add(CacheHit(draft.name, run.key, source.key, *gave))
    draft.add(Settled(draft.name, run.key, RunStatus.SUCCEEDED, f"cached from {source.key}", draft.now))


def _is_enabled(draft: Draft, run: RunRecord, operation: CompiledOperation) -> bool:
    """By the table of docs/starts.md: what a person retries or wants fresh runs, what stands alone must opt in."""
    top = draft.run(run.key.top)
    if operation.kind == "service" or run.key.round or (top is not None and top.fresh):
        return False
    disabled = operation.section("cache").get("disable")
    if isinstance(disabled, bool):
        return not disabled
    return bool(run.key.place) and not run.key.recurs


def _is_too_old(draft: Draft, source: RunRecord, operation: CompiledOperation) -> bool:
    ttl = operation.section("cache").get("ttl")
    if not isinstance(ttl, int) or source.finished_at is None:
        return False
    return draft.now - source.finished_at >= timedelta(seconds=ttl)


def _as_it_will_be(draft: Draft, run: RunRecord) -> RunRecord:
    return draft.run(run.key) or run
