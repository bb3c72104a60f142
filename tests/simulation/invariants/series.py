"""Which ticks a schedule has, by arithmetic of its own, for the few expressions that seeds use."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta

from planner.keys import Key
from planner.model.schedule import CronSchedule, Cursor, IntervalSchedule

__all__ = ["Periodic", "between", "fields", "floor", "minutes", "run_of", "ticks"]

Periodic = CronSchedule | IntervalSchedule


def fields(schedule: Periodic) -> tuple[object, ...]:
    """What says which ticks there are; a schedule with other fields is another one."""
    every = schedule.cron if isinstance(schedule, CronSchedule) else schedule.frequency
    return (every, schedule.timezone, schedule.start_at, schedule.end_at, schedule.max_runs)


def minutes(cron: str) -> set[int]:
    """The minutes of an expression that leaves everything else open."""
    text, _, step = cron.split(maxsplit=1)[0].partition("/")
    if text == "*":
        return set(range(0, 60, int(step or 1)))
    if step:
        low, _, high = text.partition("-")
        return set(range(int(low), int(high) + 1, int(step)))
    return {int(item) for item in text.split(",")}


def ticks(schedule: Periodic, anchor: datetime, until: datetime) -> list[datetime]:
    """All ticks from the anchor to an instant."""
    match schedule:
        case CronSchedule():
            found = _cron(schedule, anchor, until)
        case IntervalSchedule():
            found = _interval(schedule, anchor, until)
    return [tick for tick in found if tick <= until][: schedule.max_runs]


def between(schedule: Periodic, anchor: datetime, stretch: tuple[datetime, datetime]) -> list[datetime]:
    """All ticks of a stretch, from before the anchor too, in the rhythm that the anchor gives; its end is not in it."""
    begin, end = stretch
    begin = max(begin, schedule.start_at) if schedule.start_at else begin
    before = begin - timedelta(microseconds=1)
    if isinstance(schedule, CronSchedule):
        start = schedule.start_at if schedule.start_at and schedule.start_at >= anchor else None
        found = _cron(replace(schedule, start_at=None), before, end)
        found = [start, *(tick for tick in found if tick > start)] if start and start >= begin else found
    else:
        base, every = schedule.start_at or anchor, schedule.frequency
        first = base + every * -((base - begin) // every)
        found = _interval(replace(schedule, start_at=first), before, end)
    return [tick for tick in found if begin <= tick < end]


def _cron(schedule: CronSchedule, anchor: datetime, until: datetime) -> list[datetime]:
    start = schedule.start_at if schedule.start_at and schedule.start_at >= anchor else None
    found = [start] if start else []
    on = sorted(minutes(schedule.cron))
    after = max(anchor, start or anchor)
    hour = after.replace(minute=0, second=0, microsecond=0)
    while hour <= until:
        found += [at for minute in on if after < (at := hour + timedelta(minutes=minute)) <= until]
        hour += timedelta(hours=1)
    return found


def _interval(schedule: IntervalSchedule, anchor: datetime, until: datetime) -> list[datetime]:
    found = []
    at = schedule.start_at or anchor + schedule.frequency
    while at <= until:
        if at > anchor or at == schedule.start_at == anchor:
            found.append(at)
        at += schedule.frequency
    return found


def run_of(tick: datetime, names: Collection[str], runs: Collection[Key]) -> Key | None:
    """The run of a tick among `runs`, under any name that its root had."""
    text = tick.strftime("%Y-%m-%dT%H:%MZ" if not tick.second else "%Y-%m-%dT%H:%M:%SZ")
    return next((key for name in sorted(names) if (key := Key(name, text)) in runs), None)


def floor(cursor: Cursor) -> datetime:
    """Up to where a cursor has decided every tick."""
    return max(at for at in (cursor.anchor, cursor.last, cursor.skipped) if at)
