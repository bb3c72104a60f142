"""Which runs are going to be copied into the daemon's store: from facts about a root to the intents. Pure.

The shell asks within the transaction that records the end of a run, so a copy is owed exactly when the end is durable.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from planner.fold import RootState, fold_all, run_of
from planner.keys import Key
from planner.model.facts import Fact, Settled, StoreIntended

__all__ = ["intents"]


def intents(before: RootState, facts: Sequence[Fact], store: str, now: datetime) -> Iterator[StoreIntended]:
    """The copies that are owed for runs that end by `facts`, recorded on top of `before`.

    A run whose result is another's has that one's copy; one that never started has left neither artifacts nor a log.
    """
    by_run: dict[Key, list[Fact]] = {fact.key: [] for fact in facts if isinstance(fact, Settled)}
    for fact in facts if by_run else ():
        if (key := run_of(fact)) in by_run:
            by_run[key].append(fact)
    for key, own in by_run.items():
        had = {key: before.runs[key]} if key in before.runs else {}
        run = fold_all(RootState(before.record, had), own).runs.get(key)
        if run is None or not run.own or run.copy is not None:
            continue
        left = run.artifacts is not None and (run.artifacts.names or run.artifacts.files)
        if left or any(attempt.started_at is not None for attempt in run.attempts):
            yield StoreIntended(before.record.name, key, store, now)
