"""Time zones: names to zones, and wall-clock times to instants.

One place decides what a wall-clock time means on the nights on which clocks change. It relies on one property of the
zone database: between two changes of one zone lie more than three days (four in Freetown in 1939, seven since 1970).
This module must never guess: an unknown name is an error, not UTC.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

__all__ = ["Day", "Times", "ZoneError", "day_of", "instant", "local_date", "steady", "zone"]

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
_PROBE = 3  # days
_FOREIGN = ("posix/", "right/", "localtime", "posixrules", "Factory")


class ZoneError(ValueError):
    """A time zone that does not exist, in words for the user who wrote it."""


@functools.lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """The zone of an IANA name.

    Raises:
        ZoneError: when there is none. Names that mean different things on different machines are none.
    """
    found = None if name.startswith(_FOREIGN) else _load(name)
    if found is None:
        hint = "use an IANA name such as Europe/Berlin, America/New_York or UTC"
        raise ZoneError(f"unknown time zone {name[:64]!r}: {hint}")
    return found


def instant(local: datetime, where: ZoneInfo) -> datetime:
    """The instant (UTC) of a wall-clock time without offset: its first occurrence, or the end of the gap it is in."""
    day = day_of(local.date(), where)
    second = (local.hour * 60 + local.minute) * 60 + local.second
    return day.start + timedelta(seconds=day.first(second))


def local_date(at: datetime, where: ZoneInfo) -> date:
    """The date that calendars in the zone show at an instant."""
    return at.astimezone(where).date()


def steady(first: date, days: int, where: ZoneInfo) -> bool:
    """Whether the zone keeps one offset from the beginning of a date over so many days."""
    begin = datetime(first.year, first.month, first.day, tzinfo=where)
    offset = begin.utcoffset()
    # Clocks that go back just after midnight repeat time of the date before: fold tells.
    if (begin + days * _DAY).replace(fold=1).utcoffset() != offset:
        return False
    return all((begin + number * _DAY).utcoffset() == offset for number in range(_PROBE, days, _PROBE))


@dataclass(frozen=True, slots=True)
class Day:
    """How the wall clock of one local date maps to seconds after `start`.

    Attributes:
        start: the instant of its midnight; where clocks skip midnight, that of the change.
        change: seconds from `start` until clocks change; None on an ordinary date.
        shift: how much later the change makes a wall-clock time come, in seconds; negative when clocks go forward.
    """

    start: datetime
    change: int | None = None
    shift: int = 0

    def occurrences(self, second: int) -> tuple[int, ...]:
        """When clocks show so many seconds after midnight: never in a gap, twice in a repeated hour; ascending."""
        if self.change is None:
            return (second,)
        before = (second,) if second < self.change else ()
        after = (second + self.shift,) if second + self.shift >= self.change else ()
        return before + after

    def first(self, second: int) -> int:
        """The first occurrence of such a time, or the end of the gap that it is in."""
        return next(iter(self.occurrences(second)), self.change or 0)


@functools.lru_cache(maxsize=4096)
def day_of(day: date, where: ZoneInfo) -> Day:
    """The mapping of a local date."""
    begin = datetime(day.year, day.month, day.day, tzinfo=where)
    start = begin.astimezone(UTC)
    if steady(day, 1, where):
        return Day(start)
    low, high = start - _SECOND, start + 2 * _DAY
    before, after = low.astimezone(where).utcoffset(), high.astimezone(where).utcoffset()
    assert before is not None
    assert after is not None
    while high - low > _SECOND:
        middle = low + (high - low) // _SECOND // 2 * _SECOND
        if middle.astimezone(where).utcoffset() == before:
            low = middle
        else:
            high = middle
    return Day(start, (high - start) // _SECOND, (before - after) // _SECOND)


@dataclass(frozen=True, slots=True)
class Times:
    """Some instants of one local date: whole seconds after `start`, ascending."""

    start: datetime
    seconds: tuple[int, ...]

    def first(self, after: datetime) -> datetime | None:
        """The first one after an instant, or None."""
        low = (after - self.start) // _SECOND
        return next((self._at(second) for second in self.seconds if second > low), None)

    def count(self, after: datetime, until: datetime) -> int:
        """How many are in (after, until]."""
        low, high = (after - self.start) // _SECOND, (until - self.start) // _SECOND
        if not self.seconds or (low < self.seconds[0] and self.seconds[-1] <= high):
            return len(self.seconds)
        return sum(low < second <= high for second in self.seconds)

    def newest(self, after: datetime, until: datetime, n: int) -> list[datetime]:
        """The last `n` (from 1) of those in (after, until], ascending."""
        low, high = (after - self.start) // _SECOND, (until - self.start) // _SECOND
        return [self._at(second) for second in [s for s in self.seconds if low < s <= high][-n:]]

    def _at(self, second: int) -> datetime:
        return self.start + timedelta(seconds=second)


def _load(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: folders of zones, names that are too long
        return None
