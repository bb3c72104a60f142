"""Reads a run's metrics file (docs/run-contract.md, "Metrics"). It must never fail on what a program wrote.

The file is the series: nothing copies it. While the run is alive a last line without its end is half a line. The file
lies where the program decides, so only a regular file with one name is read, never what a symlink leads to.
"""

from __future__ import annotations

import json
import math
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from planner.model.metric import Metric
from reconciler.backends.outputs import HALF

__all__ = ["LONGEST_LINE", "Odd", "Summary", "opened", "point", "points", "summary"]

LONGEST_LINE = 1 << 12
LONGEST_NAME = 200
LATEST_IN = 1 << 20
"""Bytes at the end of a file that the latest values are looked for in: a look at a run must stay short."""
MOST_NAMES = 200
"""Names whose latest value is kept with the run; the file has the others too."""
_WORDS = frozenset({"NaN", "Infinity", "-Infinity"})
_WIDEST = 1 << 63


@dataclass(frozen=True, slots=True)
class Odd:
    """A line that names a metric and has something else than a finite number for it."""

    name: str


@dataclass(slots=True)
class Summary:
    """What is kept of a finished file.

    Attributes:
        latest: the last value of each name.
        bad: numbers of the lines that break the rules, the first few.
        skipped: how many lines break them.
        surplus: whether there were more names than are kept.
    """

    latest: dict[str, float | str] = field(default_factory=dict)
    bad: list[int] = field(default_factory=list)
    skipped: int = 0
    surplus: bool = False

    @property
    def message(self) -> str:
        """What people should know of it, or ""."""
        parts = []
        if self.skipped:
            shown = ", ".join(map(str, self.bad)) + (", …" if self.skipped > len(self.bad) else "")
            parts.append(f"metrics file: line {shown} skipped, not a JSON object with name and value of a metric")
        if self.surplus:
            parts.append(f"metrics file: of the names only the first {MOST_NAMES} are kept with the run")
        return "; ".join(parts)


def opened(path: Path) -> IO[bytes] | None:
    """The file at `path`; None where there is none that may be read."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    facts = os.fstat(handle)
    if not stat.S_ISREG(facts.st_mode) or facts.st_nlink != 1:
        os.close(handle)
        return None
    return os.fdopen(handle, "rb", buffering=1 << 16)


def point(line: bytes) -> Metric | Odd | None:
    """What a whole line without its end says; None where it breaks the rules in another way than by its value."""
    found = _point(line)
    if found is not None:
        return found if not isinstance(found.value, str) and math.isfinite(found.value) else Odd(found.name)
    try:
        said = json.loads(line.decode()) if line.startswith(b"{") and len(line) <= LONGEST_LINE else None
        return Odd(_name(said["name"])) if isinstance(said, dict) and "value" in said else None
    except (ValueError, RecursionError, KeyError):
        return None


def points(file: IO[bytes], *, ended: bool) -> Iterator[Metric | None]:
    """A point for each line that is not empty; None for one that breaks the rules.

    Args:
        file: from where it stands.
        ended: whether nobody writes any more: then a last line without its end is whole.
    """
    for _, point in _numbered(file, ended=ended):
        yield point


def summary(file: IO[bytes]) -> Summary:
    """What is kept of a file that nobody writes any more."""
    found = Summary()
    line = _skip(file, os.fstat(file.fileno()).st_size - LATEST_IN)
    for number, point in _numbered(file, ended=True):
        if point is None:
            found.skipped += 1
            if len(found.bad) < 5:
                found.bad.append(line + number)
        elif point.name in found.latest or len(found.latest) < MOST_NAMES:
            found.latest[point.name] = point.value
        else:
            found.surplus = True
    return found


def _skip(file: IO[bytes], size: int) -> int:
    """Go past `size` bytes, to the begin of a line; returns how many lines were passed."""
    passed = 0
    while size > 0:
        chunk = file.read(min(size, 1 << 20))
        if not chunk:
            return passed
        size -= len(chunk)
        passed += chunk.count(b"\n")
        if size <= 0 and not chunk.endswith(b"\n"):
            _rest_of_line(file)
            passed += 1
    return passed


def _rest_of_line(file: IO[bytes]) -> bool:
    """Read on to the end of a line; returns whether it has one."""
    while rest := file.readline(1 << 16):
        if rest.endswith(b"\n"):
            return True
    return False


def _numbered(file: IO[bytes], *, ended: bool) -> Iterator[tuple[int, Metric | None]]:
    number = 0
    while line := file.readline(LONGEST_LINE + 2):
        number += 1
        whole = line.endswith(b"\n") or (len(line) > LONGEST_LINE and _rest_of_line(file))
        if not whole and not ended:
            return
        text = line.rstrip(b"\r\n")
        if text:
            yield number, _point(text)


def _point(line: bytes) -> Metric | None:
    if len(line) > LONGEST_LINE or not line.startswith(b"{"):
        return None
    try:
        found = json.loads(line.decode(), parse_constant=str, parse_float=_float)
        return Metric(
            _name(found.get("name")),
            _value(found.get("value")),
            _step(found.get("step")),
            _timestamp(found.get("timestamp")),
            _replica(found.get("replica")),
        )
    except (ValueError, RecursionError):
        return None


def _name(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_NAME or HALF.search(value):
        raise ValueError("name")
    return value


def _value(value: Any) -> float | str:
    if isinstance(value, str) and value in _WORDS:
        return value
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) >= 1 << 512:
        raise ValueError("value")
    return value


def _step(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= _WIDEST:
        raise ValueError("step")
    return value


def _timestamp(value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is None:
        raise ValueError("timestamp")
    return value


def _replica(value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > LONGEST_NAME or HALF.search(value):
        raise ValueError("replica")
    return value


def _float(text: str) -> float | str:
    value = float(text)
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value
