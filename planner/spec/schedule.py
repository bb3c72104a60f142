"""Schedules: when an operation runs by the clock (reference, section 15; design: "Semantics", item 7).

The models hold what was written. Which instants follow from it is decided in `planner.desire`; only the outer form
of a cron expression is checked here.
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, PlainValidator, model_validator

from planner.model.schedule import MAX_CATCH_UP
from planner.spec.shape import Bool, Count, Duration, Instant, Section, fault
from planner.spec.words import kind_of, short

__all__ = ["CRON_PRESETS", "SCHEDULE_KINDS", "CronSchedule", "DatetimeSchedule", "IntervalSchedule", "Schedule"]

SCHEDULE_KINDS = ("cron", "interval", "datetime")
"""The kinds of the union."""

CRON_PRESETS: Mapping[str, str] = MappingProxyType(
    {
        "@hourly": "0 * * * *",
        "@daily": "0 0 * * *",
        "@weekly": "0 0 * * 0",
        "@monthly": "0 0 1 * *",
        "@quarterly": "0 0 1 */3 *",
        "@yearly": "0 0 1 1 *",
    }
)
"""Words for cron expressions (reference, section 15)."""

_SECOND = timedelta(seconds=1)
_CRON_FIELD = re.compile(r"[-0-9a-zA-Z*/,?#]+")
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*")


def _zone(value: object) -> str:
    if not isinstance(value, str):
        raise fault("PL-203", f"{{field}} must be a string, not {kind_of(value)}")
    if not _is_zone(value):
        hint = "use a name of the IANA database, such as Europe/Berlin"
        raise fault("PL-502", f"unknown time zone `{short(value)}`", hint)
    return value


def _is_zone(name: str) -> bool:
    """Whether the database has it; names that mean another zone on each machine count as unknown."""
    if not _ZONE.fullmatch(name) or name in {"localtime", "posixrules", "Factory"}:
        return False
    try:
        zoneinfo.ZoneInfo(name)
    except (ValueError, KeyError, OSError):
        return False
    return True


def _cron(value: object) -> str:
    if not isinstance(value, str):
        raise fault("PL-203", f"{{field}} must be a string, not {kind_of(value)}")
    text = " ".join(value.split())
    fields = CRON_PRESETS.get(text, text).split(" ")
    if len(fields) != 5 or not all(_CRON_FIELD.fullmatch(part) for part in fields):
        hint = "write minute, hour, day, month and weekday, such as `0 6 * * *`"
        raise fault("PL-501", f"`{short(value)}` is not a cron expression", hint)
    return text


def _frequency(value: timedelta) -> timedelta:
    if value < _SECOND or value % _SECOND:
        raise fault("PL-504", "{field} must be whole seconds, at least one")
    return value


def _catch_up(value: int) -> int:
    if value > MAX_CATCH_UP:
        hint = "for a backfill, use a matrix over the dates"
        raise fault("PL-204", f"{{field}} must be at most {MAX_CATCH_UP}, not {value}", hint)
    return value


class Timing(Section):
    """What the three kinds share."""

    timezone: Annotated[str, PlainValidator(_zone)] = "UTC"
    """IANA name; wall-clock times of this section are in it."""
    missed: Literal["latest", "none", "all"] = "latest"
    """Which of the ticks that were due while nothing ran are still run."""
    max_catch_up: Annotated[Count, AfterValidator(_catch_up)] | None = None
    """With `missed: all`, how many ticks at most."""
    start_deadline: Duration | None = None
    """A tick older than this is recorded as missed; none by default."""
    concurrency_policy: Literal["allow", "forbid", "replace"] = "allow"
    """What happens to a tick whose predecessor still runs."""
    jitter: Duration | None = None
    """Ticks are spread over so much time after their instant; none by default."""

    @model_validator(mode="after")
    def _catches_up(self) -> Self:
        if self.max_catch_up is not None and self.missed != "all":
            raise fault("PL-209", "`maxCatchUp` needs `missed: all`", "add it, or remove `maxCatchUp`", ("maxCatchUp",))
        return self


class Recurring(Timing):
    """What cron and interval share."""

    start_at: Instant | None = None
    """As written: without an offset it is wall-clock time of `timezone`."""
    end_at: Instant | None = None
    """As written, like `start_at`."""
    max_runs: Count | None = None
    depends_on_past: Bool = False
    """Whether a tick waits for the end of the one before."""

    @model_validator(mode="after")
    def _can_fire(self) -> Self:
        zone = zoneinfo.ZoneInfo(self.timezone)
        if self.start_at and self.end_at and _aware(self.end_at, zone) < _aware(self.start_at, zone):
            raise fault("PL-503", "`endAt` is before `startAt`: nothing would ever run", at=("endAt",))
        return self


def _aware(value: datetime, zone: zoneinfo.ZoneInfo) -> datetime:
    return value if value.tzinfo else value.replace(tzinfo=zone)


class CronSchedule(Recurring):
    """Ticks at wall-clock times."""

    kind: Literal["cron"] = "cron"
    cron: Annotated[str, PlainValidator(_cron)]
    """Five fields or a preset, as written, single spaces between; `expression` has presets spelled out."""

    @property
    def expression(self) -> str:
        """The five fields."""
        return CRON_PRESETS.get(self.cron, self.cron)


class IntervalSchedule(Recurring):
    """Ticks at equal distances."""

    kind: Literal["interval"] = "interval"
    frequency: Annotated[Duration, AfterValidator(_frequency)]


class DatetimeSchedule(Timing):
    """One tick."""

    kind: Literal["datetime"] = "datetime"
    start_at: Instant
    """As written: without an offset it is wall-clock time of `timezone`."""


Schedule = Annotated[CronSchedule | IntervalSchedule | DatetimeSchedule, Field(discriminator="kind")]
"""When an operation runs by the clock, told apart by `kind`."""
