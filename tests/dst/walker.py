"""A second opinion on cron expressions: it looks at every minute of an interval, and at what a wall clock shows then.

Written from the rules alone (docs/schedules.md, "When clocks change"). It must never use croniter, nor anything of
`planner.desire`: what it would share with them, it could not find wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_NUMBERS = {name: index + 1 for index, name in enumerate(_MONTHS)} | {
    name: index for index, name in enumerate(_WEEKDAYS)
}


@dataclass(frozen=True)
class Expression:
    """The five fields as sets of numbers; `last` says that the last day of a month matches too."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    last: bool
    either: bool
    elapsed: bool

    def matches(self, local: datetime) -> bool:
        """Whether a wall clock that shows `local` matches."""
        if local.minute not in self.minutes or local.hour not in self.hours or local.month not in self.months:
            return False
        last = self.last and (local + timedelta(days=1)).day == 1
        day = local.day in self.days or last
        weekday = local.isoweekday() % 7 in self.weekdays
        return (day or weekday) if self.either else (day and weekday)


@dataclass(frozen=True)
class Minute:
    """A minute: its instant, what clocks show, and the minutes that clocks skipped just before."""

    at: datetime
    local: datetime
    skipped: tuple[datetime, ...]


def read(text: str) -> Expression:
    """Lists, ranges, steps, names and `L`, without any check."""
    minute, hour, day, month, weekday = text.lower().split()
    days = [item for item in day.split(",") if item != "l"]
    return Expression(
        minutes=_set(minute, 0, 59),
        hours=_set(hour, 0, 23),
        days=_set(",".join(days), 1, 31) if days else frozenset(),
        months=_set(month, 1, 12),
        weekdays=frozenset(number % 7 for number in _set(weekday, 0, 7)),
        last="l" in day.split(","),
        either=day != "*" and weekday != "*",
        elapsed=any(item.startswith("*") for item in (*minute.split(","), *hour.split(","))),
    )


def minutes(where: ZoneInfo, begin: datetime, end: datetime) -> list[Minute]:
    """Every minute of [begin, end)."""
    found: list[Minute] = []
    at, before = begin, (begin - MINUTE).astimezone(where).replace(tzinfo=None)
    while at < end:
        local = at.astimezone(where).replace(tzinfo=None)
        found.append(Minute(at, local, tuple(_between(before, local))))
        at, before = at + MINUTE, local
    return found


def ticks(expression: Expression, clock: Sequence[Minute]) -> list[datetime]:
    """The instants (UTC) that the expression means, ascending."""
    if expression.elapsed:
        return [minute.at for minute in clock if expression.matches(minute.local)]
    found: list[datetime] = []
    shown: set[datetime] = set()
    for minute in clock:
        # What was skipped comes now, at the end of the gap; what was shown before does not come again.
        new = [local for local in (*minute.skipped, minute.local) if local not in shown]
        shown.update(new)
        if any(expression.matches(local) for local in new):
            found.append(minute.at)
    return found


def changes(where: ZoneInfo, year: int) -> list[datetime]:
    """The instants of a year from which on the zone has another offset."""
    found = []
    at, end, step = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC), timedelta(hours=6)
    while at < end:
        if _offset(where, at) != _offset(where, at + step):
            found.append(_change(where, at, at + step))
        at += step
    return found


def _change(where: ZoneInfo, low: datetime, high: datetime) -> datetime:
    at, old = low, _offset(where, low)
    while at < high and _offset(where, at) == old:
        at += MINUTE
    return at


def _offset(where: ZoneInfo, at: datetime) -> timedelta | None:
    return at.astimezone(where).utcoffset()


def _between(before: datetime, after: datetime) -> Iterator[datetime]:
    at = before + MINUTE
    while at < after:
        yield at
        at += MINUTE


def _set(text: str, low: int, high: int) -> frozenset[int]:
    found: set[int] = set()
    for item in text.split(","):
        span, _, step = item.partition("/")
        first, _, last = span.partition("-")
        if first == "*":
            begin, end = low, high
        else:
            begin = _number(first)
            end = _number(last) if last else (high if step else begin)
            end = 7 if end < begin else end  # up to `sun`, which is both 0 and 7
        found.update(range(begin, end + 1, int(step or 1)))
    return frozenset(found)


def _number(text: str) -> int:
    return _NUMBERS[text] if text in _NUMBERS else int(text)
