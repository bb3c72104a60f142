"""The part of a section's data that is of one class: identity, live or inert (design: "Digests are a contract").

The classes are those that each section gives its fields. This module walks the data by the models; it must never have a
list of fields of its own.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping

from planner.canon import Json
from planner.spec.anatomy import fields, sections
from planner.spec.shape import FieldClass, Section

__all__ = ["part_of"]


def part_of(kind: type[Section], value: Mapping[str, Json], wanted: FieldClass) -> dict[str, Json]:
    """The fields of a class, at any depth; empty where there are none.

    Args:
        kind: the section.
        value: its data, by YAML names.
        wanted: the class.
    """
    found: dict[str, Json] = {}
    names = fields(kind)
    for name, item in value.items():
        attribute = names.get(name)
        if attribute is None:
            continue
        inner = _inner(kind, attribute)
        if inner and not isinstance(item, str):
            below = _below(inner, item, wanted)
            if below:
                found[name] = below
        elif kind.classes.get(attribute) is wanted:
            found[name] = item
    return found


def _below(inner: tuple[type[Section], ...], value: Json, wanted: FieldClass) -> Json:
    if isinstance(value, list | tuple):
        items = [_below(inner, item, wanted) for item in value]
        return items if any(items) else []
    if not isinstance(value, dict | Mapping):
        return value if wanted is FieldClass.IDENTITY else None
    section = _chosen(inner, value)
    if section is not None:
        return part_of(section, value, wanted)
    return {name: below for name, item in value.items() if (below := _below(inner, item, wanted))}


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
