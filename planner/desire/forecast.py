"""Forecasts: which ticks of a schedule come next, and why no more of them come, as values for people.

It asks the functions that decide when ticks are due (`planner.desire.ticks`), so it promises nothing else than they do.
What people do in between (a suspension that is lifted, a new commit) it cannot know.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import assert_never

from planner.desire import ticks, zones
from planner.desire.series import Series
from planner.model.people import Suspension
from planner.model.schedule import CronSchedule, Cursor, DatetimeSchedule, IntervalSchedule, Schedule

__all__ = ["MOST_TICKS", "Forecast", "Upcoming", "forecast"]

MOST_TICKS = 1000
"""Ticks that a forecast has at most."""


@dataclass(frozen=True, slots=True)
class Upcoming:
    """A tick that is to come.

    Attributes:
        at: the instant.
        local: what clocks in the schedule's zone show then, with the offset from UTC.
    """

    at: datetime
    local: str


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a schedule does next.

    Attributes:
        rule: its expression, frequency or instant.
        timezone: IANA name.
        ticks: the next ones, ascending.
        remarks: what is due, what is passed over, and why no more ticks come; one sentence each.
    """

    rule: str
    timezone: str
    ticks: tuple[Upcoming, ...]
    remarks: tuple[str, ...]


def forecast(
    schedule: Schedule, cursor: Cursor | None, now: datetime, n: int, suspensions: Sequence[Suspension] = ()
) -> Forecast:
    """The next `n` ticks after `now`.

    Args:
        schedule: valid: its expression and zone were parsed when it was compiled.
        cursor: what the last look left; None for a schedule that is planned for the first time at `now`.
        now: whole seconds count. Ticks that are decided are never shown, also where `now` is before them.
        n: from 1 to `MOST_TICKS`.
        suspensions: of the operation and of the project; those that are over count for nothing.
    """
    now = now.astimezone(UTC).replace(microsecond=0)
    cursor = ticks.current(schedule, cursor, now)
    remarks = []
    first = Series(schedule, cursor).first()
    if first is not None and first <= now:
        remarks.append(f"the tick of {ticks.text_of(first)} is due and not decided yet")
    holding = [one for one in suspensions if one.until is None or one.until > now]
    endless = next((one for one in holding if one.until is None), None)
    if endless is not None:
        remarks.append(f"suspended by {endless.by}: all ticks are passed over until it is lifted")
        return Forecast(_rule(schedule), schedule.timezone, (), tuple(remarks))
    begin = max((now, *(one.until.astimezone(UTC) for one in holding if one.until is not None)))
    if begin > now:
        passed = _count(schedule, cursor, now, begin)
        by = ", ".join(dict.fromkeys(one.by for one in holding))
        what = f"{passed:,} tick{'s' if passed != 1 else ''}"
        remarks.append(f"suspended by {by} until {ticks.text_of(begin)}: {what} until then passed over")
        cursor = ticks.skip_suspended(schedule, cursor, begin)
    found = ticks.upcoming(schedule, cursor, begin, n)
    if len(found) < n:
        remarks.append(_end(schedule, cursor, found[-1] if found else begin))
    where = zones.zone(schedule.timezone)
    shown = tuple(Upcoming(at, f"{at.astimezone(where):%a %Y-%m-%d %H:%M:%S %z}") for at in found)
    return Forecast(_rule(schedule), schedule.timezone, shown, tuple(remarks))


def _count(schedule: Schedule, cursor: Cursor, after: datetime, until: datetime) -> int:
    series = Series(schedule, cursor)
    begin = max(after, series.floor)
    end = until if isinstance(schedule, DatetimeSchedule) else min(until, schedule.end_at or until)
    return series.count(begin, end) if begin < end else 0


def _end(schedule: Schedule, cursor: Cursor, last: datetime) -> str:
    """Why there is no tick after `last`."""
    if isinstance(schedule, DatetimeSchedule):
        return "it has one tick only"
    series = Series(schedule, cursor)
    if schedule.max_runs is not None and series.following(max(last, series.floor)) is not None:
        return f"maxRuns: no tick after the first {schedule.max_runs:,}, of which {cursor.count:,} are decided"
    if schedule.end_at is not None:
        return f"endAt: no tick after {ticks.text_of(schedule.end_at)}"
    return "the calendar ends"


def _rule(schedule: Schedule) -> str:
    match schedule:
        case CronSchedule():
            return schedule.cron
        case IntervalSchedule():
            return f"every {schedule.frequency}"
        case DatetimeSchedule():
            return f"once, {ticks.text_of(schedule.start_at)}"
        case _:
            assert_never(schedule)
