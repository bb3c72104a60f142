"""Backfills: what a person asked for of the ticks that a schedule has behind it, and how far that is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

__all__ = ["MOST_AT_ONCE", "MOST_BACKFILLS", "MOST_TICKS", "Backfill"]

MOST_TICKS = 10_000
"""Ticks of one backfill."""

MOST_AT_ONCE = 1_000
"""Runs of one backfill that may be open at once."""

MOST_BACKFILLS = 20
"""Backfills of one operation that are not over."""


@dataclass(frozen=True, slots=True)
class Backfill:
    """Runs for the ticks of a stretch that have none, oldest first.

    Attributes:
        ident: `b-…`, after the command that asked for it.
        begin: the first instant that may be a tick of it.
        end: the instant before which all of them are.
        limit: how many of its runs may be open at once.
        by: who asked.
        at: when.
        schedule: digest of the schedule's fields (`planner.desire.ticks.fields_digest`): its ticks are of these.
        total: ticks in the stretch.
        next: the oldest tick that is not decided; None when all are.
        started: ticks that a run was opened for.
        passed: ticks that had one, or that the schedule itself decides.
        over: why it is over; "" while it is not.
    """

    ident: str
    begin: datetime
    end: datetime
    limit: int
    by: str
    at: datetime
    schedule: str
    total: int
    next: datetime | None
    started: int = 0
    passed: int = 0
    over: str = ""

    @property
    def decided(self) -> int:
        """Ticks that were gone through."""
        return self.started + self.passed
