"""Times as users write them: durations and instants.

This module must never read the clock or a zone.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import PlainValidator, WithJsonSchema

from planner.spec.clashes import fault
from planner.spec.words import short

__all__ = ["LONGEST", "Duration", "Instant", "moment"]

_ISO_DURATION = re.compile(
    r"P(?=.)(?:(?P<weeks>\d{1,6})W)?(?:(?P<days>\d{1,6})D)?"
    r"(?:T(?=.)(?:(?P<hours>\d{1,6})H)?(?:(?P<minutes>\d{1,6})M)?(?:(?P<seconds>\d{1,9}(?:\.\d{1,6})?)S)?)?"
)
_CLOCK = re.compile(
    r"(?:(?P<days>\d{1,6}) days?,? )?(?P<hours>\d{1,6}):(?P<minutes>\d\d):(?P<seconds>\d\d(?:\.\d{1,6})?)"
)
LONGEST = timedelta(days=36_525)
"""The longest duration: a hundred years."""
_EARLIEST, _LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


def _duration(value: object) -> timedelta:
    found = _seconds(value)
    if found is None:
        hint = "write seconds (3600), or an ISO 8601 duration (PT1H)"
        raise fault("PL-504", f"`{short(str(value))}` is not a duration", hint)
    if not timedelta() <= found <= LONGEST:
        raise fault("PL-504", "{field} must be from 0 seconds to 100 years")
    return found


def _seconds(value: object) -> timedelta | None:
    match value:
        case timedelta():
            return value
        case bool():
            return None
        case int() | float():
            return timedelta(seconds=value) if abs(value) < 1e12 else LONGEST * 2
        case str() if found := _ISO_DURATION.fullmatch(value) or _CLOCK.fullmatch(value):
            return timedelta(**{unit: float(amount) for unit, amount in found.groupdict().items() if amount})
        case _:
            return None


Duration = Annotated[timedelta, PlainValidator(_duration), WithJsonSchema({"type": ["number", "string"]})]
"""Seconds, an ISO 8601 duration without years and months, or `1 day, 02:00:00`; never negative."""


def _instant(value: object) -> datetime:
    if isinstance(value, datetime):
        return value
    found = moment(value) if isinstance(value, str) else None
    if found is None:
        hint = "write an ISO 8601 date or instant, such as 2026-11-23T06:00:00Z"
        raise fault("PL-504", f"`{short(str(value))}` is not an instant", hint)
    return found


def moment(text: str) -> datetime | None:
    """The instant of a text; None where it has none, or one that no clock in UTC can show."""
    try:
        found = datetime.fromisoformat(text.strip())
        if not _EARLIEST < found.replace(tzinfo=UTC) < _LATEST:
            return None
    except ValueError:
        return None
    return found


Instant = Annotated[datetime, PlainValidator(_instant), WithJsonSchema({"type": "string"})]
"""An ISO 8601 date or instant. Without an offset it is wall-clock time, in the zone that its section names."""
