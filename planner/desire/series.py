"""Series: which ticks a schedule has behind its cursor (reference section 15).

- cron: `start_at` where it is not before the anchor, then every instant that the expression means;
- interval: `start_at` or the anchor, plus whole multiples of the frequency, elapsed time; the anchor itself is none;
- datetime: `start_at`, however late it is first seen.

All of them end with `end_at`, itself included, and with `max_runs`. Nothing here walks from tick to tick: intervals are
arithmetic, cron counts by days. This module must never decide what happens with a tick: that is `planner.desire.ticks`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never
from zoneinfo import ZoneInfo

from planner.desire import cron, zones
from planner.model.schedule import CronSchedule, Cursor, DatetimeSchedule, IntervalSchedule, Schedule

__all__ = ["Series"]

_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Series:
    """The ticks of a schedule; instants given to its methods are not before `floor`."""

    schedule: Schedule
    cursor: Cursor

    @property
    def floor(self) -> datetime:
        """All ticks up to this instant are settled; the undecided ones are after it."""
        start = self.schedule.start_at
        whatever = isinstance(self.schedule, DatetimeSchedule)
        begin = start - _SECOND if start and (whatever or start >= self.cursor.anchor) else self.cursor.anchor
        return max(at for at in (begin, self.cursor.last, self.cursor.skipped) if at)

    @property
    def left(self) -> int | None:
        """How many more ticks `max_runs` allows; None for any number."""
        match self.schedule:
            case CronSchedule(max_runs=int() as limit) | IntervalSchedule(max_runs=int() as limit):
                return max(0, limit - self.cursor.count)
            case _:
                return None

    def first(self) -> datetime | None:
        """The oldest undecided tick, due or not; None when the schedule is done."""
        return None if self.left == 0 else self.following(self.floor)

    def following(self, after: datetime) -> datetime | None:
        """The first tick after an instant, `max_runs` left aside."""
        tick = self._following(after)
        limit = None if isinstance(self.schedule, DatetimeSchedule) else self.schedule.end_at
        return None if tick is None or (limit and tick > limit) else tick

    def end(self, now: datetime) -> datetime:
        """The instant up to which ticks may be due at `now`: not after `end_at`, nor the last one of `max_runs`."""
        if isinstance(self.schedule, DatetimeSchedule):
            return now
        end = min(now, self.schedule.end_at or now)
        left = self.left
        if left is None or self.count(self.floor, end) <= left:
            return end
        return self._nth(end, left)

    def count(self, after: datetime, until: datetime) -> int:
        """How many ticks are in (after, until], `end_at` and `max_runs` left aside."""
        schedule = self.schedule
        match schedule:
            case CronSchedule():
                extra = self._start_between(after, until)
                behind = max(after, extra[0]) if extra else after
                return len(extra) + cron.count(*_read(schedule), behind, until)
            case IntervalSchedule():
                base = self._base
                return (until - base) // schedule.frequency - (after - base) // schedule.frequency
            case DatetimeSchedule():
                return len(self._start_between(after, until))
            case _:
                assert_never(schedule)

    def newest(self, after: datetime, until: datetime, n: int) -> tuple[datetime, ...]:
        """The last `n` of the ticks in (after, until], ascending; fewer where there are fewer."""
        if n <= 0:
            return ()
        schedule = self.schedule
        match schedule:
            case CronSchedule():
                extra = self._start_between(after, until)
                behind = max(after, extra[0]) if extra else after
                return (*extra, *cron.newest(*_read(schedule), (behind, until), n))[-n:]
            case IntervalSchedule():
                number = (until - self._base) // schedule.frequency
                n = min(n, self.count(after, until))
                return tuple(self._base + step * schedule.frequency for step in range(number - n + 1, number + 1))
            case DatetimeSchedule():
                return self._start_between(after, until)
            case _:
                assert_never(schedule)

    @property
    def _base(self) -> datetime:
        return self.schedule.start_at or self.cursor.anchor

    def _following(self, after: datetime) -> datetime | None:
        schedule = self.schedule
        start = schedule.start_at
        match schedule:
            case CronSchedule():
                return start if start and after < start else cron.next_after(*_read(schedule), after)
            case IntervalSchedule():
                return self._base + ((after - self._base) // schedule.frequency + 1) * schedule.frequency
            case DatetimeSchedule():
                return schedule.start_at if after < schedule.start_at else None
            case _:
                assert_never(schedule)

    def _start_between(self, after: datetime, until: datetime) -> tuple[datetime, ...]:
        start = self.schedule.start_at
        return (start,) if start and after < start <= until else ()

    def _nth(self, end: datetime, n: int) -> datetime:
        low, high = self.floor, end
        # Each step counts half as far as the one before: together they cost as much as one count over all.
        while high - low > _SECOND:
            middle = low + (high - low) // _SECOND // 2 * _SECOND
            before = self.count(low, middle)
            if before >= n:
                high = middle
            else:
                low, n = middle, n - before
        return high


def _read(schedule: CronSchedule) -> tuple[cron.Cron, ZoneInfo]:
    return cron.parse(schedule.cron), zones.zone(schedule.timezone)
