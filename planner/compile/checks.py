"""What a value must satisfy beyond its type: the `validation` keys (reference, section 6.1).

What the reference marks [bug] is put right: `decimalPlaces` of a whole number is 0, `delay` works in both spellings.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from planner import canon
from planner.canon import Json
from planner.spec import patterns
from planner.spec.io import IO
from planner.spec.words import short

__all__ = ["checks_of", "violations"]

_SLACK = 1e-9


def checks_of(io: IO) -> Mapping[str, Json]:
    """The checks of an input or output, both spellings of options included."""
    found: dict[str, Json] = {}
    if io.validation is not None:
        said: dict[str, Json] = io.validation.model_dump(mode="json", by_alias=True, exclude_unset=True)
        found = {name: value for name, value in said.items() if name != "delay" and value is not None}
    if io.choices is not None:
        found["options"] = list(io.choices)
    return found


def violations(value: Json, checks: Mapping[str, Json]) -> Iterator[str]:
    """What is wrong with a value, one sentence for each check that it fails. Null passes everything."""
    if value is None:
        return
    for name, bound in checks.items():
        if name in _COUNTS:
            count, message = _COUNTS[name]
            if isinstance(value, Sequence | Mapping) and not isinstance(value, str) and not count(bound)(value):
                yield message.format(_said(bound))
            continue
        rule, message = _RULES[name]
        items = _items(value)
        if name == "regex" and _length_of(items) * patterns.cost(str(bound)) > patterns.MAX_COST:
            yield f"is too long to be matched against {_said(bound)}"
        elif not _all_pass(rule(bound), items):
            yield message.format(_said(bound))


_Test = Callable[[Json], bool]
_Rule = Callable[[Json], _Test]
"""From what was written behind a check to the test of a value."""


def _all_pass(test: _Test, items: Sequence[Json]) -> bool:
    """A value that a check does not apply to (a list for `gt`, a number that no float holds) fails it."""
    try:
        return all(test(item) for item in items)
    except (TypeError, ValueError, OverflowError):
        return False


def _items(value: Json) -> Sequence[Json]:
    match value:
        case str():
            return [value]
        case Mapping():
            return list(value.values())
        case Sequence():
            return value
        case _:
            return [value]


def _length_of(items: Sequence[Json]) -> int:
    return sum(len(item) for item in items if isinstance(item, str))


def _said(bound: Json) -> str:
    return short(canon.dumps(bound))


def _ordered(compare: Callable[[Any, Any], Any]) -> _Rule:
    def test(bound: Json, value: Json) -> bool:
        if isinstance(value, bool) or isinstance(bound, bool):
            raise TypeError
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
    if isinstance(value, str):
        return str(bound) in value
    raise TypeError


def _options(bound: Json) -> _Test:
    known = frozenset(canon.dumps(option) for option in bound) if isinstance(bound, Sequence) else frozenset()
    return lambda value: canon.dumps(value) in known


def _limit(measure: Callable[[Json], int], compare: Callable[[int, int], bool]) -> _Rule:
    return _rule(lambda bound, value: isinstance(bound, int) and compare(measure(value), bound))


_RULES: Mapping[str, tuple[_Rule, str]] = MappingProxyType(
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


_COUNTS: Mapping[str, tuple[_Rule, str]] = MappingProxyType(
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
