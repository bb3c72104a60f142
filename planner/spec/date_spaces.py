"""Arguments of ranges of dates and instants (reference, section 13.2).

Each section refuses what has no values. Which forms they are written in is decided in `planner.spec.forms`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Annotated, Self

from pydantic import AfterValidator, PlainValidator, WithJsonSchema, model_validator
from pydantic.json_schema import JsonSchemaValue

from planner.spec.clashes import Clash, Said
from planner.spec.shape import Section, fault
from planner.spec.spaces import MAX_POINTS, too_many
from planner.spec.times import Duration, moment
from planner.spec.words import kind_of, short

__all__ = ["DateSteps", "DatetimeSteps"]


def _day(value: object) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    found = moment(value) if isinstance(value, str) else None
    if found is None or found.time() != time() or found.tzinfo is not None:
        raise fault("PL-504", f"`{short(str(value))}` is not a date", "write an ISO 8601 date, such as 2026-11-23")
    return found.date()


def _instant(value: object) -> datetime:
    found = moment(value) if isinstance(value, str) else value
    if not isinstance(found, datetime):
        hint = "write an ISO 8601 instant, such as 2026-11-23T06:00:00"
        raise fault("PL-504", f"`{short(str(value))}` is not an instant", hint)
    return found


def _days(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise fault("PL-203", f"{{field}} must be a whole number of days, not {kind_of(value)}")
    if not 1 <= value <= MAX_POINTS:
        raise fault("PL-204", f"{{field}} must be from 1 to {MAX_POINTS:,} days, not {value}")
    return value


def _not_zero(value: timedelta) -> timedelta:
    if value <= timedelta():
        raise fault("PL-204", "{field} must be longer than zero")
    return value


_DATE: JsonSchemaValue = {"type": "string", "description": "An ISO 8601 date."}
_INSTANT: JsonSchemaValue = {"type": "string", "description": "An ISO 8601 instant."}


class DateSteps(Section, identity="start stop step"):
    """Equal steps of days, the end left out."""

    start: Annotated[date, PlainValidator(_day), WithJsonSchema(_DATE)]
    """The first day."""
    stop: Annotated[date, PlainValidator(_day), WithJsonSchema(_DATE)]
    """The days stay before it."""
    step: Annotated[int, PlainValidator(_days), WithJsonSchema({"type": "integer", "minimum": 1})]
    """Days from one value to the next."""

    @classmethod
    def clashes(cls, said: Said) -> Iterator[Clash]:
        """Days the wrong way round."""
        yield from _order(said)

    @property
    def count(self) -> int:
        """How many values."""
        return -((self.start - self.stop).days // self.step)


class DatetimeSteps(Section, identity="start stop step"):
    """Equal steps of time, the end left out."""

    start: Annotated[datetime, PlainValidator(_instant), WithJsonSchema(_INSTANT)]
    """The first instant."""
    stop: Annotated[datetime, PlainValidator(_instant), WithJsonSchema(_INSTANT)]
    """The instants stay before it."""
    step: Annotated[Duration, AfterValidator(_not_zero)]
    """From one value to the next: seconds, or an ISO 8601 duration."""

    @classmethod
    def clashes(cls, said: Said) -> Iterator[Clash]:
        """Instants the wrong way round."""
        yield from _order(said)

    @property
    def count(self) -> int:
        """How many values."""
        return -((self.start - self.stop) // self.step)

    @model_validator(mode="after")
    def _few_enough(self) -> Self:
        comparable = (self.start.tzinfo is None) == (self.stop.tzinfo is None)  # else it is told by `clashes`
        if comparable and self.count > MAX_POINTS:
            raise too_many()
        return self


def _order(said: Said) -> Iterator[Clash]:
    start, stop = (moment(value) if isinstance(value, str) else None for value in (said["start"], said["stop"]))
    if start is None or stop is None:
        return
    if (start.tzinfo is None) != (stop.tzinfo is None):
        yield ("start", "stop"), fault("PL-504", "`start` and `stop` must both have an offset, or none of them")
    elif start >= stop:
        yield ("start", "stop"), fault("PL-204", "`start` must be before `stop`")
