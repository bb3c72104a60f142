"""Schedules: when an operation runs by the clock (reference, section 15; design: "Semantics", item 7).

The models hold what was written. Which instants follow from it is decided in `planner.desire`; only the outer form
of a cron expression is checked here.
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, PlainValidator, WithJsonSchema

from planner.model.schedule import CRON_PRESETS, MAX_CATCH_UP
from planner.spec.clashes import Clash, Said
from planner.spec.shape import BoolOrTemplate, Count, CountOrTemplate, OrTemplate, Section, fault, is_template
from planner.spec.times import Duration, Instant, moment
from planner.spec.words import kind_of, short

__all__ = ["SCHEDULE_KINDS", "CronSchedule", "DatetimeSchedule", "IntervalSchedule", "Schedule"]

SCHEDULE_KINDS = ("cron", "interval", "datetime")
"""The kinds of the union."""

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
    if is_template(value):
        return value
    text = " ".join(value.split())
    if text.startswith("@") and text.lower() not in CRON_PRESETS:
        raise fault("PL-501", f"`{short(value)}` is not a preset", f"use one of {', '.join(CRON_PRESETS)}")
    fields = CRON_PRESETS.get(text.lower(), text).split(" ")
    if len(fields) != 5 or not all(_CRON_FIELD.fullmatch(part) for part in fields):
        hint = "write minute, hour, day, month and weekday, such as `0 6 * * *`"
        raise fault("PL-501", f"`{short(value)}` is not a cron expression", hint)
    return text


def _frequency(value: timedelta) -> timedelta:
    if value < _SECOND or value % _SECOND:
        raise fault("PL-504", "{field} must be whole seconds, at least one")
    return value


_Frequency = Annotated[Duration, AfterValidator(_frequency)]
InstantOrTemplate = Annotated[datetime | str, OrTemplate(Instant)]


def _catch_up(value: int) -> int:
    if value > MAX_CATCH_UP:
        hint = "for a backfill, use a matrix over the dates"
        raise fault("PL-204", f"{{field}} must be at most {MAX_CATCH_UP}, not {value}", hint)
    return value


def _deadline(value: timedelta) -> timedelta:
    if value <= timedelta():
        raise fault("PL-504", "{field} must be longer than zero", "leave it out for no deadline")
    return value


class Timing(Section, live="timezone missed max_catch_up start_deadline concurrency_policy jitter"):
    """What the three kinds share."""

    timezone: Annotated[str, PlainValidator(_zone), WithJsonSchema({"type": "string"})] = "UTC"
    """IANA name; wall-clock times of this section are in it."""
    missed: Literal["latest", "none", "all"] = "latest"
    """Which of the ticks that were due while nothing ran are still run."""
    max_catch_up: Annotated[Count, AfterValidator(_catch_up)] | None = None
    """With `missed: all`, how many ticks at most; of cron and interval only."""
    start_deadline: Annotated[Duration, AfterValidator(_deadline)] | None = None
    """A tick older than this is recorded as missed; none by default."""
    concurrency_policy: Literal["allow", "forbid", "replace"] = "allow"
    """What happens to a tick whose predecessor still runs."""
    jitter: Duration | None = None
    """Ticks are spread over so much time after their instant; none by default."""


class Recurring(Timing, live="start_at end_at max_runs depends_on_past"):
    """What cron and interval share."""

    start_at: InstantOrTemplate | None = None
    """As written: without an offset it is wall-clock time of `timezone`. Nothing runs before it."""
    end_at: InstantOrTemplate | None = None
    """As written, like `start_at`. Nothing runs after it; without it the schedule has no end."""
    max_runs: CountOrTemplate | None = None
    """How many ticks it has at most; no limit by default."""
    depends_on_past: BoolOrTemplate | None = None
    """Whether a tick waits for the end of the one before; false by default."""

    @classmethod
    def clashes(cls, said: Said) -> Iterator[Clash]:
        """`maxCatchUp` where nothing is caught up; an end before the beginning."""
        if said["maxCatchUp"] is not None and said["missed"] != "all":
            hint = "add it, or remove `maxCatchUp`"
            yield ("missed",), fault("PL-209", "`maxCatchUp` needs `missed: all`", hint, ("maxCatchUp",), ("missed",))
        if _ends_early(said):
            message = "`endAt` is before `startAt`: nothing would ever run"
            yield ("timezone",), fault("PL-503", message, at=("endAt",))


def _ends_early(said: Said) -> bool:
    start, end, name = said["startAt"], said["endAt"], said["timezone"] or "UTC"
    if not (isinstance(start, str) and isinstance(end, str) and isinstance(name, str) and _is_zone(name)):
        return False
    begin, last, zone = moment(start), moment(end), zoneinfo.ZoneInfo(name)
    return begin is not None and last is not None and _aware(last, zone) < _aware(begin, zone)


def _aware(value: datetime, zone: zoneinfo.ZoneInfo) -> datetime:
    return value if value.tzinfo else value.replace(tzinfo=zone)


class CronSchedule(Recurring, live="kind cron"):
    """Ticks at wall-clock times."""

    kind: Literal["cron"] = "cron"
    """Which schedule it is."""
    cron: Annotated[str, PlainValidator(_cron), WithJsonSchema({"type": "string"})]
    """Five fields or a preset, as written, single spaces between; `expression` has presets spelled out."""

    @property
    def expression(self) -> str:
        """The five fields."""
        return CRON_PRESETS.get(self.cron.lower(), self.cron)


class IntervalSchedule(Recurring, live="kind frequency"):
    """Ticks at equal distances."""

    kind: Literal["interval"] = "interval"
    """Which schedule it is."""
    frequency: Annotated[timedelta | str, OrTemplate(_Frequency)]
    """From one tick to the next, whole seconds."""


class DatetimeSchedule(Timing, live="kind start_at"):
    """One tick."""

    kind: Literal["datetime"] = "datetime"
    """Which schedule it is."""
    start_at: InstantOrTemplate
    """As written: without an offset it is wall-clock time of `timezone`."""

    @classmethod
    def clashes(cls, said: Said) -> Iterator[Clash]:
        """`maxCatchUp`, as there is nothing to catch up."""
        if said["maxCatchUp"] is not None:
            message = "`maxCatchUp` is for `kind: cron` and `kind: interval`: a `datetime` has one tick"
            yield (), fault("PL-209", message, "remove it", ("maxCatchUp",))


Schedule = Annotated[CronSchedule | IntervalSchedule | DatetimeSchedule, Field(discriminator="kind")]
"""When an operation runs by the clock, told apart by `kind`."""
