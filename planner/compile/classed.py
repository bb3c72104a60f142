"""The parts of a section's data that count: its identity and its live fields (design: "Digests are a contract").

The classes are those that each section gives its fields. This module walks the data by the models; it must never have a
list of fields of its own.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping

from planner.canon import Json
from planner.spec.anatomy import fields, sections
from planner.spec.shape import FieldClass, Section

__all__ = ["Halves", "halves", "said"]

Halves = tuple[dict[str, Json], dict[str, Json]]
"""Identity and live fields."""


def said(**fields: Json) -> dict[str, Json]:
    """Those that say something: zero, false and all that is empty stay out."""
    return {name: value for name, value in fields.items() if value}


def halves(kind: type[Section], value: Mapping[str, Json]) -> Halves:
    """The identity and the live fields of a section, at any depth; empty where there are none.

    Args:
        kind: the section.
        value: its data, by YAML names.
    """
    identity: dict[str, Json] = {}
    live: dict[str, Json] = {}
    names, classes = fields(kind), kind.classes
    for name, item in value.items():
        attribute = names.get(name)
        if attribute is None:
            continue
        inner = _inner(kind, attribute)
        if inner and not isinstance(item, str):
            one, two = _below(inner, item)
            if one:
                identity[name] = one
            if two:
                live[name] = two
        elif classes.get(attribute) is FieldClass.IDENTITY:
            identity[name] = item
        elif classes.get(attribute) is FieldClass.LIVE:
            live[name] = item
    return identity, live


def _below(inner: tuple[type[Section], ...], value: Json) -> tuple[Json, Json]:
    if isinstance(value, list | tuple):
        items = [_below(inner, item) for item in value]
        ones, twos = [one for one, _ in items], [two for _, two in items]
        return (ones if any(ones) else []), (twos if any(twos) else [])
    if not isinstance(value, dict | Mapping):
        return value, None
    section = _chosen(inner, value)
    if section is not None:
        return halves(section, value)
    parts = [(name, *_below(inner, item)) for name, item in value.items()]
    return {name: one for name, one, _ in parts if one}, {name: two for name, _, two in parts if two}


def _chosen(inner: tuple[type[Section], ...], value: Mapping[str, Json]) -> type[Section] | None:
    """The section that a mapping is; None for a mapping of sections by name."""
    for section in inner:
        if (len(inner) == 1 or _kind(section) == value.get("kind")) and value.keys() <= fields(section).keys():
            return section
    return None


@functools.cache
def _kind(section: type[Section]) -> Json:
    found: Json = section.model_fields["kind"].default if "kind" in section.model_fields else None
    return found


@functools.cache
def _inner(kind: type[Section], attribute: str) -> tuple[type[Section], ...]:
    """The sections that a field may hold."""
    return tuple(dict.fromkeys(sections(kind.model_fields[attribute].annotation)))
