"""JSON text in place of a container: what `"[1, 2]"` holds where a list is wanted (reference, section 8.1).

The text gets around the YAML reader, so the limits of a spec are kept here again. This module must never raise.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import NoReturn

from planner.canon import Json
from planner.spec.limits import MAX_DEPTH, MAX_NODES
from planner.spec.text import MAX_BYTES, UNSPEAKABLE
from planner.spec.words import short

__all__ = ["parsed"]

_LONGEST_WHOLE = 151
"""Characters of a whole number, as in `planner.compile.types`."""


def parsed(value: Json) -> Json:
    """A container, or what the JSON text of one holds; a text that holds what a spec cannot say stays text."""
    if not isinstance(value, str) or len(value) > MAX_BYTES:
        return value
    try:
        found: Json = json.loads(value, parse_constant=_no_number, parse_int=_json_int, parse_float=_json_float)
    except (ValueError, RecursionError):
        return value
    return found if _speakable(found) and _size(found) <= MAX_NODES else value


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{short(text)} is not a number that a spec may hold")


def _json_int(text: str) -> int:
    if len(text) > _LONGEST_WHOLE:
        _no_number(text)
    return int(text)


def _json_float(text: str) -> float:
    found = float(text)
    if not math.isfinite(found):
        _no_number(text)
    return found


def _speakable(value: Json, depth: int = 0) -> bool:
    """Whether a value could stand in a spec: not deeper than one, and no half of a character or NUL in its texts."""
    match value:
        case str():
            return not UNSPEAKABLE.search(value)
        case Mapping():
            inner = [*value, *value.values()]
        case list():
            inner = value
        case _:
            return True
    return depth < MAX_DEPTH and all(_speakable(item, depth + 1) for item in inner)


def _size(value: Json) -> int:
    """Values and keys in a value, itself included."""
    match value:
        case Mapping():
            return 1 + len(value) + sum(map(_size, value.values()))
        case list():
            return 1 + sum(map(_size, value))
        case _:
            return 1
