"""Field-level changes between two compiled operations: what a plan shows and `explain --digest` lists."""

from __future__ import annotations

from collections.abc import Mapping

from planner.canon import Json
from planner.model.desired import CompiledOperation
from planner.model.plan import FieldChange

__all__ = ["field_changes", "flat_fields", "value_changes"]


def field_changes(before: CompiledOperation | None, after: CompiledOperation | None) -> tuple[FieldChange, ...]:
    """Identity and live fields that differ, in order of pointer."""
    return _changes(flat_fields(before) if before else {}, flat_fields(after) if after else {})


def value_changes(before: Mapping[str, Json], after: Mapping[str, Json]) -> tuple[FieldChange, ...]:
    """What differs between two values, in order of pointer."""
    old: dict[str, Json] = {}
    new: dict[str, Json] = {}
    _flatten(before, "", old)
    _flatten(after, "", new)
    return _changes(old, new)


def _changes(old: Mapping[str, Json], new: Mapping[str, Json]) -> tuple[FieldChange, ...]:
    return tuple(
        FieldChange(at, old.get(at), new.get(at), added=at not in old, removed=at not in new)
        for at in sorted({*old, *new})
        if at not in old or at not in new or old[at] != new[at]
    )


def flat_fields(operation: CompiledOperation) -> dict[str, Json]:
    """Identity and live fields: every scalar, and every empty container, by its JSON pointer."""
    found: dict[str, Json] = {}
    for part in operation.fields.values():
        _flatten(part, "", found)
    return found


def _flatten(value: Json, at: str, into: dict[str, Json]) -> None:
    if value and isinstance(value, Mapping):
        for key, item in value.items():
            _flatten(item, f"{at}/{key.replace('~', '~0').replace('/', '~1')}", into)
    elif value and isinstance(value, list | tuple):
        for index, item in enumerate(value):
            _flatten(item, f"{at}/{index}", into)
    else:
        into[at] = value
