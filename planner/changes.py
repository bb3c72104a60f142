"""Field-level changes between two compiled operations: what a plan shows and `explain --digest` lists."""

from __future__ import annotations

from planner.model.desired import CompiledOperation
from planner.model.plan import FieldChange

__all__ = ["field_changes"]


def field_changes(before: CompiledOperation | None, after: CompiledOperation | None) -> tuple[FieldChange, ...]:
    """Identity and live fields that differ, in order of pointer."""
    old = before.fields if before else {}
    new = after.fields if after else {}
    return tuple(
        FieldChange(
            pointer,
            old.get(pointer),
            new.get(pointer),
            added=pointer not in old,
            removed=pointer not in new,
        )
        for pointer in sorted({*old, *new})
        if pointer not in old or pointer not in new or old[pointer] != new[pointer]
    )
