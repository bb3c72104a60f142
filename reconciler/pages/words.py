"""How values look on a page: instants, spans, sizes, long values cut.

Pure. What it must never do: drop part of a value without saying how much of it there is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from planner.canon import Json
from planner.model.records import PARENTS
from planner.render.span import span

__all__ = ["Cut", "Value", "cut", "lasted", "number", "size", "span", "took", "values_of", "when"]

_LONGEST = 2_000
"""Letters of a value that are shown."""
_MOST = 200
"""Values of a table that are shown."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A text, and how many letters of it are left out."""

    text: str
    left: int = 0


@dataclass(frozen=True, slots=True)
class Value:
    """One line of a table of values."""

    name: str
    value: Cut
    is_number: bool


def cut(value: Json, longest: int = _LONGEST) -> Cut:
    """A value as text: texts as they are, all else as JSON; what is longer than `longest` is cut."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return Cut(text[:longest], max(len(text) - longest, 0))


def values_of(found: Mapping[str, Json]) -> tuple[list[Value], int]:
    """The lines of a table of values, and how many more there are."""
    names = list(found)[:_MOST]
    lines = [Value(name, cut(found[name]), _is_number(found[name])) for name in names]
    return lines, len(found) - len(lines)


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def number(value: float | str) -> str:
    """A measured value: six digits, or the word that stands for what is no number."""
    return value if isinstance(value, str) else f"{value:.6g}"


def when(instant: str | None) -> str:
    """An instant of the API for people, to the second; all of a page are in UTC."""
    return instant.replace("T", " ").removesuffix("Z") if instant else ""


def took(begin: str | None, end: str | None, now: datetime) -> str:
    """How long something took, or goes on since; "" where it has not begun."""
    if not begin:
        return ""
    until = datetime.fromisoformat(end) if end else now
    return span((until - datetime.fromisoformat(begin)).total_seconds())


def lasted(run: Mapping[str, Any], now: datetime) -> str:
    """How long a run of the API took. What has runs below it has no start of its own: it goes on from its opening."""
    opened = run["openedAt"] if run["kind"] in PARENTS else None
    return took(run["startedAt"] or opened, run["finishedAt"], now)


def size(count: int) -> str:
    """A number of bytes, such as `1.5 MB`."""
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"
        amount /= 1000
    return ""
