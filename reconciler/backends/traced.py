"""Reads what the tracking library of Polyaxon leaves in a run's folder (docs/polyaxon-tracking.md).

`traceml` writes a file of events for each metric, `events/metric/NAME.plx`: a line of headings, then lines of
`step|timestamp|value`, with an end before each and none after the last. When a program ends it writes `run.plx.json`,
whose `outputs` are what was logged as such. A program decides what lies there: nothing of it makes this fail, no link
is followed, and what an earlier attempt wrote into the same folder does not count.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import IO

from planner.canon import Json
from planner.model.metric import Metric
from reconciler.backends import below
from reconciler.backends.below import Nothing
from reconciler.backends.metrics import Summary
from reconciler.backends.outputs import HALF, LONGEST_FILE, NAME, Outputs, fits
from reconciler.backends.progress import MOST_NAMES, Places, Told

__all__ = ["Traced"]

EVENTS, SUFFIX, RUN = "events/metric", ".plx", "run.plx.json"
LONGEST_NAME = 200
LATEST_IN = 1 << 16
"""Bytes at the end of a file of events that its last value is looked for in."""
SLACK = 2.0
"""Seconds by which an attempt may have been made after what it wrote, by the clocks of both."""

_COARSE = 2_000_000_000
"""Nanoseconds within which two changes of a folder may have one time."""


@dataclass(frozen=True, slots=True)
class Traced:
    """What an attempt left in the folder of its run by that library.

    Attributes:
        artifacts: the run's own folder.
        since: when the attempt was made, in seconds since 1970.
    """

    artifacts: Path
    since: float

    def places(self, others: list[Told]) -> Places:
        """`others`, and the files of events that there are by then: the folder is read when it has changed."""
        folder, seen, found = self.artifacts / EVENTS, -1, others

        def look() -> list[Told]:
            nonlocal seen, found
            try:
                changed = folder.lstat().st_mtime_ns
            except OSError:
                return found
            if changed != seen or time.time_ns() - changed < _COARSE:
                seen, found = changed, [*others, *(self._told(name) for name in self._names())]
            return found

        return look

    def place_of(self, name: str) -> Path | None:
        """Where the file of events of a metric is to be; None where the name is none, or one too many."""
        names = self._names()
        if not name or len(name) > LONGEST_NAME or "/" in name or "\0" in name or HALF.search(name):
            return None
        if name not in names and len(names) >= MOST_NAMES:
            return None
        return self.artifacts / _path(name)

    def points(self) -> Iterator[Metric]:
        """Every value, metric by metric."""
        for name in self._names():
            with contextlib.suppress(OSError):
                file = self._opened(_path(name))
                if file is not None:
                    with file:
                        yield from filter(None, (_point(line.strip(), name, self.since) for line in file))

    def summary(self, known: Summary | None) -> Summary | None:
        """`known` with the last value of each metric that it lacks."""
        for name in self._names():
            if known is not None and name in known.latest:
                continue
            last = self._last(name)
            if last is not None:
                known = known or Summary()
                known.latest[name] = last.value
        return known

    def outputs(self, known: Outputs | None) -> Outputs | None:
        """`known` with the outputs that it lacks."""
        said = {name: value for name, value in self._said().items() if known is None or name not in known.values}
        if not said:
            return known
        if known is None:
            return Outputs(said)
        return Outputs({**said, **known.values}, known.bad, known.unfit, known.truncated)

    def _names(self) -> list[str]:
        found = []
        with contextlib.suppress(Nothing):
            for entry in below.entries(self.artifacts, EVENTS, most=MOST_NAMES):
                name = entry.path.removeprefix(f"{EVENTS}/").removesuffix(SUFFIX)
                if entry.kind == "file" and entry.path.endswith(SUFFIX) and "/" not in name:
                    found += [name] if 0 < len(name) <= LONGEST_NAME and not HALF.search(name) else []
        return found

    def _told(self, name: str) -> Told:
        path = _path(name)
        parse = partial(_point, name=name, since=self.since)
        return Told(str(self.artifacts / path), parse, partial(self._opened, path), open_end=True)

    def _opened(self, path: str) -> IO[bytes] | None:
        with contextlib.suppress(Nothing), below.opened(self.artifacts, path) as (handle, entry):
            if entry.kind == "file" and os.fstat(handle).st_nlink == 1:
                return os.fdopen(os.dup(handle), "rb", buffering=1 << 16)
        return None

    def _last(self, name: str) -> Metric | None:
        file = self._opened(_path(name))
        if file is None:
            return None
        with file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - LATEST_IN))
            lines = file.read(LATEST_IN).split(b"\n")
        return next(filter(None, (_point(line.strip(), name, self.since) for line in reversed(lines))), None)

    def _said(self) -> Mapping[str, Json]:
        file = self._opened(RUN)
        if file is None:
            return {}
        with file:
            if os.fstat(file.fileno()).st_mtime < self.since - SLACK:
                return {}
            data = file.read(LONGEST_FILE + 1)
        try:
            said = json.loads(data).get("outputs") if len(data) <= LONGEST_FILE else None
        except (ValueError, RecursionError, AttributeError):
            return {}
        if not isinstance(said, dict):
            return {}
        return {
            name: value for name, value in said.items() if NAME.fullmatch(name) and value is not None and fits(value)
        }


def _path(name: str) -> str:
    return f"{EVENTS}/{name}{SUFFIX}"


def _point(line: bytes, name: str, since: float) -> Metric | None:
    """What a line says; None for the headings, for what breaks the rules, and for what is of before `since`."""
    try:
        step, timestamp, value = line.decode().split("|")
        number = float(value)
        at = datetime.fromisoformat(timestamp) if timestamp else None
        if at is not None and at.tzinfo is not None and at.timestamp() < since - SLACK:
            return None
        word = "NaN" if math.isnan(number) else f"{'-' if number < 0 else ''}Infinity" if math.isinf(number) else ""
        said = at.isoformat() if at is not None and at.tzinfo is not None else None
        return Metric(name, word or number, int(float(step)) if step else None, said)
    except (ValueError, OverflowError):
        return None
