"""The JSON Schema of documents, made from the models that read them.

It takes whatever the loader takes, in either spelling of a field; editors show the camelCase one. What needs more than
one field to judge, or a parser, is the loader's business. This module must never know a particular section but the two
kinds of documents.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from planner.spec import forms
from planner.spec.component import Component
from planner.spec.kubernetes import schema as kubernetes
from planner.spec.needed import required
from planner.spec.operation import AS_PRESET, Operation

__all__ = ["document_schema"]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def document_schema() -> dict[str, Any]:
    """The schema of one document: a component or an operation, by its `kind`."""
    made = TypeAdapter(Component | Operation).json_schema(schema_generator=_Generator)["$defs"]
    filler = _Filler(made)
    definitions = {name: filler.fill(definition) for name, definition in made.items()}
    definitions |= kubernetes.definitions(filler.kinds)
    return {
        "$schema": _DIALECT,
        "title": "Plumbline spec",
        "type": "object",
        "required": ["kind"],
        "properties": {"version": {"not": {"type": "null"}}},
        "oneOf": [
            {"$ref": "#/$defs/Component", "required": ["version", "kind"]},
            {"$ref": "#/$defs/Operation", "required": ["kind"], "anyOf": [{"required": ["version"]}, *AS_PRESET]},
        ],
        "$defs": dict(sorted(definitions.items())),
    }


@dataclass(frozen=True, slots=True)
class _Filler:
    """Puts in the references that pydantic does not have.

    Attributes:
        definitions: those of pydantic.
        kinds: types of Kubernetes that were referred to.
    """

    definitions: Mapping[str, JsonSchemaValue]
    kinds: set[str] = field(default_factory=set)

    def fill(self, made: Any) -> Any:
        """A schema with references to the schemas of fields and to types of Kubernetes where they are marked."""
        match made:
            case {kubernetes.MARK: str() as kind, **rest}:
                self.kinds.add(kind)
                return rest | kubernetes.reference(kind)
            case {forms.SAME: str() as at}:
                section, _, name = at.partition("/")
                inner = "" if "properties" in self.definitions[section] else "/anyOf/0"
                return {"$ref": f"#/$defs/{section}{inner}/properties/{name}"}
            case dict():
                return {key: self.fill(inner) for key, inner in made.items()}
            case list():
                return [self.fill(inner) for inner in made]
            case _:
                return made


class _Generator(GenerateJsonSchema):
    """Pydantic's generator with the spellings of fields and the kinds of unions (its extension point)."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Never: its name says it."""
        del schema
        return False

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """A section: its fields by their YAML names, and by the other ones where those differ."""
        made = super().model_schema(schema)
        made.pop("title", None)
        names = {field.alias or name: name for name, field in schema["cls"].model_fields.items()}
        other = {alias: name for alias, name in names.items() if alias != name}
        if other and "properties" in made:
            at = schema["cls"].__name__
            made["patternProperties"] = {f"^{name}$": {forms.SAME: f"{at}/{alias}"} for alias, name in other.items()}
        needed = made.pop("required", ())
        return made | required(needed, other)

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """A field with a default; that it is null goes without saying."""
        made = super().default_schema(schema)
        return made if made.get("default", 0) is not None else {key: made[key] for key in made if key != "default"}

    def tagged_union_schema(self, schema: core_schema.TaggedUnionSchema) -> JsonSchemaValue:
        """Sections told apart by `kind`, which must be there."""
        made = super().tagged_union_schema(schema)
        return {"oneOf": [{**member, "required": ["kind"]} for member in made["oneOf"]]}
