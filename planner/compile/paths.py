"""Paths of the repository: what a relative path means, what a file refers to by path, and what it gives by name."""

from __future__ import annotations

from collections.abc import Iterator

from planner.spec.component import Component
from planner.spec.load import Document, Loaded
from planner.spec.operation import Operation
from planner.spec.run import Dag
from planner.spec.shape import truth

__all__ = ["inside", "is_preset", "references"]


def inside(folder: str, relative: str) -> str | None:
    """The repository path that `relative` is from `folder`; None where it leaves the repository."""
    parts = folder.split("/") if folder else []
    for part in relative.split("/"):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in {"", "."}:
            parts.append(part)
    return "/".join(parts)


def references(loaded: Loaded) -> tuple[str, ...]:
    """Repository paths that the operations of a file refer to, each once, in order."""
    folder = loaded.path.rpartition("/")[0]
    refs = (ref for document in loaded.documents if document.spec is not None for ref in _refs(document.spec))
    return tuple(dict.fromkeys(path for ref in refs if (path := inside(folder, ref))))


def is_preset(document: Document) -> bool:
    """Whether a document is a preset, be it with errors."""
    value = document.value
    said = value.get("isPreset", value.get("is_preset")) if isinstance(value, dict) else None
    return document.kind == "operation" and truth(said) is True


def _refs(spec: Component | Operation) -> Iterator[str]:
    component = spec if isinstance(spec, Component) else spec.component
    if isinstance(spec, Operation) and spec.path_ref is not None:
        yield spec.path_ref
    if component is not None and isinstance(component.run, Dag):
        for operation in component.run.operations or ():
            yield from _refs(operation)
        for template in component.run.components or ():
            yield from _refs(template)
