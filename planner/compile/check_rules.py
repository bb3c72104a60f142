"""The tests behind the `validation` keys, from what was written to whether a value passes (reference, section 6.1).

What the reference marks [bug] is put right: `decimalPlaces` of a whole number is 0. Bounds and options count as values
of the type that they are checks of: a date is compared as a date, a duration as a duration. This module must never know
how a failure is told.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from planner import canon
from planner.canon import Json
from planner.compile.type_rules import instant_of
from planner.compile.types import convert
from planner.spec import patterns

__all__ = ["BOUNDS", "COUNTS", "READERS", "RULES", "Test", "test_of"]

_SLACK = 1e-9

Test = Callable[[Json], bool]
"""Whether a value passes; a TypeError, ValueError or OverflowError says that the check does not apply to it."""
_Rule = Callable[[Json], Test]
"""From what was written behind a check to the test of a value."""


BOUNDS = ("gt", "ge", "lt", "le")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _instant(value: Json) -> Json:
    return (instant_of(str(convert(value, "datetime"))) - _EPOCH) // timedelta(microseconds=1)


READERS: Mapping[str, Callable[[Json], Json]] = MappingProxyType(
    {
        "date": lambda value: convert(value, "date"),
        "datetime": _instant,
        "timedelta": lambda value: convert(value, "timedelta"),
    }
)
"""From a value or a bound to what has an order; others are compared as they are."""


def test_of(name: str, bound: Json, kind: str) -> Test:
    """The test of one of `RULES`, with what it compares with read as a value of the type."""
    rule = RULES[name][0]
    if name == "options" and isinstance(bound, Sequence):
        return rule([_as(option, kind) for option in bound])
    if name not in BOUNDS or kind not in READERS:
        return rule(bound)
    reader = READERS[kind]
    try:
        test = rule(reader(bound))
    except ValueError:
        return lambda _value: False
    return lambda value: test(reader(value))


def _as(value: Json, kind: str) -> Json:
    try:
        return convert(value, kind)
    except ValueError:
        return value


def _ordered(compare: Callable[[Any, Any], Any]) -> _Rule:
    def test(bound: Json, value: Json) -> bool:
        if isinstance(value, str) and isinstance(bound, str):
            return bool(compare(value, bound))
        if isinstance(value, int | float) and isinstance(bound, int | float):
            return bool(compare(value, bound))
        raise TypeError

    return _rule(test)


def _rule(test: Callable[[Json, Json], bool]) -> _Rule:
    """The rule of a test of bound and value."""
    return lambda bound: functools.partial(test, bound)


def _multiple(bound: Json, value: Json) -> bool:
    if not isinstance(value, int | float) or not isinstance(bound, int | float):
        raise TypeError
    if isinstance(value, int) and isinstance(bound, int):
        return value % bound == 0
    ratio = value / bound
    return math.isfinite(ratio) and abs(ratio - round(ratio)) <= _SLACK * max(1.0, abs(ratio))


def _digits(value: Json) -> int:
    if not isinstance(value, int | float | str):
        raise TypeError
    return len(str(value).replace(".", ""))


def _decimals(value: Json) -> int:
    if not isinstance(value, int | float | str):
        raise TypeError
    return len(str(value).partition(".")[2])


def _length(value: Json) -> int:
    if not isinstance(value, str):
        raise TypeError
    return len(value)


def _matches(bound: Json, value: Json) -> bool:
    return isinstance(value, str) and patterns.matches(str(bound), value)


def _contains(bound: Json, value: Json) -> bool:
    match value:
        case str():
            return str(bound) in value
        case Mapping():
            return bound in value
        case Sequence():
            return canon.dumps(bound) in map(canon.dumps, value)
        case _:
            raise TypeError


def _options(bound: Json) -> Test:
    known = frozenset(canon.dumps(option) for option in bound) if isinstance(bound, Sequence) else frozenset()
    return lambda value: canon.dumps(value) in known


def _limit(measure: Callable[[Json], int], compare: Callable[[int, int], bool]) -> _Rule:
    return _rule(lambda bound, value: isinstance(bound, int) and compare(measure(value), bound))


RULES: Mapping[str, tuple[_Rule, str]] = MappingProxyType(
    {
        "gt": (_ordered(operator.gt), "must be greater than {}"),
        "ge": (_ordered(operator.ge), "must be at least {}"),
        "lt": (_ordered(operator.lt), "must be less than {}"),
        "le": (_ordered(operator.le), "must be at most {}"),
        "multipleOf": (_rule(_multiple), "must be a multiple of {}"),
        "minDigits": (_limit(_digits, operator.ge), "must have at least {} digits"),
        "maxDigits": (_limit(_digits, operator.le), "must have at most {} digits"),
        "decimalPlaces": (_limit(_decimals, operator.le), "must have at most {} decimal places"),
        "regex": (_rule(_matches), "must match {}"),
        "minLength": (_limit(_length, operator.ge), "must have at least {} characters"),
        "maxLength": (_limit(_length, operator.le), "must have at most {} characters"),
        "contains": (_rule(_contains), "must contain {}"),
        "excludes": (_rule(lambda bound, value: not _contains(bound, value)), "must not contain {}"),
        "options": (_options, "must be one of {}"),
    }
)
"""Checks of one value; of every item of a list and every value of a mapping."""


def _keys(value: Json) -> set[str]:
    return set(value) if isinstance(value, Mapping) else set()


def _names(bound: Json) -> set[str]:
    return {str(name) for name in bound} if isinstance(bound, Sequence) else set()


def _size(value: Json) -> int:
    return len(value) if isinstance(value, Sequence | Mapping) else 0


COUNTS: Mapping[str, tuple[_Rule, str]] = MappingProxyType(
    {
        "minItems": (_limit(_size, operator.ge), "must have at least {} items"),
        "maxItems": (_limit(_size, operator.le), "must have at most {} items"),
        "keys": (_rule(lambda bound, value: _keys(value) == _names(bound)), "must have exactly the keys {}"),
        "containsKeys": (_rule(lambda bound, value: _names(bound) <= _keys(value)), "must have the keys {}"),
        "excludesKeys": (
            _rule(lambda bound, value: not _names(bound) & _keys(value)),
            "must not have any of the keys {}",
        ),
    }
)
"""Checks of a list or mapping as a whole; they say nothing of other values."""
