"""What a JSON Schema says of fields that must be there: each of them in either of its spellings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from planner.spec.places import snake

__all__ = ["any_of", "required"]

_Schema = dict[str, Any]


def required(names: Iterable[str], other: Mapping[str, str]) -> _Schema:
    """All of some fields.

    Args:
        names: as YAML spells them.
        other: the second spelling of those that have one.
    """
    names = list(names)
    plain = [name for name in names if name not in other]
    either = [{"anyOf": [{"required": [name]}, {"required": [other[name]]}]} for name in names if name in other]
    return ({"required": plain} if plain else {}) | ({"allOf": either} if either else {})


def any_of(*names: str, or_null: tuple[str, ...] = ()) -> _Schema:
    """At least one of some fields, which is not null; those of `or_null` may be."""
    written = [{"required": [spelling]} for name in or_null for spelling in _spellings(name)]
    said = [
        {"required": [spelling], "properties": {spelling: {"not": {"type": "null"}}}}
        for name in names
        for spelling in _spellings(name)
    ]
    return {"anyOf": [*written, *said]}


def _spellings(name: str) -> Iterable[str]:
    return dict.fromkeys((name, snake(name)))
