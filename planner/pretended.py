"""The trials that a sweep would have had if it had run: what an extended one is compared with where nobody has run it.

What a search that looks at values would have tried nobody knows: points by chance stand for it. Their number, and that
they are carried over, is all that a plan tells of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from planner import keys
from planner.desire.adopting import MOST_ADOPTED
from planner.desire.suggesting import seed_of
from planner.desire.view import Identity, View
from planner.fold import RootState
from planner.keys import Key
from planner.model.desired import CompiledOperation, Sweep
from planner.model.records import AttemptRecord, RootRecord, RunRecord
from planner.model.search import GridSearch, HyperbandSearch, MappingSearch, RandomSearch, Search
from planner.model.status import RunStatus
from planner.plan import plan_alone
from planner.search import suggest
from planner.target import target_of
from planner.trials import expected, sweeps_of

__all__ = ["trials_as_run"]


def trials_as_run(operation: CompiledOperation, commit: str, at: datetime, identity: Identity) -> Iterator[RunRecord]:
    """All that is below the sweeps of a root in its first generation, as if it ran now; with digests where known."""
    top = keys.generation(operation.name, 1)
    like = RunRecord(top, top.root, "", commit, 1, operation.form, at)
    opened = [
        run
        for place, sweep in sweeps_of(operation)
        for run in _opened(Key(top.root, top.cause, place), sweep, like, identity)
    ]
    if not opened:
        return
    # The next generation of the same opens and binds all of them at once, whatever their concurrency.
    record = RootRecord(operation.name, planned=target_of(operation, commit), highest=1)
    state = RootState(record, {run.key: run for run in opened})
    plan = plan_alone(View(state, {operation.form: operation}, at, identity))
    for run in plan.state.runs.values():
        if run.key.place and run.key.cause != top.cause:
            attempt = AttemptRecord(1, at, seen_at=at, started_at=at)
            key = replace(run.key, cause=top.cause)
            yield replace(
                run,
                key=key,
                generation=1,
                status=RunStatus.RUNNING,
                started_at=at,
                attempts=(attempt,),
                attempt_count=1,
            )


def _opened(key: Key, sweep: Sweep, like: RunRecord, identity: Identity) -> Iterator[RunRecord]:
    search = _known(sweep)
    if search is None:
        return
    points = suggest(search, (), seed_of(identity, key, sweep), min(expected(sweep), MOST_ADOPTED))
    for number, point in enumerate(points):
        yield replace(
            like, key=key.child(keys.trial(number)), kind=sweep.trial.kind, suggestion=point, lineage=sweep.lineage
        )


def _known(sweep: Sweep) -> Search | None:
    """A search that tells all of its trials at once; None where even their number would be a guess."""
    match sweep.search:
        case _ if sweep.tuner is not None:
            return None
        case MappingSearch() | GridSearch() | RandomSearch():
            return sweep.search
        case HyperbandSearch():
            return None  # it begins anew whatever changes
        case _:
            return RandomSearch(sweep.search.space, expected(sweep))
