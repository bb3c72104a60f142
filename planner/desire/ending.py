"""What follows an end, as `termination` of an operation says it: how long what a backend holds of a run stays.

Live fields: they are read of the form that a run goes by when they count.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from planner.desire.nodes import operation_of
from planner.desire.view import Draft
from planner.model.attempts import MOST_KEPT
from planner.model.records import RunRecord

__all__ = ["keeps", "ttl_of"]


def ttl_of(draft: Draft, run: RunRecord) -> float:
    """Seconds for which what a backend holds of an attempt of `run` stays after its end."""
    operation = operation_of(draft, run)
    found = operation.section("termination").get("ttl") if operation is not None else None
    return float(found) if isinstance(found, int) and not isinstance(found, bool) and found > 0 else 0.0


def keeps(run: RunRecord, now: datetime) -> Iterator[datetime]:
    """Until when the backend keeps what it holds of attempts of `run` that are over."""
    for attempt in run.attempts[-MOST_KEPT:]:
        if attempt.kept_until is not None and not attempt.cleaned and attempt.kept_until > now:
            yield attempt.kept_until
