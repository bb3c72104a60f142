"""Values of both sides, compared by what they mean: `1` is `1.0`, and `PT1H` is `1:00:00`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from planner.spec.shape import Section

__all__ = ["Place", "differing", "plain"]

Place = tuple[str | int, ...]
_MISSING = "(nothing)"
_SPELLED = {"autoscaler_options": "autoscalerOptions"}
"""Names that the peer prints otherwise than it documents them."""


def plain(value: Any) -> Any:
    """A section as its author could have written it: what was said, by YAML name, without what is null."""
    match value:
        case Section():
            known = type(value).model_fields
            said = ((known[name].alias or name, getattr(value, name)) for name in value.model_fields_set)
            return {name: plain(item) for name, item in said if item is not None}
        case Mapping():
            return {name: plain(item) for name, item in value.items()}
        case str():
            return value
        case Sequence():
            return [plain(item) for item in value]
        case _:
            return value


def differing(ours: Any, theirs: Any, place: Place = ()) -> Iterator[tuple[Place, Any, Any]]:
    """Every place where both sides differ, with both values."""
    match ours, theirs:
        case Mapping(), Mapping():
            theirs = {_SPELLED.get(name, name): item for name, item in theirs.items()}
            for name in sorted({*ours, *theirs} - _implied(ours, theirs), key=str):
                yield from differing(ours.get(name, _MISSING), theirs.get(name, _MISSING), (*place, name))
        case list(), list() if len(ours) == len(theirs):
            for index, (one, other) in enumerate(zip(ours, theirs, strict=True)):
                yield from differing(one, other, (*place, index))
        case _:
            if not _same(ours, theirs, str(place[-1]) if place else ""):
                yield place, ours, theirs


def _implied(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> set[str]:
    """What one side writes out and the other takes for granted: an input with a value is optional."""
    implied = "value" in ours and theirs.get("isOptional") is True and "isOptional" not in ours
    return {"isOptional"} if implied else set()


def _same(ours: Any, theirs: Any, name: str) -> bool:
    if ours == theirs and isinstance(ours, bool) == isinstance(theirs, bool):
        return True
    if isinstance(ours, date | timedelta):
        return theirs in {_instant(ours), str(ours)}
    if ours == [] and theirs == _MISSING:
        return True
    if isinstance(ours, str) and isinstance(theirs, int | float):
        return ours == str(theirs)  # a quantity or a variable's value, which Kubernetes takes as text
    if name in {"command", "args", "paths"}:
        return bool(ours == [theirs])
    if name == "env" and isinstance(ours, Mapping):
        return bool(list(map(list, ours.items())) == theirs)
    if isinstance(ours, Mapping) and isinstance(theirs, str):  # an entry of `mount`
        return bool(":".join(filter(None, (ours.get("from"), ours.get("to")))) == theirs)
    return False


def _instant(value: date | timedelta) -> str:
    return value.astimezone(UTC).isoformat(sep=" ") if isinstance(value, datetime) else str(value)
