"""Effects: what must be done so that the world follows the records.

A pure function of records and the instant, never of how they came about. So a crash between a record and its
effect loses nothing: the next reconcile derives the same effects again, under the same names.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from planner.fold import RootState
from planner.keys import Key
from planner.model.attempts import MOST_KEPT, AttemptRecord
from planner.model.records import RunRecord

__all__ = ["Clean", "Correct", "Effect", "Ensure", "Stop", "effects"]


@dataclass(frozen=True, slots=True)
class Ensure:
    """Make the object of an open intent."""

    key: Key
    run: RunRecord


@dataclass(frozen=True, slots=True)
class Stop:
    """End an attempt whose stop is recorded."""

    key: Key
    run: RunRecord


@dataclass(frozen=True, slots=True)
class Clean:
    """Have the backend forget an attempt whose end is recorded."""

    key: Key


@dataclass(frozen=True, slots=True)
class Correct:
    """Have the object of an attempt that lives be as it was made."""

    key: Key
    run: RunRecord


Effect = Ensure | Stop | Clean | Correct


def effects(state: RootState, now: datetime) -> tuple[Effect, ...]:
    """Everything that the records of a root ask of the backend now; stops first, so that leases are free."""
    found = [effect for run in state.runs.values() for effect in _of_run(run, now)]
    order = {Stop: 0, Clean: 1, Ensure: 2, Correct: 3}
    return tuple(sorted(found, key=lambda effect: (order[type(effect)], effect.key)))


def _of_run(run: RunRecord, now: datetime) -> Iterator[Effect]:
    surplus = len(run.attempts) - MOST_KEPT
    for index, attempt in enumerate(run.attempts):
        if attempt.live and attempt.stop is not None:
            yield Stop(run.key.at_attempt(attempt.number), run)
        elif attempt.live and attempt.seen_at is None:
            yield Ensure(run.key.at_attempt(attempt.number), run)
        elif attempt.live and attempt.drift is not None and attempt.drift.corrects:
            yield Correct(run.key.at_attempt(attempt.number), run)
        elif not attempt.live and not attempt.cleaned and (index < surplus or _is_due(attempt, now)):
            yield Clean(run.key.at_attempt(attempt.number))


def _is_due(attempt: AttemptRecord, now: datetime) -> bool:
    return attempt.kept_until is None or attempt.kept_until <= now
