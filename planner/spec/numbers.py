"""Numbers of the language beyond the plain ones: with bounds, and with a template in their place.

This module must never know a particular section.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from pydantic import PlainValidator, WithJsonSchema
from pydantic.json_schema import JsonSchemaValue

from planner.spec.shape import TEMPLATE, fault, is_template
from planner.spec.words import kind_of

__all__ = [
    "AnyWholeOrTemplate",
    "NumberOrTemplate",
    "PercentOrTemplate",
    "Positive",
    "PositiveOrTemplate",
    "finite",
    "is_finite",
]

_LARGEST = 1e308
_LARGEST_WHOLE = 2**63 - 1


def finite(value: object, at: tuple[str | int, ...] = ()) -> int | float:
    """A number that counts, as written.

    Raises:
        PydanticCustomError: for anything else, with what to do.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        hint = "remove the quotes" if isinstance(value, str) and _is_number(value) else ""
        raise fault("PL-203", f"{{field}} must be a number, not {kind_of(value)}", hint, at)
    if not is_finite(value):
        raise fault("PL-204", "{field} must be a number that a computer can count with", at=at)
    return value


def is_finite(*values: object) -> bool:
    """Whether all of them are numbers that can be counted with: no truth values, infinities, or endless digits."""
    return all(
        isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LARGEST for value in values
    )


def _is_number(text: str) -> bool:
    try:
        float(text[:40])
    except ValueError:
        return False
    return True


def _number(
    lowest: float | None = None, highest: float | None = None, *, open_: bool = True, template: bool = False
) -> Callable[[object], int | float | str]:
    """A check of a number above `lowest` (from it on, where the bound is not open), up to `highest`."""

    def check(value: object) -> int | float | str:
        if template and isinstance(value, str) and is_template(value):
            return value
        found = finite(value)
        if lowest is not None and (found < lowest or (open_ and found == lowest)):
            raise fault("PL-204", f"{{field}} must be {'above' if open_ else 'at least'} {lowest:g}, not {found:g}")
        if highest is not None and found > highest:
            raise fault("PL-204", f"{{field}} must be at most {highest:g}, not {found:g}")
        return found

    return check


def _whole(*, template: bool) -> Callable[[object], int | str]:
    def check(value: object) -> int | str:
        if template and isinstance(value, str) and is_template(value):
            return value
        if not isinstance(value, int) or isinstance(value, bool):
            hint = "remove the quotes" if isinstance(value, str) and value.lstrip("-").isdigit() else ""
            raise fault("PL-203", f"{{field}} must be a whole number, not {kind_of(value)}", hint)
        if abs(value) > _LARGEST_WHOLE:
            raise fault("PL-204", "{field} must fit into 64 bits")
        return value

    return check


_ANY: JsonSchemaValue = {"type": "number"}
_ABOVE: JsonSchemaValue = {"type": "number", "exclusiveMinimum": 0}
_PERCENT: JsonSchemaValue = {"type": "number", "exclusiveMinimum": 0, "maximum": 100}
_INTEGER: JsonSchemaValue = {"type": "integer", "minimum": -_LARGEST_WHOLE, "maximum": _LARGEST_WHOLE}


def _or_text(schema: JsonSchemaValue) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [schema, TEMPLATE]})


NumberOrTemplate = Annotated[int | float | str, PlainValidator(_number(template=True)), _or_text(_ANY)]
"""A finite number, or text with a template."""
Positive = Annotated[int | float, PlainValidator(_number(0)), WithJsonSchema(_ABOVE)]
"""A number above 0."""
PositiveOrTemplate = Annotated[int | float | str, PlainValidator(_number(0, template=True)), _or_text(_ABOVE)]
"""A number above 0, or text with a template."""
PercentOrTemplate = Annotated[int | float | str, PlainValidator(_number(0, 100, template=True)), _or_text(_PERCENT)]
"""A number above 0, up to 100, or text with a template."""
AnyWholeOrTemplate = Annotated[int | str, PlainValidator(_whole(template=True)), _or_text(_INTEGER)]
"""A whole number, negative ones included, or text with a template."""
