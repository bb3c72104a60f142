"""`plumbline schema`: the JSON Schema of spec documents, made from the models that read them."""

from __future__ import annotations

from typing import Any

from planner.spec.fields import LANGUAGE
from planner.spec.json_schema import document_schema
from planner.spec.shape import Section
from reconciler.cli import show
from reconciler.docstrings import described

__all__ = ["run", "schema"]


def run() -> None:
    """Print the JSON Schema of spec documents, for editors."""
    show.value(schema())


def schema() -> dict[str, Any]:
    """The schema of a document, with what is written of each field in the models."""
    made = document_schema()
    for name, kind in LANGUAGE.items():
        _describe(made["$defs"].get(name, {}), kind)
    return made


def _describe(definition: dict[str, Any], kind: type[Section]) -> None:
    texts = described(kind)
    for attribute, field in kind.model_fields.items():
        text = field.description or texts.get(attribute)
        for form in (definition, *definition.get("anyOf", ()), *definition.get("oneOf", ())):
            property_ = form.get("properties", {}).get(field.alias or attribute)
            if text and isinstance(property_, dict):
                property_.setdefault("description", text)
