"""Filters on lists, and what of them works on mappings and strings.

A mapping counts as the sorted list of its keys. Order is there between numbers and between strings only; strings are
ordered and told apart without regard to case, as in Jinja, unless `case_sensitive` is true.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from planner.canon import Json
from planner.compile.template.errors import REFUSED, UNDEFINED, FaultError, shorten
from planner.compile.template.given import Given
from planner.compile.template.operators import binary
from planner.compile.template.values import frozen, is_number, kind, listed, text, truth

__all__ = [
    "EMPTY",
    "Empty",
    "first",
    "items",
    "join",
    "last",
    "length",
    "maximum",
    "minimum",
    "ordered",
    "reverse",
    "to_list",
    "total",
    "unique",
]


@dataclass(frozen=True, slots=True)
class Empty:
    """There is no such item, since the list is empty; counts as undefined."""


EMPTY: Final = Empty()


def length(value: Json) -> int:
    """Number of items, keys or characters."""
    if isinstance(value, str | list | tuple | Mapping):
        return len(value)
    raise FaultError(REFUSED, f"a {kind(value)} has no length")


def first(value: Json) -> Json | Empty:
    """The first item or character."""
    sequence = value if isinstance(value, str) else listed(value, "'first'")
    return sequence[0] if sequence else EMPTY


def last(value: Json) -> Json | Empty:
    """The last item or character."""
    sequence = value if isinstance(value, str) else listed(value, "'last'")
    return sequence[-1] if sequence else EMPTY


def to_list(value: Json, given: Given) -> list[Json]:
    """The items of a list, the keys of a mapping, the characters of a string."""
    sequence = value if isinstance(value, str) else listed(value, "'list'")
    given.budget.grow(len(sequence))
    return list(sequence)


def items(value: Json, given: Given) -> list[Json]:
    """Pairs of key and value of a mapping, by key."""
    if not isinstance(value, Mapping):
        raise FaultError(REFUSED, f"'items' needs a mapping, not a {kind(value)}")
    given.budget.grow(3 * len(value))
    return [[key, value[key]] for key in sorted(value)]


def join(value: Json, given: Given) -> str:
    """The texts of the items with `d` between them."""
    sequence = listed(value, "'join'")
    glue = text(given.args.get("d", ""), given.budget)
    parts: list[str] = []
    for item in _subjects(sequence, given):
        part = text(item, given.budget)
        given.budget.grow(len(part) + len(glue))
        parts.append(part)
    return glue.join(parts)


def reverse(value: Json, given: Given) -> Json:
    """Back to front."""
    sequence = value if isinstance(value, str) else listed(value, "'reverse'")
    given.budget.grow(len(sequence))
    return sequence[::-1] if isinstance(sequence, str) else list(reversed(sequence))


def minimum(value: Json, given: Given) -> Json | Empty:
    """The smallest item."""
    sequence = _sorted(value, given, backwards=False)
    return sequence[0] if sequence else EMPTY


def maximum(value: Json, given: Given) -> Json | Empty:
    """The largest item; of equal ones the first."""
    sequence = _sorted(value, given, backwards=True)
    return sequence[0] if sequence else EMPTY


def total(value: Json, given: Given) -> Json:
    """The sum of numbers, from `start`."""
    result = given.args.get("start", 0)
    for item in _subjects(listed(value, "'sum'"), given):
        if not is_number(item) or not is_number(result):
            raise FaultError(REFUSED, "'sum' needs numbers")
        result = binary("+", result, item, given.budget)
    return result


def ordered(value: Json, given: Given) -> list[Json]:
    """The items in order; equal ones keep their places."""
    return _sorted(value, given, backwards=truth(given.args.get("reverse", False)))


def unique(value: Json, given: Given) -> list[Json]:
    """Every item once, at its first place."""
    sequence = listed(value, "'unique'")
    seen: dict[Hashable, Json] = {}
    for item, subject in zip(sequence, _subjects(sequence, given), strict=True):
        seen.setdefault(frozen(_case(subject, given), given.budget), item)
    given.budget.grow(len(seen))
    return list(seen.values())


def _sorted(value: Json, given: Given, *, backwards: bool) -> list[Json]:
    sequence = listed(value, "an order")
    keys = [_case(item, given) for item in _subjects(sequence, given)]
    kinds = {kind(key) for key in keys}
    if len(kinds) > 1 or kinds - {"number", "string"}:
        raise FaultError(REFUSED, f"a list of {' and '.join(sorted(kinds))} has no order")
    rounds = len(keys).bit_length()
    for key in keys:
        given.budget.scan(rounds * (len(key) if isinstance(key, str) else 1))
    given.budget.grow(len(keys))
    by: Callable[[int], object] = keys.__getitem__
    places = sorted(range(len(keys)), key=by, reverse=backwards)  # type: ignore[arg-type]  # one kind, checked above
    return [sequence[place] for place in places]


def _case(value: Json, given: Given) -> Json:
    if isinstance(value, str) and not truth(given.args.get("case_sensitive", False)):
        given.budget.grow(len(value))
        return value.lower()
    return value


def _subjects(sequence: Sequence[Json], given: Given) -> list[Json]:
    """What the items are judged by: themselves, or what a dotted `attribute` leads to in each."""
    given.budget.step(len(sequence))
    attribute = given.args.get("attribute")
    if attribute is None:
        return list(sequence)
    if not isinstance(attribute, str):
        raise FaultError(REFUSED, "'attribute' is a name in quotes")
    keys = attribute.split(".")
    given.budget.step(len(sequence) * len(keys))
    return [_followed(item, keys) for item in sequence]


def _followed(item: Json, keys: Sequence[str]) -> Json:
    for key in keys:
        if not isinstance(item, Mapping) or key not in item:
            raise FaultError(UNDEFINED, f"an item of the list has no '{shorten(key)}'")
        item = item[key]
    return item
