"""Ticks: which scheduled instants are decided at a look, and how.

A tick is a scheduled instant, never the moment at which somebody noticed it (reliability: one run a tick, whatever the
clock does). A look decides every tick up to `now`: it starts, or it is missed with a reason. Three rules:

- Because each look decides everything, an undecided tick means that nobody looked since it came due. While the oldest
  one is at most `ON_TIME` old, that was ordinary delay: all of them are on time and start.
- Otherwise the schedule was left alone, and `missed` decides all of them but one that is due at this very second.
- The cursor moves forward only. A clock that goes back repeats nothing; one that leaps forward is an absence.

Policies (`missed`, `max_catch_up`, `start_deadline`, `jitter`, `depends_on_past`; `concurrency_policy` is decided in
`planner.desire.concurrency`) say what happens with a tick and are read at each look. Only a change of the other
fields, which say what ticks there are, restarts a schedule.

This module must never keep a list of missed ticks: what was missed is one record for a stretch, however long.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import assert_never

from planner import canon
from planner.desire import cron
from planner.desire.series import Series
from planner.model.schedule import (
    CronSchedule,
    Cursor,
    DatetimeSchedule,
    IntervalSchedule,
    MissedPolicy,
    Schedule,
)

__all__ = [
    "DECIDED_AWAY",
    "ON_TIME",
    "Due",
    "Missed",
    "Why",
    "current",
    "due",
    "fields_digest",
    "jitter_of",
    "restart",
    "skip_suspended",
    "text_of",
    "upcoming",
    "waive",
]

ON_TIME = timedelta(seconds=60)
"""How late a schedule may be looked at without having been left alone: a slow reconcile, a restart of the daemon."""

DECIDED_AWAY = "its schedule"
"""Why the record of a tick was opened that its schedule decided not to run."""

_SECOND = timedelta(seconds=1)
_INSTANT = timedelta(microseconds=1)


class Why(StrEnum):
    """Why a tick does not run."""

    AWAY = "it came due while nobody looked"
    DEADLINE = "older than startDeadline"
    PAST = "the run of the tick before was still active (dependsOnPast)"
    SUSPENDED = "it waited for the run of the tick before (dependsOnPast) when the operation was suspended"


@dataclass(frozen=True, slots=True)
class Missed:
    """A stretch of ticks that do not run.

    Attributes:
        first: the oldest of them.
        last: the newest of them; equal to `first` for a single one.
        count: how many ticks of the schedule there are from first to last.
        why: the reason.
    """

    first: datetime
    last: datetime
    count: int
    why: Why

    def __str__(self) -> str:
        if self.count == 1:
            return f"tick {text_of(self.first)} missed: {self.why}"
        return f"{self.count:,} ticks missed between {text_of(self.first)} and {text_of(self.last)}: {self.why}"


@dataclass(frozen=True, slots=True)
class Due:
    """What a look decided.

    Attributes:
        starts: ticks to start now, ascending; `jitter_of` may delay each start.
        missed: ticks that were decided away: two stretches at most, ascending, all before `starts`.
        cursor: to be kept, in the transaction that records the decisions.
        wake_at: the next tick; None when there is none, or when the next look is due to `waiting`.
        waiting: the oldest due tick that waits until the run of the tick before it is final, or None.
        done: no tick is left, now or later.
    """

    starts: tuple[datetime, ...]
    missed: tuple[Missed, ...]
    cursor: Cursor
    wake_at: datetime | None = None
    waiting: datetime | None = None
    done: bool = False


def fields_digest(schedule: Schedule) -> str:
    """The digest of the fields that say which ticks there are; without those at their default, and without policies.

    Another spelling of the same cron expression (blanks, a preset) gives the same digest.
    """
    fields: dict[str, object]
    match schedule:
        case CronSchedule():
            fields = {"cron": cron.parse(schedule.cron).text, "timezone": schedule.timezone, **_limits(schedule)}
        case IntervalSchedule():
            fields = {"frequency": schedule.frequency, **_limits(schedule)}
        case DatetimeSchedule():
            fields = {"startAt": schedule.start_at}
        case _:
            assert_never(schedule)
    return canon.digest({name: value for name, value in fields.items() if value is not None})


def restart(schedule: Schedule, now: datetime) -> Cursor:
    """The cursor of a schedule that is planned for the first time, or the first time with these fields.

    Ticks are those after `now`; earlier ones belong to nobody, also where `start_at` is earlier. The one tick of a
    `DatetimeSchedule` stays due however late it is first seen.
    """
    return Cursor(fields_digest(schedule), now.astimezone(UTC).replace(microsecond=0))


def current(schedule: Schedule, cursor: Cursor | None, now: datetime) -> Cursor:
    """`cursor` while it is one of these fields; a fresh one otherwise."""
    if cursor is not None and cursor.digest == fields_digest(schedule):
        return cursor
    return restart(schedule, now)


def due(
    schedule: Schedule,
    cursor: Cursor | None,
    now: datetime,
    *,
    previous_final: bool = True,
    busy_until: datetime | None = None,
) -> Due:
    """Decide all ticks up to `now`.

    Args:
        schedule: valid: its expression and zone were parsed when it was compiled.
        cursor: what the last look left, or None; one of other fields is replaced (`current`).
        now: the instant of this look.
        previous_final: whether the runs of all earlier ticks are final; counts with `depends_on_past` only.
        busy_until: when the run of the tick before ended, if that is known: ticks that came due earlier waited for it.

    Cost: bounded by the days since the last decided tick, a few microseconds each, and by `max_catch_up`.
    """
    series = Series(schedule, current(schedule, cursor, now))
    now = now.astimezone(UTC).replace(microsecond=0)
    first = series.first()
    if first is None or first > now:
        return Due((), (), series.cursor, wake_at=first, done=first is None)
    alone = isinstance(schedule, CronSchedule | IntervalSchedule) and schedule.depends_on_past
    if alone and not previous_final:
        return Due((), (), series.cursor, waiting=first)
    starts, missed = _decide(series, first, now)
    if alone:
        missed = tuple(_after_waiting(stretch, busy_until) for stretch in missed)
        starts, waiting = starts[:1], next(iter(starts[1:]), None)
    else:
        waiting = None
    return _outcome(series, starts, missed, waiting)


def upcoming(schedule: Schedule, cursor: Cursor | None, now: datetime, n: int) -> tuple[datetime, ...]:
    """The next `n` ticks after `now`, fewer when the schedule ends before; what is due now or undecided is not one."""
    series = Series(schedule, current(schedule, cursor, now))
    now = max(now.astimezone(UTC).replace(microsecond=0), series.floor)
    left = series.left
    if left is not None:
        n = min(n, left - series.count(series.floor, now))
    found: list[datetime] = []
    while len(found) < n and (tick := series.following(found[-1] if found else now)):
        found.append(tick)
    return tuple(found)


def waive(schedule: Schedule, cursor: Cursor, until: datetime) -> Due:
    """Decide away what is still undecided up to `until`, the beginning of a suspension, after `due` was asked.

    Only `depends_on_past` leaves anything undecided. The cursor cannot go round a suspension and come back to it, so
    what waits then is recorded as missed.
    """
    series = Series(schedule, current(schedule, cursor, until))
    end = series.end(until.astimezone(UTC).replace(microsecond=0))
    count = series.count(series.floor, end) if end > series.floor else 0
    stretch = _stretch(series, (series.floor, end), count, Why.SUSPENDED)
    return _outcome(series, (), (stretch,), None) if stretch else Due((), (), series.cursor)


def skip_suspended(schedule: Schedule, cursor: Cursor | None, until: datetime) -> Cursor:
    """The cursor behind a suspension, or as far into one as `until`: ticks up to that instant are not missed ticks.

    They are neither recorded nor counted. Call `due` and `waive` up to the beginning of the suspension first: undecided
    ticks from before it would be dropped too. Never pass an end that is still to come, as a person may lift the
    suspension earlier.
    """
    cursor = current(schedule, cursor, until)
    until = until.astimezone(UTC).replace(microsecond=0)
    return cursor if cursor.skipped and cursor.skipped >= until else replace(cursor, skipped=until)


def jitter_of(root: str, tick: datetime, jitter: timedelta) -> timedelta:
    """The delay of a tick's start: whole seconds from zero to `jitter`, the same on every machine and at every look."""
    text = f"{root}@{tick.astimezone(UTC).isoformat()}"
    share = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    return timedelta(seconds=share * (jitter // _SECOND + 1) >> 64)


def _decide(series: Series, first: datetime, now: datetime) -> tuple[tuple[datetime, ...], tuple[Missed, ...]]:
    """What starts and what is missed of the ticks from `first` to `now`."""
    end, deadline = series.end(now), series.schedule.start_deadline
    late = series.floor if deadline is None else min(end, max(series.floor, now - deadline - _INSTANT))
    eligible = series.count(late, end)
    on_time = now - first <= ON_TIME
    starts = series.newest(late, end, eligible if on_time else min(eligible, _kept(series, end, now)))
    split = starts[0] - _SECOND if starts else end
    expired = series.count(series.floor, late) if late > series.floor else 0
    stretches = (
        _stretch(series, (series.floor, late), expired, Why.DEADLINE),
        _stretch(series, (late, split), eligible - len(starts), Why.AWAY),
    )
    return starts, tuple(stretch for stretch in stretches if stretch)


def _after_waiting(stretch: Missed, busy_until: datetime | None) -> Missed:
    waited = stretch.why is Why.AWAY and busy_until is not None and stretch.first < busy_until
    return replace(stretch, why=Why.PAST) if waited else stretch


def _kept(series: Series, end: datetime, now: datetime) -> int:
    """How many of the newest ticks up to `end` may start after an absence."""
    missed: MissedPolicy = series.schedule.missed
    match missed:
        case "latest":
            return 1
        case "all":
            return 1 if isinstance(series.schedule, DatetimeSchedule) else series.schedule.max_catch_up
        case "none":
            return series.count(now - _SECOND, now) if end == now else 0
        case _:
            assert_never(missed)


def _stretch(series: Series, span: tuple[datetime, datetime], count: int, why: Why) -> Missed | None:
    first = series.following(span[0]) if count else None
    return None if first is None else Missed(first, series.newest(*span, 1)[-1], count, why)


def _outcome(series: Series, starts: tuple[datetime, ...], missed: tuple[Missed, ...], waiting: datetime | None) -> Due:
    last = starts[-1] if starts else missed[-1].last
    decided = len(starts) + sum(stretch.count for stretch in missed)
    cursor = replace(series.cursor, last=last, count=series.cursor.count + decided)
    following = Series(series.schedule, cursor).first()
    return Due(starts, missed, cursor, wake_at=None if waiting else following, waiting=waiting, done=following is None)


def _limits(schedule: CronSchedule | IntervalSchedule) -> dict[str, object]:
    return {"startAt": schedule.start_at, "endAt": schedule.end_at, "maxRuns": schedule.max_runs}


def text_of(at: datetime) -> str:
    """A tick for people: to the minute, where it is a whole one."""
    return at.strftime("%Y-%m-%d %H:%M UTC" if not at.second else "%Y-%m-%d %H:%M:%S UTC")
