"""Faults, and rules over several fields that are said beside the faults of single ones: no fault hides another.

Pydantic runs what spans several fields only when each of them is valid, and stops at the first error that a function
raises. Here such a rule reads what was written, before and whatever comes of it; what it finds is dropped only where a
field that it rests on is at fault itself. This module must never know a particular section.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import ValidationError, ValidatorFunctionWrapHandler, WrapValidator
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from planner.spec.limits import MAX_PROBLEMS
from planner.spec.places import camel, snake

__all__ = ["Clash", "Rule", "Said", "again", "beside", "fault", "refuse", "together"]

_T = TypeVar("_T")

_MOST = 4 * MAX_PROBLEMS
"""Errors that are raised again: more are not shown, and a deep document would pay for them at every level."""

Clash = tuple[tuple[str, ...], PydanticCustomError]
"""The keys that a fault rests on, and the fault."""

Rule = Callable[[Any], Iterator[Clash]]
"""From a value as written, of whatever type, to what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Said:
    """The fields of a section as written, by their YAML names in either spelling."""

    written: Mapping[Any, Any]

    def __getitem__(self, name: str) -> Any:
        """What was written; None where nothing was."""
        return self.written.get(name, self.written.get(_snake(name)))

    def has(self, name: str) -> bool:
        """Whether the field was written, be it null."""
        return name in self.written or _snake(name) in self.written

    def given(self, *names: str) -> list[str]:
        """Those of some fields that were written and are not null, in their order in the document."""
        spelled = {spelling: name for name in names for spelling in (name, _snake(name))}
        found = (spelled[key] for key, value in self.written.items() if key in spelled and value is not None)
        return list(dict.fromkeys(found))


_snake = functools.cache(snake)


def fault(
    code: str,
    message: str,
    hint: str | Callable[[], str] = "",
    at: tuple[str | int, ...] = (),
    unless: tuple[str, ...] = (),
) -> PydanticCustomError:
    """What a validator raises.

    Args:
        code: a key of `planner.codes.CODES`.
        message: one sentence, as in `Problem`; "{field}" in it becomes the name of the field.
        hint: what to do; a function where it is dear to find out, as only some of many faults are shown.
        at: keys and indexes below the field at hand, where the fault is deeper.
        unless: fields of the same section; if one of them is there and refused, this fault only follows from that.
    """
    context = {"hint": hint, "at": at, "message": message, "unless": unless}
    return PydanticCustomError(code, "{message}", context)


def together(value: Any, handler: Callable[[Any], _T], rule: Rule) -> _T:
    """The validated value.

    Raises:
        ValidationError: with the faults of its parts and those of the rule, all at once.
    """
    found = list(rule(value))
    if not found:
        return handler(value)
    try:
        result = handler(value)
    except ValidationError as error:
        known = error.errors(include_url=False)[:_MOST]
        at_fault = {camel(str(details["loc"][0])) for details in known if details["loc"]}
        rest = [clash for keys, clash in found if at_fault.isdisjoint(map(camel, keys))]
        if not rest:
            raise
        raise ValidationError.from_exception_data(error.title, [*map(again, known), *map(_line, rest)]) from None
    refuse(clash for _, clash in found)
    return result


def beside(rule: Rule) -> WrapValidator:
    """The rule as part of an annotated type."""

    def validate(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        return together(value, handler, rule)

    return WrapValidator(validate)


def refuse(faults: Iterable[PydanticCustomError]) -> None:
    """Raise all of the faults at once; none is no error."""
    lines = [_line(one) for one in faults]
    if lines:
        raise ValidationError.from_exception_data("faults", lines)


def _line(one: PydanticCustomError) -> InitErrorDetails:
    return InitErrorDetails(type=one, loc=(), input=None)


def again(details: ErrorDetails) -> InitErrorDetails:
    """An error that was raised once, to be raised again."""
    kind, context = details["type"], details.get("ctx", {})
    if kind.startswith("PL-"):
        one = PydanticCustomError(kind, "{message}", context)
        return InitErrorDetails(type=one, loc=details["loc"], input=details["input"])
    return InitErrorDetails(type=kind, loc=details["loc"], input=details["input"], ctx=context)
