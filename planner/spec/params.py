"""Params: the values that an operation gives (reference, section 7).

A param is a literal, or a reference to a value of another operation of the DAG, of the DAG itself, or of a run of the
project. This module decides the grammar; whether the thing referred to exists is compile's question.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, GetJsonSchemaHandler, PlainValidator, WithJsonSchema, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from planner import canon, keys
from planner.spec.clashes import Clash, Said
from planner.spec.delivery import ConnectionName, EnvName
from planner.spec.shape import Bool, Section, fault
from planner.spec.uuids import uuid_of
from planner.spec.words import kind_of, short

__all__ = ["PARAM_KEYS", "Param", "Params", "Reference", "path_of"]

PARAM_KEYS = frozenset(
    {"value", "ref", "contextOnly", "context_only", "connection", "toInit", "to_init", "toEnv", "to_env"}
)
"""A mapping with one of these keys is a param in full form; another mapping is a literal."""

_FULL: JsonSchemaValue = {"type": "object", "anyOf": [{"required": [name]} for name in sorted(PARAM_KEYS)]}
_WRAPPED = re.compile(r"\{\{([^{}]*)\}\}")
_WHOLE = frozenset({"inputs", "outputs", "io", "artifacts"})
_ENTITY = frozenset({"inputs", "outputs", "artifacts", "globals"})
_PICKED = ("files", "dirs")


@dataclass(frozen=True, slots=True)
class Reference:
    """What a param with `ref` points at.

    Attributes:
        source: `ops` for an operation of the same DAG, `dag` for the DAG around it, `runs` for a run of the project.
        name: the operation's name, or the run's id; "" for the DAG.
        path: one to three parts, such as `("outputs", "loss")`. Of a mapping of `files` and `dirs` it is `artifacts`
            and the canonical JSON text of the mapping.
    """

    source: Literal["ops", "dag", "runs"]
    name: str
    path: tuple[str, ...]


def _ref(value: object) -> str:
    if not isinstance(value, str):
        raise fault("PL-203", f"{{field}} must be a string, not {kind_of(value)}")
    source, _, name = value.partition(".")
    if value == "dag" or (source == "ops" and keys.SEGMENT.fullmatch(name)):
        return value
    if source == "runs" and "." not in name:
        if ident := name if keys.SHORT_ID.fullmatch(name) else uuid_of(name):
            return f"runs.{ident}"
        raise fault(
            "PL-204", f"`{short(name)}` is not the id of a run", "`plumbline runs` shows them: `runs.r-7f3k2m7q`"
        )
    raise fault("PL-204", f"`{short(value)}` is not a reference", "write `ops.NAME` or `dag`, without braces")


_REF = {"type": "string", "pattern": r"^(dag|ops\.[-a-zA-Z0-9_]+|runs\.[^.]+)$"}


_REFERRED: JsonSchemaValue = {"required": ["value"], "properties": {"value": {"type": ["string", "object"]}}}


class Param(Section, identity="value ref context_only connection to_init to_env"):
    """One param in full form; the short form `lr: 0.1` is `value` alone."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"properties": {"ref": {"type": "null"}}}, _REFERRED]})

    value: Any = None
    """The literal, or with `ref` the path of the value there."""
    ref: Annotated[str, PlainValidator(_ref), WithJsonSchema(_REF)] | None = None
    """`ops.NAME` for an operation of the same DAG, `dag` for the DAG around it, `runs.ID` for a run of the project."""
    context_only: Bool = False
    """Not an input: only templates see it."""
    connection: ConnectionName | None = None
    """In place of that of the input: the connection that the value is put in place with."""
    to_init: Bool | None = None
    """In place of that of the input: whether the value is put in place before the run starts."""
    to_env: EnvName | None = None
    """In place of that of the input: a variable of the program that has the value."""

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """In full form, or any value that is no mapping with one of its fields."""
        return {"anyOf": [super().__get_pydantic_json_schema__(schema, handler), {"not": _FULL}]}

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
                path_of(said["value"], of_dag=said["ref"] == "dag")
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
        source, _, name = self.ref.partition(".")
        kind: Literal["ops", "dag", "runs"] = "dag" if source == "dag" else "ops" if source == "ops" else "runs"
        return Reference(kind, name, path_of(self.value, of_dag=kind == "dag"))


Params = dict[str, Param]


def path_of(value: object, *, of_dag: bool = False) -> tuple[str, ...]:
    """The parts of a referenced value (reference, section 7.2).

    Args:
        value: as written beside `ref`, or in a param of a join.
        of_dag: whether it is a value of the DAG around, which has no outputs yet.

    Raises:
        PydanticCustomError: it is no path; it stands at `value`.
    """
    if isinstance(value, Mapping):
        return "artifacts", canon.dumps(_picked(value))
    if not isinstance(value, str):
        hint = "name it, such as `outputs.loss`"
        message = f"`value` must be a string when `ref` is set, not {kind_of(value)}"
        raise fault("PL-203", message, hint, ("value",), ("value",))
    wrapped = _WRAPPED.fullmatch(value.strip())
    parts = tuple((wrapped[1] if wrapped else value).strip().split("."))
    match parts:
        case ("outputs", *_) if of_dag:
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


def _picked(value: Mapping[object, object]) -> dict[str, list[Any]]:
    """Files and folders of the artifacts of a run: each a path, or a path and where it goes."""
    found: dict[str, list[Any]] = {}
    for name, entries in value.items():
        if name not in _PICKED:
            hint = "write `files`, `dirs`, or the path of a value such as `outputs.loss`"
            raise fault("PL-204", f"`{short(str(name))}` names no artifacts", hint, ("value",))
        if not isinstance(entries, list | tuple) or not all(map(_is_path, entries)):
            hint = "write a list of paths, or of pairs of a path and where it goes"
            raise fault("PL-203", f"`{name}` must be a list of paths", hint, ("value", str(name)))
        found[str(name)] = [list(entry) if isinstance(entry, list | tuple) else entry for entry in entries]
    if not any(found.values()):
        raise fault("PL-204", "artifacts of another run without `files` or `dirs`", "name some", ("value",))
    return found


def _is_path(entry: object) -> bool:
    if isinstance(entry, list | tuple):
        return len(entry) == 2 and all(isinstance(part, str) and part for part in entry)
    return isinstance(entry, str) and bool(entry)
