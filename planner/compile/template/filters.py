"""The filters of the language: what may stand after `|`.

Each is a pure function of JSON data that pays for what it makes before it makes it. Filters that need something
undefined or that work item by item (`default`, `map`, `select`, …) are made of nodes by `apply` instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from planner.canon import Json
from planner.compile.template import lists, numbers, strings
from planner.compile.template.given import Given
from planner.compile.template.values import encode, text

__all__ = ["FILTERS", "FilterRule"]

Result = Json | lists.Empty


@dataclass(frozen=True, slots=True)
class FilterRule:
    """A filter: what it computes, the names of its arguments in order, and how many of them it needs.

    `apply` may give `lists.EMPTY` where the data has no such item.
    """

    apply: Callable[[Json, Given], Result]
    names: tuple[str, ...] = ()
    required: int = 0


def _string(value: Json, given: Given) -> str:
    return text(value, given.budget)


def _tojson(value: Json, given: Given) -> str:
    return encode(value, given.budget)


def _alone(apply: Callable[[Json], Result]) -> FilterRule:
    """A filter without arguments that makes nothing to pay for."""
    return FilterRule(lambda value, _given: apply(value))


FILTERS: Mapping[str, FilterRule] = MappingProxyType(
    {
        "string": FilterRule(_string),
        "tojson": FilterRule(_tojson),
        "upper": FilterRule(strings.upper),
        "lower": FilterRule(strings.lower),
        "capitalize": FilterRule(strings.capitalize),
        "title": FilterRule(strings.title),
        "trim": FilterRule(strings.trim, ("chars",)),
        "replace": FilterRule(strings.replace, ("old", "new", "count"), 2),
        "split": FilterRule(strings.split, ("sep", "maxsplit")),
        "map_format": FilterRule(strings.map_format, ("pattern", "variable_name"), 1),
        "int": FilterRule(numbers.to_int, ("default", "base")),
        "float": FilterRule(numbers.to_float, ("default",)),
        "abs": _alone(numbers.absolute),
        "round": FilterRule(numbers.rounded, ("precision", "method")),
        "length": _alone(lists.length),
        "first": _alone(lists.first),
        "last": _alone(lists.last),
        "list": FilterRule(lists.to_list),
        "items": FilterRule(lists.items),
        "join": FilterRule(lists.join, ("d", "attribute")),
        "reverse": FilterRule(lists.reverse),
        "min": FilterRule(lists.minimum, ("case_sensitive", "attribute")),
        "max": FilterRule(lists.maximum, ("case_sensitive", "attribute")),
        "sum": FilterRule(lists.total, ("attribute", "start")),
        "sort": FilterRule(lists.ordered, ("reverse", "case_sensitive", "attribute")),
        "unique": FilterRule(lists.unique, ("case_sensitive", "attribute")),
    }
)
"""Every filter by name, except those that `apply` makes of nodes."""
