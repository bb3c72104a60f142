"""The JSON Schema of objects of Kubernetes, from the same table that checks them.

It takes whatever the check takes: text with a template wherever it stands, nothing for a field that may be left out,
and fields in either spelling. It must never say more than the table does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from planner.spec.kubernetes.types import Field, fields, is_type
from planner.spec.needed import required
from planner.spec.shape import TEMPLATE

__all__ = ["MARK", "definitions", "reference"]

MARK = "x-kubernetes"
"""In the schema of a field: the type whose schema stands there in the end."""

_Schema = dict[str, Any]
_PORT = {"type": "integer", "minimum": 1, "maximum": 65_535}
_SCALARS: Mapping[str, _Schema] = {
    "string": {"type": "string"},
    "boolean": {"type": "boolean"},
    "integer": {"type": "integer"},
    "quantity": {"type": ["number", "string"]},
    "port": _PORT,
    "port-or-name": {"anyOf": [_PORT, {"type": "string"}]},
    "int-or-string": {"type": ["integer", "string"]},
    "object": {"type": "object"},
}
_TEXTS = frozenset({"string", "quantity", "port-or-name", "int-or-string"})
"""Scalars that take any text, so one with a template as well."""


def reference(of: str) -> _Schema:
    """The schema of a type of the table, or of a form of one; it refers to `definitions`."""
    if is_type(of):
        return {"$ref": f"#/$defs/{_name(of)}"}
    if of in _TEXTS:
        return dict(_SCALARS[of])
    return {"anyOf": [_form(of), TEMPLATE]}


def _form(of: str) -> _Schema:
    if of.endswith("[]"):
        return {"type": "array", "items": reference(of[:-2])}
    if of.endswith("{}"):
        return {"type": "object", "additionalProperties": _or_null(reference(of[:-2]))}
    return {"enum": of[1:-1].split("|")} if of.startswith("|") else dict(_SCALARS[of])


def definitions(kinds: Iterable[str]) -> Mapping[str, _Schema]:
    """The schemas of types, of forms of them, and of all that those hold, by the names that `reference` gives them."""
    found: dict[str, _Schema] = {}
    open_ = list(kinds)
    while open_:
        kind = open_.pop().removesuffix("[]").removesuffix("{}")
        if is_type(kind) and _name(kind) not in found:
            known = {name: field for name, field in fields(kind).items() if name == field.name}
            other = {field.name: name for name, field in fields(kind).items() if name != field.name}
            found[_name(kind)] = {"anyOf": [_object(known, other), TEMPLATE]}
            open_ += [field.of for field in known.values()]
    return found


def _object(known: Mapping[str, Field], other: Mapping[str, str]) -> _Schema:
    made = {
        name: reference(field.of) if field.required else _or_null(reference(field.of)) for name, field in known.items()
    }
    return {
        "type": "object",
        "properties": made,
        "patternProperties": {f"^{spelling}$": made[name] for name, spelling in other.items()},
        "additionalProperties": False,
        **required([name for name, field in known.items() if field.required], other),
    }


def _or_null(made: _Schema) -> _Schema:
    if isinstance(made.get("type"), str | list) and len(made) == 1:
        kinds = made["type"] if isinstance(made["type"], list) else [made["type"]]
        return {"type": [*kinds, "null"]}
    return {"anyOf": [*(made["anyOf"] if made.keys() == {"anyOf"} else [made]), {"type": "null"}]}


def _name(kind: str) -> str:
    return f"kubernetes.{kind}"
