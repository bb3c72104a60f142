"""The class of every field of the language: what a change of it means (design: "Digests are a contract").

A change of an *identity* field is a new generation; a *live* field is applied to what lives; an *inert* field changes
nothing. Each section says the classes of its own fields; here they are collected over all that a document can hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from planner.spec.anatomy import sections
from planner.spec.component import Component
from planner.spec.operation import Operation
from planner.spec.shape import FieldClass, Section

__all__ = ["FIELDS", "LANGUAGE", "FieldClass", "class_of"]


def _reachable() -> Iterator[type[Section]]:
    seen: set[type[Section]] = set()
    open_: list[type[Section]] = [Operation, Component]
    while open_:
        section = open_.pop()
        if section not in seen:
            seen.add(section)
            yield section
            open_ += [inner for field in section.model_fields.values() for inner in sections(field.annotation)]


LANGUAGE: Mapping[str, type[Section]] = MappingProxyType({section.__name__: section for section in _reachable()})
"""Every section that a document can hold, by the name of its model."""

FIELDS: Mapping[str, Mapping[str, FieldClass]] = MappingProxyType(
    {name: section.classes for name, section in LANGUAGE.items()}
)
"""Classes by the name of the section's model and its attribute."""


def class_of(section: type[Section], attribute: str) -> FieldClass:
    """The class of a field.

    Raises:
        KeyError: for a section or an attribute that is not of the language.
    """
    return section.classes[attribute]
