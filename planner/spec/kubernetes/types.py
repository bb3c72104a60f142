"""The table of types as it is asked: fields by either spelling. A type is read when it is first asked for."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass

from planner.spec.kubernetes.table import TABLE

__all__ = ["Field", "fields", "is_type", "snake"]

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=.)(?=[A-Z][a-z])")


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a type.

    Attributes:
        name: as Kubernetes spells it.
        of: its type, as in the table.
        required: whether it must be there.
    """

    name: str
    of: str
    required: bool


def snake(name: str) -> str:
    """The snake_case spelling of a field as the client of Kubernetes has it: `hostIP` is `host_ip`."""
    return _HUMP.sub("_", name).lower()


@functools.cache
def _lines() -> Mapping[str, str]:
    paragraphs = TABLE.strip().replace("\n ", " ").split("\n")
    return {name: said for name, _, said in (line.partition(" ") for line in paragraphs)}


def is_type(name: str) -> bool:
    """Whether the table has a type of this name."""
    return name in _lines()


@functools.cache
def fields(kind: str) -> Mapping[str, Field]:
    """The fields of a type by name, in both spellings.

    Raises:
        KeyError: for a type that the table does not have.
    """
    found: dict[str, Field] = {}
    for word in _lines()[kind].split():
        written, _, of = word.partition(":")
        name = written.removesuffix("!")
        found[name] = found[snake(name)] = Field(name, of, name != written)
    return found
