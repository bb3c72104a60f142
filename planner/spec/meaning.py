"""What a section means, whichever of its spellings it was written in: two that mean the same are equal here.

Only fields that the models know under two names are brought together. Nothing is filled in and nothing left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from planner.canon import Json
from planner.spec.anatomy import fields
from planner.spec.io import IO
from planner.spec.plain import plain
from planner.spec.replicas import ElasticPolicy
from planner.spec.shape import Section

__all__ = ["SAME_AS", "meaning"]

SAME_AS: Mapping[type[Section], Mapping[str, str]] = {
    ElasticPolicy: {
        **{f"rdvz{end}": f"rdzv{end}" for end in ("Backend", "Port", "Host", "Id", "Conf")},
        "Metrics": "metrics",
    },
}
"""Fields that are the same as others, by section."""
_IN_VALIDATION = frozenset({"validation", "delayValidation", "options"})


def meaning(value: Any) -> Json:
    """A section, or what one holds, as JSON, by the names of today."""
    match value:
        case IO():
            rest = {name: inner for name, inner in _fields(value).items() if name not in _IN_VALIDATION}
            inside = {} if value.validation is None else _fields(value.validation)
            said = {"delay": value.delayed, "options": plain(value.choices)}
            return {**rest, "default": value.has_default, "validation": {**inside, **said}}
        case Section():
            return _fields(value)
        case dict() | Mapping():
            return {str(name): meaning(inner) for name, inner in value.items()}
        case list() | tuple():
            return [meaning(inner) for inner in value]
        case _:
            return plain(value)


def _fields(section: Section) -> dict[str, Json]:
    names, written = SAME_AS.get(type(section), {}), section.model_fields_set
    said = (
        (name, getattr(section, attribute)) for name, attribute in fields(type(section)).items() if attribute in written
    )
    return {names.get(name, name): meaning(inner) for name, inner in said if inner is not None}
