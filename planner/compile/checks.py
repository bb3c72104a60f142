"""What a value must satisfy beyond its type: the `validation` keys (reference, section 6.1).

What the reference marks [bug] is put right: `decimalPlaces` of a whole number is 0, `delay` works in both spellings.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from planner import canon
from planner.canon import Json
from planner.spec.io import IO
from planner.spec.words import short

__all__ = ["checks_of", "violations"]

_LONGEST_MATCHED = 10_000
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
            rule = _COUNTS[name]
            if isinstance(value, str) or not isinstance(value, Sequence | Mapping):
                continue
            if not rule[0](value, bound):
                yield rule[1].format(_said(bound))
        else:
            test, message = _RULES[name]
            if not all(_passes(test, item, bound) for item in _items(value)):
                yield message.format(_said(bound))


_Test = Callable[[Json, Json], bool]


def _passes(test: _Test, value: Json, bound: Json) -> bool:
    """A value that a check does not apply to (a list for `gt`) fails it."""
    try:
        return test(value, bound)
    except TypeError:
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


def _said(bound: Json) -> str:
    return short(canon.dumps(bound))


def _ordered(compare: Callable[[Any, Any], Any]) -> _Test:
    def test(value: Json, bound: Json) -> bool:
        if isinstance(value, bool) or isinstance(bound, bool):
            raise TypeError
        if isinstance(value, str) and isinstance(bound, str):
            return bool(compare(value, bound))
        if isinstance(value, int | float) and isinstance(bound, int | float):
            return bool(compare(value, bound))
        raise TypeError

    return test


def _multiple(value: Json, bound: Json) -> bool:
    if not isinstance(value, int | float) or not isinstance(bound, int | float):
        raise TypeError
    if isinstance(value, int) and isinstance(bound, int):
        return value % bound == 0
    ratio = value / bound
    return abs(ratio - round(ratio)) <= _SLACK * max(1.0, abs(ratio))


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


def _matches(value: Json, bound: Json) -> bool:
    if not isinstance(value, str) or len(value) > _LONGEST_MATCHED:
        raise TypeError
    return re.match(str(bound), value) is not None


def _contains(value: Json, bound: Json) -> bool:
    if isinstance(value, str):
        return str(bound) in value
    raise TypeError


def _is_one_of(value: Json, bound: Json) -> bool:
    wanted = canon.dumps(value)
    return isinstance(bound, Sequence) and any(canon.dumps(option) == wanted for option in bound)


def _limit(measure: Callable[[Json], int], compare: Callable[[int, int], bool]) -> _Test:
    def test(value: Json, bound: Json) -> bool:
        return isinstance(bound, int) and compare(measure(value), bound)

    return test


_RULES: Mapping[str, tuple[_Test, str]] = MappingProxyType(
    {
        "gt": (_ordered(operator.gt), "must be greater than {}"),
        "ge": (_ordered(operator.ge), "must be at least {}"),
        "lt": (_ordered(operator.lt), "must be less than {}"),
        "le": (_ordered(operator.le), "must be at most {}"),
        "multipleOf": (_multiple, "must be a multiple of {}"),
        "minDigits": (_limit(_digits, operator.ge), "must have at least {} digits"),
        "maxDigits": (_limit(_digits, operator.le), "must have at most {} digits"),
        "decimalPlaces": (_limit(_decimals, operator.le), "must have at most {} decimal places"),
        "regex": (_matches, "must match {}"),
        "minLength": (_limit(_length, operator.ge), "must have at least {} characters"),
        "maxLength": (_limit(_length, operator.le), "must have at most {} characters"),
        "contains": (_contains, "must contain {}"),
        "excludes": (lambda value, bound: not _contains(value, bound), "must not contain {}"),
        "options": (_is_one_of, "must be one of {}"),
    }
)
"""Checks of one value; of every item of a list and every value of a mapping."""


def _keys(value: Json) -> set[str]:
    return set(value) if isinstance(value, Mapping) else set()


def _names(bound: Json) -> set[str]:
    return {str(name) for name in bound} if isinstance(bound, Sequence) else set()


def _size(compare: Callable[[int, int], bool]) -> _Test:
    def test(value: Json, bound: Json) -> bool:
        return isinstance(value, Sequence | Mapping) and isinstance(bound, int) and compare(len(value), bound)

    return test


_COUNTS: Mapping[str, tuple[_Test, str]] = MappingProxyType(
    {
        "minItems": (_size(operator.ge), "must have at least {} items"),
        "maxItems": (_size(operator.le), "must have at most {} items"),
        "keys": (lambda value, bound: _keys(value) == _names(bound), "must have exactly the keys {}"),
        "containsKeys": (lambda value, bound: _names(bound) <= _keys(value), "must have the keys {}"),
        "excludesKeys": (lambda value, bound: not _names(bound) & _keys(value), "must not have any of the keys {}"),
    }
)
"""Checks of a list or mapping as a whole; they say nothing of other values."""
