"""Sections as plain data: what was written, by YAML names and in canonical forms."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from planner.canon import Json
from planner.spec.anatomy import fields
from planner.spec.shape import Section

__all__ = ["plain"]


def plain(value: Any) -> Json:
    """A section, or what one holds, as JSON: fields that were written and are not null; durations as seconds."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Section():
            written = value.model_fields_set
            said = ((spelled, getattr(value, name)) for spelled, name in fields(type(value)).items() if name in written)
            return {spelled: plain(item) for spelled, item in said if item is not None}
        case dict() | Mapping():
            return {str(name): plain(item) for name, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
        case timedelta():
            seconds = value.total_seconds()
            return int(seconds) if seconds.is_integer() else seconds
        case datetime():
            return value.isoformat()
        case _:
            return str(value)
