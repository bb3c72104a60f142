"""`plumbline schema`: the JSON Schema of spec documents, made from the models that read them.

It is for editors: wherever the models take more than one form (a list or one string, a number or a template), so does
the schema. What needs more than one field to judge is `validate`'s business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from planner import keys
from planner.spec import shape
from planner.spec.component import Component
from planner.spec.container import Container
from planner.spec.init import InitEntry
from planner.spec.operation import Operation
from planner.spec.params import Param
from planner.spec.version import Version
from reconciler.cli import show

__all__ = ["run", "schema"]

_TEXT: JsonSchemaValue = {"type": "string"}
_SCALAR: JsonSchemaValue = {"type": ["string", "number", "boolean", "null"]}
_DURATION: JsonSchemaValue = {"type": ["number", "string"], "description": "Seconds, or an ISO 8601 duration (PT1H)."}
_WORDS: JsonSchemaValue = {"anyOf": [{"type": "array", "items": _SCALAR}, _TEXT]}


def run() -> None:
    """Print the JSON Schema of spec documents, for editors."""
    show.value(schema())


def schema() -> dict[str, Any]:
    """The schema of one document: a component or an operation, by its `kind`."""
    adapter: TypeAdapter[Any] = TypeAdapter(Component | Operation)
    made = adapter.json_schema(schema_generator=_Generator)
    made["$defs"][Param.__name__] = {"description": "A literal, or `ref` and `value` for a value of another operation."}
    for kind in (Component, Operation):
        made["$defs"][kind.__name__].setdefault("required", []).append("kind")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Plumbline spec", **made}


class _Generator(GenerateJsonSchema):
    """Pydantic's generator, told what our own validators take (its extension point)."""

    def function_plain_schema(self, schema: core_schema.PlainValidatorFunctionSchema) -> JsonSchemaValue:
        """A validator that stands alone: what the table says, else the declared type."""
        known = _KNOWN.get(schema["function"]["function"])
        if known is not None:
            return dict(known)
        declared: Any = schema.get("serialization", {})
        return self.generate_inner(declared["schema"]) if "schema" in declared else {}

    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> JsonSchemaValue:
        """A validator before another: the form that it also takes, beside the declared one."""
        inner = self.generate_inner(schema["schema"])
        more = _WIDER.get(schema["function"]["function"])
        return {"anyOf": [inner, dict(more)]} if more is not None else inner


def _function(annotated: object) -> Callable[..., Any]:
    """The validator of an annotated type."""
    return next(_functions(get_args(annotated)[1:]))


def _field(model: type[BaseModel], name: str) -> Callable[..., Any]:
    """The validator of a field, which may stand inside `… | None`."""
    field = model.model_fields[name]
    inside = [item for part in get_args(field.annotation) for item in get_args(part)[1:]]
    return next(_functions([*field.metadata, *inside]))


def _functions(metadata: Iterable[Any]) -> Iterator[Callable[..., Any]]:
    return (item.func for item in metadata if hasattr(item, "func"))


_KNOWN: Mapping[Callable[..., Any], JsonSchemaValue] = {
    _function(shape.Name): {"type": "string", "pattern": f"^{keys.SEGMENT.pattern}$", "maxLength": 128},
    _function(shape.Duration): _DURATION,
    _function(shape.Instant): {"type": "string", "description": "An ISO 8601 date or instant."},
    _function(shape.Count): {"type": "integer", "minimum": 1},
    _function(shape.Whole): {"type": "integer", "minimum": 0},
    _function(Version): {"enum": [1.1, "1.1"]},
}

_WIDER: Mapping[Callable[..., Any], JsonSchemaValue] = {
    _function(shape.Arguments): _WORDS,
    _function(shape.Names): _TEXT,
    _function(shape.Printed): _SCALAR,
    _field(InitEntry, "git"): {"type": "null"},
    _field(Container, "env"): {"type": "object"},
}
