"""How far the metrics of attempts have come while they run: reads what is new in their files, and nothing twice.

Files lie where programs decide: only regular ones with one name are read, and nothing that is in them makes this fail.
What it keeps in memory is only for speed, and bounded: so many names an attempt, so many marks a name. It must never
tell of a file that it has not read to the end once, since a series would seem to begin anew then.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from planner.keys import Key
from planner.model.metric import Mark, Metric, Progress, is_marked
from reconciler.backends import metrics
from reconciler.backends.metrics import Odd

__all__ = ["MOST_NAMES", "Gauge", "Places", "Series", "Told", "told_by_lines"]

MOST_NAMES = 64
"""Metrics of an attempt that are followed while it runs, the first ones; its file has the others too."""
PIECE = 1 << 18
AT_ONCE = 0.2
"""Seconds that one look reads at most: what is left, of files that grew much, is read at the next ones."""

Parse = Callable[[bytes], Metric | Odd | None]
"""What a line without its end says."""


@dataclass(frozen=True, slots=True)
class Told:
    """A file that an attempt tells metrics by.

    Attributes:
        path: where it is.
        parse: of its lines.
        opened: the file as it is now; None where it must not be read.
        open_end: whether its last line has no end even when it is whole.
    """

    path: str
    parse: Parse
    opened: Callable[[], IO[bytes] | None]
    open_end: bool = False


Places = Callable[[], Sequence[Told]]
"""Names the files of an attempt that there may be by now; asked at each look, so it must cost next to nothing."""


def told_by_lines(path: str) -> Told:
    """The metrics file of the run contract."""
    return Told(path, metrics.point, lambda: metrics.opened(Path(path)))


class Series:
    """The reports of one metric, added up."""

    __slots__ = ("_count", "_high", "_last", "_low", "_marks", "_odd", "_step")

    def __init__(self) -> None:
        self._count = self._odd = 0
        self._step: int | None = None
        self._last = self._low = self._high = 0.0
        self._marks: list[Mark] = []

    def add(self, value: float, step: int | None = None) -> None:
        """Count a finite number."""
        value = float(value)
        self._low = min(self._low, value) if self._count else value
        self._high = max(self._high, value) if self._count else value
        self._count += 1
        self._last, self._step = value, step
        if is_marked(self._count):
            self._marks.append(Mark(self._count, self._low, self._high))

    def add_odd(self) -> None:
        """Count what is no finite number."""
        self._odd += 1

    def progress(self) -> Progress:
        """What there is so far."""
        if not self._count:
            return Progress(odd=self._odd)
        return Progress(self._count, self._step, self._last, self._low, self._high, self._odd, tuple(self._marks))


class _Tail:
    """One file, as far as it was read."""

    def __init__(self, told: Told) -> None:
        self._told = told
        self._path = Path(told.path)
        self._forget(0)

    def _forget(self, inode: int) -> None:
        self.series: dict[str, Series] = {}
        self.caught_up = False
        self._inode = inode
        self._offset = 0  # the begin of the first line that was not read
        self._size = -1  # as it was at the last look
        self._more = False  # whether the last look left whole lines
        self._in_long = False  # whether the line that was begun is too long to count

    def look(self, deadline: float) -> bool:
        """Read what is new; whether anything was. Costs one look at its size where nothing is."""
        try:
            facts = self._path.lstat()
        except OSError:
            return False
        if facts.st_ino != self._inode or facts.st_size < self._offset:
            self._forget(facts.st_ino)
        same, self._size = facts.st_size == self._size, facts.st_size
        # Half a line may be the whole of one that has no end: it is, if nothing came for as long as a look takes.
        rest = same and self._told.open_end and self._offset < self._size
        if same and not self._more and not rest:
            return False
        file = self._told.opened()
        if file is None:
            return False
        with file:
            return self._read(file, deadline, rest=rest)

    def _read(self, file: IO[bytes], deadline: float, *, rest: bool) -> bool:
        before, self._more = self._offset, False
        while file.seek(self._offset) >= 0 and (data := file.read(PIECE)):
            last = len(data) < PIECE
            whole = len(data) if rest and last else data.rfind(b"\n") + 1
            if whole:
                self._take(data[:whole])
            elif len(data) > metrics.LONGEST_LINE:
                whole, self._in_long = len(data), True
            self._offset += whole
            if last or not whole:
                break
            if time.monotonic() > deadline:
                self._more = True
                break
        self.caught_up |= not self._more
        return self._offset > before

    def _take(self, data: bytes) -> None:
        lines = data.split(b"\n")
        if self._in_long:
            self._in_long = len(lines) == 1
            del lines[0]
        for line in lines:
            found = self._told.parse(line.rstrip(b"\r")) if line else None
            if found is None:
                continue
            series = self.series.get(found.name)
            if series is None:
                if len(self.series) >= MOST_NAMES:
                    continue
                series = self.series[found.name] = Series()
            if isinstance(found, Metric) and not isinstance(found.value, str):
                series.add(found.value, found.step)
            else:
                series.add_odd()


class _Attempt:
    """The files of one attempt, and what they come to."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._tails: dict[str, _Tail] = {}
        self.progress: Mapping[str, Progress] = {}

    def look(self, deadline: float) -> None:
        """Read what is new. `progress` stays the same object where nothing is."""
        news = False
        for told in self._places():
            tail = self._tails.get(told.path)
            if tail is None:
                tail = self._tails[told.path] = _Tail(told)
            news |= tail.look(deadline)
        if news and all(tail.caught_up for tail in self._tails.values() if tail.series):
            self.progress = self._summed()

    def _summed(self) -> Mapping[str, Progress]:
        """Where several files tell of one metric, the first counts."""
        found: dict[str, Progress] = {}
        for tail in self._tails.values():
            for name, series in tail.series.items():
                if name not in found and len(found) < MOST_NAMES:
                    found[name] = series.progress()
        return found


class Gauge:
    """Follows the metrics of attempts that run. One look at a time."""

    def __init__(self, places: Callable[[Key], Places | None]) -> None:
        """Follow nobody yet.

        Args:
            places: what tells where the files of an attempt are; None while that is not known.
        """
        self._places = places
        self._attempts: dict[Key, _Attempt] = {}
        self._turn = 0

    def look(self, keys: Collection[Key]) -> dict[Key, Mapping[str, Progress]]:
        """What attempts `keys` have reported so far, as the same object where nothing is new; others are forgotten."""
        for key in self._attempts.keys() - frozenset(keys):
            del self._attempts[key]
        for key in keys:
            if key not in self._attempts and (places := self._places(key)) is not None:
                self._attempts[key] = _Attempt(places)
        deadline = time.monotonic() + AT_ONCE
        attempts = list(self._attempts.values())
        first = self._turn % len(attempts) if attempts else 0
        for done, attempt in enumerate((*attempts[first:], *attempts[:first])):
            attempt.look(deadline)
            if time.monotonic() > deadline:
                self._turn = first + done + 1  # who was not reached is first the next time
                break
        return {key: attempt.progress for key, attempt in self._attempts.items() if attempt.progress}
