"""Stretches of a schedule: its ticks between two instants of the past, which people may want run (`desire.backfill`).

Zones and changes of clocks are those of the schedule's own ticks. This module decides nothing about a tick.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from planner.desire import ticks, zones
from planner.desire.series import Series
from planner.model.backfill import MOST_TICKS
from planner.model.schedule import CronSchedule, Cursor, DatetimeSchedule, Schedule

__all__ = ["Stretch", "asked", "stretch_of"]

_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Stretch:
    """The ticks of a schedule in (after, until]."""

    series: Series
    after: datetime
    until: datetime

    @property
    def count(self) -> int:
        """How many there are."""
        return self.series.count(self.after, self.until) if self.after < self.until else 0

    def ticks(self, since: datetime | None = None, most: int = MOST_TICKS) -> tuple[datetime, ...]:
        """The oldest ones, from the tick `since` on, `most` at most."""
        found: list[datetime] = []
        after = self.after if since is None else max(self.after, since - _SECOND)
        while len(found) < most and (tick := self.series.following(after)) is not None and tick <= self.until:
            found.append(tick)
            after = tick
        return tuple(found)


def stretch_of(schedule: Schedule, cursor: Cursor, begin: datetime, end: datetime) -> Stretch:
    """The ticks in [begin, end): none before `startAt` or after `endAt`; `maxRuns` limits what the clock starts.

    An interval without `startAt` keeps the rhythm of its cursor, backwards too.
    """
    after, until = _whole(begin) - _SECOND, _whole(end) - _SECOND
    start = schedule.start_at
    if isinstance(schedule, DatetimeSchedule):
        return Stretch(Series(schedule, cursor), after, until)
    if start is not None:
        after = max(after, start - _SECOND)
    if schedule.end_at is not None:
        until = min(until, schedule.end_at)
    if isinstance(schedule, CronSchedule) and start is not None and start < cursor.anchor:
        # Such a start is only where its ticks begin, and none itself (`planner.desire.series`).
        schedule = replace(schedule, start_at=None)
    return Stretch(Series(schedule, cursor), after, until)


def asked(schedule: Schedule, cursor: Cursor | None, given: tuple[str, str], now: datetime) -> Stretch:
    """The ticks between two written instants, which are wall-clock times of the schedule's zone without an offset.

    Raises:
        ValueError: they are no stretch of the past, or it has no tick or too many; in words for whoever asked.
    """
    begin, end = (_instant(text, schedule) for text in given)
    if begin >= end:
        raise ValueError(f"from ({ticks.text_of(begin)}) must be before to ({ticks.text_of(end)})")
    if end > now + _SECOND:
        raise ValueError(f"to ({ticks.text_of(end)}) is still to come: those ticks start by themselves")
    stretch = stretch_of(schedule, ticks.current(schedule, cursor, now), begin, end)
    total = stretch.count
    if not total:
        raise ValueError(f"the schedule has no tick from {ticks.text_of(begin)} until before {ticks.text_of(end)}")
    if total > MOST_TICKS:
        raise ValueError(
            f"{total:,} ticks lie from {ticks.text_of(begin)} until before {ticks.text_of(end)}, and a backfill has"
            f" {MOST_TICKS:,} at most: ask for a shorter stretch"
        )
    return stretch


def _whole(at: datetime) -> datetime:
    return at if not at.microsecond else at.replace(microsecond=0) + _SECOND


def _instant(text: str, schedule: Schedule) -> datetime:
    try:
        at = datetime.fromisoformat(text)
        at = at.astimezone(UTC) if at.tzinfo else zones.instant(at, zones.zone(schedule.timezone))
    except (ValueError, OverflowError):
        raise ValueError(f"{text[:40]!r} is no instant: give a date, or a time such as 2026-11-23T06:00") from None
    return _whole(at)
