"""What all sections of the language share: their strictness, and the field types that YAML alone does not know.

Sections are frozen, refuse unknown fields, and take camelCase or snake_case names. Every field type here says in one
plain sentence what it wants; `fault` carries that sentence, its code and its hint through pydantic to
`planner.spec.faults`. This module must never know a particular section.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainValidator, Strict
from pydantic_core import PydanticCustomError

from planner import keys
from planner.spec.places import camel
from planner.spec.words import kind_of, short

__all__ = [
    "LONGEST",
    "Arguments",
    "Bool",
    "BoolOrTemplate",
    "Count",
    "CountOrTemplate",
    "Duration",
    "Instant",
    "Name",
    "Names",
    "Number",
    "Printed",
    "Section",
    "Whole",
    "WholeOrTemplate",
    "fault",
    "is_template",
    "printed",
    "yes_no",
]

_LARGEST = 2**31 - 1
_LONGEST_NAME = 128


class Section(BaseModel):
    """A section of the language. `model_fields_set` tells which fields the user wrote."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        use_attribute_docstrings=True,
    )


def fault(
    code: str, message: str, hint: str = "", at: tuple[str | int, ...] = (), unless: tuple[str, ...] = ()
) -> PydanticCustomError:
    """What a validator raises.

    Args:
        code: a key of `planner.codes.CODES`.
        message: one sentence, as in `Problem`; "{field}" in it becomes the name of the field.
        hint: what to do.
        at: keys and indexes below the field at hand, where the fault is deeper.
        unless: fields of the same section; if one of them is there and refused, this fault only follows from that.
    """
    context = {"hint": hint, "at": at, "message": message, "unless": unless}
    return PydanticCustomError(code, "{message}", context)


def is_template(value: object) -> bool:
    """Whether a value is text with a template in it: `{{`, something, `}}` (reference, notation).

    The outermost braces decide, as they hold every pair within; so the cost is linear.
    """
    return isinstance(value, str) and -1 < value.find("{{") < value.rfind("}}") - 2


# Scalars

Bool = Annotated[bool, Strict()]


def _number(value: object) -> int | float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise fault("PL-203", f"{{field}} must be a number, not {kind_of(value)}")


Number = Annotated[int | float, PlainValidator(_number)]
"""An integer or a float, kept as written."""


def printed(value: object, at: tuple[str | int, ...] = ()) -> str:
    """The text of a scalar where a program will read it: numbers and booleans as in JSON, nothing as "".

    Raises:
        PydanticCustomError: for a mapping or a list.
    """
    match value:
        case None:
            return ""
        case str():
            return value
        case bool() | int() | float():
            return json.dumps(value)
        case _:
            raise fault("PL-203", f"{{field}} must be a string, not {kind_of(value)}", at=at)


Printed = Annotated[str, BeforeValidator(printed)]
"""Text; numbers and booleans are taken as they print."""


def _arguments(value: object) -> object:
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list | tuple):
        raise fault("PL-203", f"{{field}} must be a list of strings, not {kind_of(value)}")
    return [printed(item, (index,)) for index, item in enumerate(value) if item is not None]


Arguments = Annotated[tuple[str, ...], BeforeValidator(_arguments)]
"""Words of a command: one string is one word, scalars are printed, empty entries dropped (reference, section 9.1)."""


def _whole(lowest: int, *, template: bool) -> Callable[[object], int | str]:
    def check(value: object) -> int | str:
        if template and isinstance(value, str) and is_template(value):
            return value
        if not isinstance(value, int) or isinstance(value, bool):
            hint = "remove the quotes" if isinstance(value, str) and value.isdigit() else ""
            raise fault("PL-203", f"{{field}} must be a whole number, not {kind_of(value)}", hint)
        if not lowest <= value <= _LARGEST:
            raise fault("PL-204", f"{{field}} must be from {lowest} to {_LARGEST}, not {value}")
        return value

    return check


Count = Annotated[int, PlainValidator(_whole(1, template=False))]
"""A whole number from 1."""
Whole = Annotated[int, PlainValidator(_whole(0, template=False))]
"""A whole number from 0."""
CountOrTemplate = Annotated[int | str, PlainValidator(_whole(1, template=True))]
"""A whole number from 1, or text with a template."""
WholeOrTemplate = Annotated[int | str, PlainValidator(_whole(0, template=True))]
"""A whole number from 0, or text with a template."""


def _bool(value: object) -> bool | str:
    if isinstance(value, bool) or (isinstance(value, str) and is_template(value)):
        return value
    raise fault("PL-203", f"{{field}} must be true or false, not {kind_of(value)}", yes_no(value))


def yes_no(value: object) -> str:
    """The hint for a word that YAML 1.1 took as a boolean, or ""."""
    if isinstance(value, str) and value.lower() in {"yes", "no", "on", "off", "y", "n", "true", "false"}:
        return f"write true or false without quotes: `{value}` is text"
    return ""


BoolOrTemplate = Annotated[bool | str, PlainValidator(_bool)]
"""true, false, or text with a template."""


# Names


def _name(value: object) -> str:
    if not isinstance(value, str):
        raise fault("PL-203", f"{{field}} must be a string, not {kind_of(value)}", "quote it")
    if is_template(value):
        raise fault("PL-208", "{field} cannot be a template: it is never rendered", "write the name out")
    if not keys.SEGMENT.fullmatch(value):
        raise fault("PL-208", f"`{short(value)}` is not a name", "use letters, digits, `-` and `_` only")
    if len(value) > _LONGEST_NAME:
        raise fault("PL-208", f"a name of {len(value)} characters", f"use {_LONGEST_NAME} at most")
    return value


Name = Annotated[str, PlainValidator(_name)]
"""A name by the reference's rule (section 1), up to 128 characters. Templates are refused: names are identities."""


def _names(value: object) -> object:
    if isinstance(value, str):
        return [part for piece in value.split(",") if (part := piece.strip())]
    return value


Names = Annotated[tuple[str, ...], BeforeValidator(_names)]
"""A list of strings; one string is split at commas (reference, section 1)."""


# Time

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


Duration = Annotated[timedelta, PlainValidator(_duration)]
"""Seconds, an ISO 8601 duration without years and months, or `1 day, 02:00:00`; never negative."""


def _instant(value: object) -> datetime:
    if isinstance(value, datetime):
        return value
    found = _iso(value) if isinstance(value, str) else None
    if found is None:
        hint = "write an ISO 8601 date or instant, such as 2026-11-23T06:00:00Z"
        raise fault("PL-504", f"`{short(str(value))}` is not an instant", hint)
    return found


def _iso(text: str) -> datetime | None:
    """The instant of a text; None where it has none, or one that no clock in UTC can show."""
    try:
        found = datetime.fromisoformat(text.strip())
        if not _EARLIEST < found.replace(tzinfo=UTC) < _LATEST:
            return None
    except ValueError:
        return None
    return found


Instant = Annotated[datetime, PlainValidator(_instant)]
"""An ISO 8601 date or instant. Without an offset it is wall-clock time, in the zone that its section names."""
