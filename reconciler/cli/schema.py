"""`plumbline schema`: the JSON Schema of spec documents, made from the models that read them."""

from __future__ import annotations

from planner.spec.json_schema import document_schema
from reconciler.cli import show

__all__ = ["run"]


def run() -> None:
    """Print the JSON Schema of spec documents, for editors."""
    show.value(document_schema())
