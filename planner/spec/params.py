"""Params: the values that an operation gives (reference, section 7).

A param is a literal, or a reference to a value of another operation of the DAG or of the DAG itself. This module
decides the grammar; whether the thing referred to exists is compile's question.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import PlainValidator, model_validator
from pydantic_core import PydanticCustomError

from planner import keys
from planner.spec.clashes import Clash, Said
from planner.spec.shape import Bool, Section, fault
from planner.spec.words import kind_of, short

__all__ = ["PARAM_KEYS", "Param", "Params", "Reference"]

PARAM_KEYS = frozenset(
    {"value", "ref", "contextOnly", "context_only", "connection", "toInit", "to_init", "toEnv", "to_env"}
)
"""A mapping with one of these keys is a param in full form; another mapping is a literal."""

_WRAPPED = re.compile(r"\{\{([^{}]*)\}\}")
_WHOLE = frozenset({"inputs", "outputs", "io", "artifacts"})
_ENTITY = frozenset({"inputs", "outputs", "artifacts", "globals"})


@dataclass(frozen=True, slots=True)
class Reference:
    """What a param with `ref` points at.

    Attributes:
        source: `ops` for an operation of the same DAG, `dag` for the DAG around it.
        name: the operation's name; "" for the DAG.
        path: one to three parts, such as `("outputs", "loss")`.
    """

    source: Literal["ops", "dag"]
    name: str
    path: tuple[str, ...]


def _ref(value: object) -> str:
    if not isinstance(value, str):
        raise fault("PL-203", f"{{field}} must be a string, not {kind_of(value)}")
    if value.startswith("runs."):
        raise fault("PL-205", "`ref: runs.…` is not supported yet", "refer to an operation of the DAG")
    source, _, name = value.partition(".")
    if value == "dag" or (source == "ops" and keys.SEGMENT.fullmatch(name)):
        return value
    raise fault("PL-204", f"`{short(value)}` is not a reference", "write `ops.NAME` or `dag`, without braces")


class Param(Section, identity="value ref context_only"):
    """One param in full form; the short form `lr: 0.1` is `value` alone."""

    value: Any = None
    """The literal, or with `ref` the path of the value there."""
    ref: Annotated[str, PlainValidator(_ref)] | None = None
    """`ops.NAME` or `dag`."""
    context_only: Bool = False
    """Not an input: only templates see it."""

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        if isinstance(value, Param):
            return value
        if isinstance(value, dict) and (not value or not PARAM_KEYS.isdisjoint(value)):
            return value
        return {"value": value}

    @classmethod
    def clashes(cls, said: Said) -> Iterator[Clash]:
        """A `ref` with a value that is no path."""
        if isinstance(said["ref"], str):
            try:
                _path(said["ref"], said["value"])
            except PydanticCustomError as error:
                yield ("ref",), error

    @property
    def has_value(self) -> bool:
        """Whether a value was written, be it null."""
        return "value" in self.model_fields_set

    @property
    def reference(self) -> Reference | None:
        """What it points at; None for a literal."""
        if self.ref is None:
            return None
        path = _path(self.ref, self.value)
        return Reference("dag", "", path) if self.ref == "dag" else Reference("ops", self.ref[4:], path)


Params = dict[str, Param]


def _path(ref: str, value: object) -> tuple[str, ...]:
    """The parts of a referenced value (reference, section 7.2)."""
    if not isinstance(value, str):
        hint = "name it, such as `outputs.loss`"
        message = f"`value` must be a string when `ref` is set, not {kind_of(value)}"
        raise fault("PL-203", message, hint, ("value",), ("value",))
    wrapped = _WRAPPED.fullmatch(value.strip())
    parts = tuple((wrapped[1] if wrapped else value).strip().split("."))
    match parts:
        case ("outputs", *_) if ref == "dag":
            raise fault("PL-204", "a DAG has no outputs while it runs", "use `inputs.NAME`", ("value",))
        case (str(section),) if section in _WHOLE:
            return parts
        case (str(section), str(name)) if section in _ENTITY and name:
            return parts
        case ("artifacts", str(name), str(rest)) if name and rest:
            return parts
        case _:
            hint = "write `outputs.NAME`, `inputs.NAME` or `globals.NAME`"
            raise fault("PL-204", f"`{short(value)}` is not the path of a value", hint, ("value",))
