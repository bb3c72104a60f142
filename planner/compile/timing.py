"""Schedules: from what was written to the values that planning goes by (reference, section 15).

Wall-clock times become instants: one in a gap is the end of the gap, one that occurs twice is its first occurrence
(design: "4. Semantics", item 7). Whether an expression of cron can be read is asked of the caller, since the reader of
cron belongs to a higher layer.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar, assert_never
from zoneinfo import ZoneInfo

from planner.compile.origin import Origin, Report
from planner.model import schedule as model
from planner.spec import schedule as spec

T = TypeVar("T")

__all__ = ["CheckSchedule", "lower_schedule"]

CheckSchedule = Callable[[model.Schedule], tuple[str, str] | None]
"""What is wrong with a schedule beyond its shape: a code from PL-501 to PL-503 and a sentence; None if nothing is."""

_SECOND = timedelta(seconds=1)


def lower_schedule(
    said: spec.Schedule, origin: Origin, report: Report, check: CheckSchedule | None
) -> model.Schedule | None:
    """The schedule, its templates evaluated before; None with a problem for one that no planning could follow."""
    try:
        found = _lower(said)
    except ValueError as error:
        field = str(error).partition(" ")[0]  # as the values promise
        code = "PL-503" if field == "endAt" else "PL-504"
        report.add(origin.first((field,)).problem(code, str(error)))
        return None
    fault = check(found) if check is not None else None
    if fault is not None:
        code, message = fault
        field = {"PL-501": "cron", "PL-502": "timezone"}.get(code, "cron")
        report.add(origin.first((field,)).problem(code, message))
        return None
    return found


def _lower(said: spec.Schedule) -> model.Schedule:
    zone = ZoneInfo(said.timezone)
    jitter = said.jitter if said.jitter is not None else timedelta(0)
    match said:
        case spec.CronSchedule():
            return model.CronSchedule(
                cron=said.cron,
                timezone=said.timezone,
                start_at=_instant(said.start_at, zone),
                end_at=_instant(said.end_at, zone),
                max_runs=None if said.max_runs is None else _known(said.max_runs, int),
                depends_on_past=said.depends_on_past is True,
                missed=said.missed,
                max_catch_up=_catch_up(said),
                start_deadline=said.start_deadline,
                concurrency_policy=said.concurrency_policy,
                jitter=jitter,
            )
        case spec.IntervalSchedule():
            return model.IntervalSchedule(
                frequency=_known(said.frequency, timedelta),
                timezone=said.timezone,
                start_at=_instant(said.start_at, zone),
                end_at=_instant(said.end_at, zone),
                max_runs=None if said.max_runs is None else _known(said.max_runs, int),
                depends_on_past=said.depends_on_past is True,
                missed=said.missed,
                max_catch_up=_catch_up(said),
                start_deadline=said.start_deadline,
                concurrency_policy=said.concurrency_policy,
                jitter=jitter,
            )
        case spec.DatetimeSchedule():
            return model.DatetimeSchedule(
                start_at=_written(_known(said.start_at, datetime), zone),
                timezone=said.timezone,
                missed=said.missed,
                start_deadline=said.start_deadline,
                concurrency_policy=said.concurrency_policy,
                jitter=jitter,
            )
        case _:
            assert_never(said)


def _catch_up(said: spec.CronSchedule | spec.IntervalSchedule) -> int:
    return 100 if said.max_catch_up is None else said.max_catch_up


def _instant(local: datetime | str | None, zone: ZoneInfo) -> datetime | None:
    return None if local is None else _written(_known(local, datetime), zone)


def _known(value: object, kind: type[T]) -> T:
    """A value that a template could stand for, which was evaluated before."""
    assert isinstance(value, kind)
    return value


def _written(local: datetime, zone: ZoneInfo) -> datetime:
    """The instant of a written time, which is wall-clock time where it has no offset."""
    if local.tzinfo is not None:
        return local.astimezone(UTC)
    after = local.replace(tzinfo=zone).astimezone(UTC)
    if after.astimezone(zone).replace(tzinfo=None) == local:
        return after
    # In a gap: the offset before it leads behind the change of clocks, the offset after it before the change.
    before = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    old = before.astimezone(zone).utcoffset()
    while after - before > _SECOND:
        middle = before + (after - before) // 2
        before, after = (middle, after) if middle.astimezone(zone).utcoffset() == old else (before, middle)
    return after.replace(microsecond=0)
