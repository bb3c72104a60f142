"""Schedules: when an operation is due by itself, and the folded state that the ledger keeps of one.

This module only holds and checks values. It must never evaluate a cron expression or read a zone: that is for
`planner.desire.cron` and `planner.desire.zones`; which ticks are due is decided in `planner.desire.ticks`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Literal

__all__ = [
    "CRON_PRESETS",
    "MAX_CATCH_UP",
    "ConcurrencyPolicy",
    "CronSchedule",
    "Cursor",
    "DatetimeSchedule",
    "IntervalSchedule",
    "MissedPolicy",
    "Schedule",
]

MissedPolicy = Literal["latest", "none", "all"]
"""What runs of the ticks that came due while nobody looked: the newest one, none, or the newest `max_catch_up`."""

ConcurrencyPolicy = Literal["allow", "forbid", "replace"]
"""What a tick does when runs of earlier ticks are active: start beside them, not start, or stop them and start."""

CRON_PRESETS: Mapping[str, str] = MappingProxyType(
    {
        "@hourly": "0 * * * *",
        "@daily": "0 0 * * *",
        "@midnight": "0 0 * * *",
        "@weekly": "0 0 * * 0",
        "@monthly": "0 0 1 * *",
        "@quarterly": "0 0 1 */3 *",
        "@yearly": "0 0 1 1 *",
        "@annually": "0 0 1 1 *",
    }
)
"""Words for cron expressions, in any case (reference, section 15); the only table of them."""

MAX_CATCH_UP = 10_000
"""Bound of `max_catch_up`: who wants more asks for a backfill, which has a limit of runs at once."""

_CENTURY = timedelta(days=36_525)
_NOTHING = timedelta(0)
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class CronSchedule:
    """A tick whenever a cron expression matches (reference section 15; design: "Schedules have more fields").

    Instants given in another zone become UTC; all are cut to whole seconds.

    Attributes:
        cron: five fields or a preset; `planner.desire.cron.parse` says whether it is valid.
        timezone: IANA name of the zone whose wall clock the expression reads.
        start_at: where set and not before the anchor, the first tick is this instant itself, the others follow it.
        end_at: the last instant that may be a tick.
        max_runs: ticks in all, missed ones included; None for no limit.
        depends_on_past: a tick starts only when the run of the tick before it is final.
        missed: what runs of the ticks that came due while nobody looked.
        max_catch_up: how many of them run with `missed: all`.
        start_deadline: an older tick is missed, whatever `missed` says; None for no deadline.
        concurrency_policy: what a tick does when runs of earlier ticks are active.
        jitter: greatest delay of a start; a tick's identity never moves.

    Raises:
        ValueError: for values that no schedule can have, in words for the user who wrote them. The first word is the
            YAML name of the field at fault.
    """

    cron: str
    timezone: str = "UTC"
    start_at: datetime | None = None
    end_at: datetime | None = None
    max_runs: int | None = None
    depends_on_past: bool = False
    missed: MissedPolicy = "latest"
    max_catch_up: int = 100
    start_deadline: timedelta | None = None
    concurrency_policy: ConcurrencyPolicy = "allow"
    jitter: timedelta = _NOTHING

    def __post_init__(self) -> None:
        _normalise(self)
        _check_limits(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalSchedule:
    """A tick every `frequency` of elapsed time, counted from `start_at` or the anchor (reference section 15).

    The first tick is `start_at`, or one frequency after the anchor where `start_at` is not set. The other attributes
    and errors are those of `CronSchedule`.

    Attributes:
        frequency: whole seconds, from one second to a century.
        timezone: the zone that instants without an offset were read in; ticks do not depend on it.
    """

    frequency: timedelta
    timezone: str = "UTC"
    start_at: datetime | None = None
    end_at: datetime | None = None
    max_runs: int | None = None
    depends_on_past: bool = False
    missed: MissedPolicy = "latest"
    max_catch_up: int = 100
    start_deadline: timedelta | None = None
    concurrency_policy: ConcurrencyPolicy = "allow"
    jitter: timedelta = _NOTHING

    def __post_init__(self) -> None:
        if self.frequency % _SECOND or not _SECOND <= self.frequency <= _CENTURY:
            raise ValueError("frequency must be whole seconds, from one second to a hundred years")
        _normalise(self)
        _check_limits(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatetimeSchedule:
    """One tick, at `start_at`, also when that is past at first sight (reference section 15).

    The other attributes and errors are those of `CronSchedule`.

    Attributes:
        start_at: the instant of the only tick.
        timezone: the zone that `start_at` was read in when it had no offset; the tick does not depend on it.
    """

    start_at: datetime
    timezone: str = "UTC"
    missed: MissedPolicy = "latest"
    start_deadline: timedelta | None = None
    concurrency_policy: ConcurrencyPolicy = "allow"
    jitter: timedelta = _NOTHING

    def __post_init__(self) -> None:
        _normalise(self)


Schedule = CronSchedule | IntervalSchedule | DatetimeSchedule


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far the ticks of a schedule are decided: all that planning needs of their history.

    Attributes:
        digest: of the fields that say which ticks exist (`planner.desire.ticks.fields_digest`).
        anchor: the instant at which the daemon first planned these fields.
        last: the newest tick that was decided, started or missed; None before the first.
        count: ticks decided since the anchor; what `max_runs` limits.
        skipped: ticks up to here fell into a suspension; None where there was none.
    """

    digest: str
    anchor: datetime
    last: datetime | None = None
    count: int = 0
    skipped: datetime | None = None


def _normalise(schedule: Schedule) -> None:
    for name in ("start_at", "end_at"):
        value: datetime | None = getattr(schedule, name, None)
        if value is None:
            continue
        if value.tzinfo is None:
            raise ValueError(f"{name} has no time zone: planner.desire.zones.instant gives it the schedule's")
        object.__setattr__(schedule, name, value.astimezone(UTC).replace(microsecond=0))
    if schedule.jitter < _NOTHING:
        raise ValueError("jitter must not be negative")
    if schedule.start_deadline is not None and schedule.start_deadline <= _NOTHING:
        raise ValueError("startDeadline must be longer than zero")


def _check_limits(schedule: CronSchedule | IntervalSchedule) -> None:
    if schedule.max_runs is not None and schedule.max_runs < 1:
        raise ValueError("maxRuns must be at least 1; leave it out for no limit")
    if not 1 <= schedule.max_catch_up <= MAX_CATCH_UP:
        raise ValueError(f"maxCatchUp must be from 1 to {MAX_CATCH_UP}; for no catching up set missed: none")
    if schedule.start_at and schedule.end_at and schedule.end_at < schedule.start_at:
        raise ValueError("endAt is before startAt")
