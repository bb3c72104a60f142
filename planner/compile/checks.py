"""What a value must satisfy beyond its type: the `validation` keys (reference, section 6.1).

What the reference marks [bug] is put right: `decimalPlaces` of a whole number is 0, `delay` works in both spellings.
Bounds count as values of the type that they bound: a date is compared as a date, a duration as a duration.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from planner import canon
from planner.canon import Json
from planner.compile.type_rules import instant_of
from planner.compile.types import convert, element_of
from planner.spec import patterns
from planner.spec.io import IO
from planner.spec.typing_expressions import CONSTRAINED_TYPES
from planner.spec.words import short

__all__ = ["bound_faults", "checks_of", "violations"]

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


def bound_faults(io: IO) -> Iterator[tuple[str, str]]:
    """Bounds that are no value of the type that they bound, each with the sentence that says so."""
    kind = element_of(io.type or "")
    for name in _BOUNDS if io.validation is not None else ():
        bound = getattr(io.validation, name)
        if bound is not None and kind in _NUMBERS and isinstance(bound, str):
            yield name, f"a bound of {kind}: a number is wanted, not `{short(bound)}`"
        try:
            if bound is not None and kind in _READERS:
                convert(bound, kind)
        except ValueError as error:
            yield name, f"a bound of {kind}: {error}"


def violations(value: Json, checks: Mapping[str, Json], kind: str = "") -> Iterator[str]:
    """What is wrong with a value, one sentence for each check that it fails. Null passes everything.

    Args:
        value: as its type has it.
        checks: from `checks_of`.
        kind: the type of the value, or "".
    """
    if value is None:
        return
    single = element_of(kind)
    for name, bound in checks.items():
        if name in _COUNTS:
            count, message = _COUNTS[name]
            if _counts(name, value) and not count(bound)(value):
                yield message.format(_said(bound))
            continue
        rule, message = _RULES[name]
        items = _items(value)
        if name == "regex" and _length_of(items) * patterns.cost(str(bound)) > patterns.MAX_COST:
            yield f"is too long to be matched against {_said(bound)}"
        elif not _all_pass(_test(name, rule, bound, single), items):
            yield message.format(_said(bound))


def _counts(name: str, value: Json) -> bool:
    """Whether a check of a whole says anything of a value: lists have no keys, and texts no items."""
    return isinstance(value, Mapping if "eys" in name else Mapping | list | tuple)


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


_BOUNDS = ("gt", "ge", "lt", "le")
_NUMBERS = frozenset({"int", "float", "metric"}) | {n for n in CONSTRAINED_TYPES if n.endswith(("Int", "Float"))}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _instant(value: Json) -> Json:
    return (instant_of(str(convert(value, "datetime"))) - _EPOCH) // timedelta(microseconds=1)


_READERS: Mapping[str, Callable[[Json], Json]] = MappingProxyType(
    {
        "date": lambda value: convert(value, "date"),
        "datetime": _instant,
        "timedelta": lambda value: convert(value, "timedelta"),
    }
)
"""From a value or a bound to what has an order; others are compared as they are."""


def _test(name: str, rule: _Rule, bound: Json, kind: str) -> _Test:
    """The test of a check, with what it compares with read as a value of the type."""
    if name == "options" and isinstance(bound, Sequence):
        return rule([_as(option, kind) for option in bound])
    if name not in _BOUNDS or kind not in _READERS:
        return rule(bound)
    reader = _READERS[kind]
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
