"""Sections: what all models of the language share.

They are frozen, refuse unknown fields, take camelCase or snake_case names, say all their faults at once, and put each
field into a class of digests. This module must never know a particular section or a type of a field.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, ModelWrapValidatorHandler, model_validator

from planner.spec.clashes import Clash, Said, together
from planner.spec.places import camel

__all__ = ["FieldClass", "Section"]


class FieldClass(StrEnum):
    """What a change of a field means (design: "Digests are a contract")."""

    IDENTITY = "identity"
    LIVE = "live"
    INERT = "inert"


class Section(BaseModel):
    """A section of the language. `model_fields_set` tells which fields the user wrote.

    A section of the language puts each of its fields into one class of digests, by keyword:
    `class Dag(Section, identity="kind operations", live="environment concurrency", inert="components")`.
    For a field that holds a section, the class says what the presence of the section means; inside, each field has its
    own; fields of a base class keep theirs. Changing a class changes digests, which are a contract.
    """

    classes: ClassVar[Mapping[str, FieldClass]] = MappingProxyType({})
    """The class of every field by attribute name; empty for sections outside of the language."""

    _all_at_once: ClassVar[object] = None

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        defer_build=True,  # a section is made with what it is a part of; by itself only where it is read by itself
    )

    def __init_subclass__(cls, identity: str = "", live: str = "", inert: str = "", **kwargs: Any) -> None:
        del identity, live, inert  # pydantic hands them to the other one, which sees the fields
        super().__init_subclass__(**kwargs)
        if sum("clashes" in vars(base) for base in cls.__mro__) > 1:
            # Sections without rules do without it: it would be paid for at every section of every spec.
            cls._all_at_once = model_validator(mode="wrap")(_all_at_once)

    @classmethod
    def __pydantic_init_subclass__(cls, identity: str = "", live: str = "", inert: str = "", **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        groups = {FieldClass.IDENTITY: identity, FieldClass.LIVE: live, FieldClass.INERT: inert}
        said = dict(cls.classes) | {name: group for group, names in groups.items() for name in names.split()}
        if said and said.keys() != cls.model_fields.keys():
            raise TypeError(f"{cls.__name__}: fields without one class: {said.keys() ^ cls.model_fields.keys()}")
        cls.classes = MappingProxyType(said)

    @classmethod
    def clashes(cls, said: Said) -> Iterator[Clash]:
        """What is wrong between the fields of a section, whatever is wrong within one of them."""
        del said  # a section without such rules
        yield from ()

    @classmethod
    def _clashes_of(cls, value: Any) -> Iterator[Clash]:
        return cls.clashes(Said(value)) if isinstance(value, dict) else iter(())


@classmethod  # type: ignore[misc]  # becomes a method of the sections that have rules
def _all_at_once(cls: type[Section], value: Any, handler: ModelWrapValidatorHandler[Section]) -> Section:
    return together(value, handler, cls._clashes_of)
