"""Cron expressions: which instants an expression means in a zone.

croniter reads the expression and finds the local days; this module maps wall-clock times of those days to instants.
croniter never gets a zone: with one it fires a daily 02:30 twice on the autumn night. Two rules decide the nights on
which clocks change (design: "4. Semantics", schedules; which expression is which follows Debian's cron):

- an item that starts with `*` in minute or hour: elapsed time. Every instant whose wall clock matches is a tick, both
  in a repeated hour, none in a skipped one;
- every other expression: fixed times. A skipped one is at the end of the gap, a repeated one at its first occurrence;
  those that fall on one instant are one tick.

Minute, hour and month mean the same whatever the other fields are, and the two fields of days mean the same in every
month: croniter reads each of these parts once, however many expressions are made of them. Which days of a month match
depends on its shape alone (length, first weekday), so it is asked once for each of 28 shapes at most, and the cost of
every question is bounded by the local days between its two ends.

Ticks are whole seconds. This module must never decide what happens with a tick, and never see the clock.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

from croniter import CroniterBadDateError, croniter

from planner.desire import zones
from planner.desire.cron_fields import FIELDS, PRESETS, CronError, split

__all__ = ["PRESETS", "Cron", "CronError", "count", "newest", "next_after", "parse"]

_LAST_YEAR = 9990  # datetime ends with 9999; the rest is room for offsets and steps
_DAY = timedelta(days=1)
_EVERYTHING = (range(60), range(24), range(1, 32), range(1, 13), range(7))
_BAD = (ValueError, TypeError, LookupError, AttributeError)  # what croniter raises for text that it did not foresee


@dataclass(frozen=True, slots=True)
class Cron:
    """A parsed expression; equal texts are equal.

    Attributes:
        text: the five fields, lower case, one blank between them, a preset written out.
        seconds: the times of a matching day in seconds since midnight, ascending.
        days: the fields that say which days of a month match: day of the month, day of the week.
        months: the months that may have matching days.
        every_day: all days of those months match.
        elapsed: it goes by elapsed time; otherwise its times are fixed.
    """

    text: str
    seconds: tuple[int, ...] = field(compare=False)
    days: tuple[str, str] = field(compare=False)
    months: frozenset[int] = field(compare=False)
    every_day: bool = field(compare=False)
    elapsed: bool = field(compare=False)


@functools.lru_cache(maxsize=4096)
def parse(expression: str) -> Cron:
    """The parsed form of five fields in croniter's syntax, or of a preset (reference section 15).

    Raises:
        CronError: for text that is not such an expression, and for one that can never fire.
    """
    fields = split(expression)
    text, days = " ".join(fields), (fields[2], fields[4])
    seconds, months = _seconds(fields[0], fields[1]), _alone(3, fields[3])
    if seconds is None or months is None or _expand("*", "*", days[0], "*", days[1]) is None:
        raise CronError(_blame(fields))
    cron = Cron(
        text=text,
        seconds=seconds,
        days=days,
        months=frozenset(months),
        every_day=set(days) <= {"*", "?"},
        elapsed=any(item.startswith("*") for item in f"{fields[0]},{fields[1]}".split(",")),
    )
    if not _fires(cron):
        raise CronError(f"{text!r} can never fire: no month in it has such a day", never=True)
    return cron


def next_after(cron: Cron, where: ZoneInfo, after: datetime) -> datetime | None:
    """The first tick after an instant; None when there is none before the end of the calendar."""
    for day in _days(cron, zones.local_date(after, where) - _DAY):
        if (tick := _ticks(cron, where, day).first(after)) is None:
            continue
        # Clocks that go back over midnight mix the ticks of two days, never of more.
        following = day + _DAY
        other = _ticks(cron, where, following).first(after) if _matches(cron, following) else None
        return min(tick, other or tick)
    return None


def newest(cron: Cron, where: ZoneInfo, span: tuple[datetime, datetime], n: int) -> tuple[datetime, ...]:
    """The newest ticks, `n` (from 1) at most, after the first instant of `span` and not after its second; ascending.

    Cost: a few microseconds for each day that is looked at, from the second instant backwards.
    """
    found: list[datetime] = []
    end: date | None = None
    since, until = (zones.local_date(at, where) for at in span)
    for day in _days_back(cron, since - _DAY, until + _DAY):
        if end and day < end:
            break
        found += _ticks(cron, where, day).newest(*span, n)
        if len(found) >= n:
            end = end or day - _DAY
    return tuple(sorted(found)[-n:])


def count(cron: Cron, where: ZoneInfo, after: datetime, until: datetime) -> int:
    """How many ticks are in (after, until]. Cost: a few microseconds a month, and a day where clocks change."""
    begin, end = zones.local_date(after, where), zones.local_date(until, where)
    total = 0
    for first in _months(begin - _DAY):
        if first > end + _DAY:
            break
        numbers, length = _month(cron, first), _length(first)
        if begin < first and first + length * _DAY <= end and zones.steady(first, length, where):
            total += len(numbers) * len(cron.seconds)
        else:
            total += sum(_ticks(cron, where, first.replace(day=number)).count(after, until) for number in numbers)
    return total


@functools.lru_cache(maxsize=4096)
def _expand(*fields: str) -> Sequence[Sequence[object]] | None:
    """The fields as croniter expands them; None where they are no expression."""
    try:
        return croniter.expand(" ".join(fields))[0]
    except _BAD:
        return None


def _alone(index: int, text: str) -> Sequence[int] | None:
    """The numbers that one of the fields means, ascending; None where it is no such field."""
    fields = ["*"] * len(FIELDS)
    fields[index] = text
    expanded = _expand(*fields)
    if expanded is None:
        return None
    found = expanded[index]
    return _EVERYTHING[index] if "*" in found else sorted({number for number in found if isinstance(number, int)})


@functools.lru_cache(maxsize=4096)
def _seconds(minute: str, hour: str) -> tuple[int, ...] | None:
    """The times that both fields mean, in seconds since midnight, ascending; None where one of them is none."""
    minutes, hours = _alone(0, minute), _alone(1, hour)
    if minutes is None or hours is None:
        return None
    return tuple(hour * 3600 + minute * 60 for hour in hours for minute in minutes)


def _blame(fields: Sequence[str]) -> str:
    for index, (name, allowed) in enumerate(FIELDS):
        if _alone(index, fields[index]) is None:
            return f"bad {name} {fields[index]!r}: allowed are {allowed}, lists, ranges and steps such as */5"
    return f"{' '.join(fields)!r}: these fields cannot be combined; days of the week are all plain or all with #"


def _fires(cron: Cron) -> bool:
    return any(_month(cron, first) for first in _CYCLE)


def _walk(days: tuple[str, str], first: date) -> croniter[datetime]:
    """Croniter on naive local time, at midnight of matching days from `first` on."""
    return croniter(f"0 0 {days[0]} * {days[1]}", datetime.combine(first, time()) - timedelta(minutes=1), datetime)


def _months(since: date) -> Iterator[date]:
    """The first days of months, from the month of `since` on."""
    first = since.replace(day=1)
    while first.year < _LAST_YEAR:
        yield first
        first += _length(first) * _DAY


def _length(first: date) -> int:
    return ((first + 31 * _DAY).replace(day=1) - first).days


_CYCLE = tuple(itertools.islice(_months(date(2000, 1, 1)), 28 * 12))
"""The months of 28 years: every length and weekday of the first day that each of the twelve can have."""

_SHAPES = MappingProxyType({(_length(first), first.weekday()): first for first in _CYCLE})
"""A month for every shape: its length and the weekday of its first day."""


def _month(cron: Cron, first: date) -> Sequence[int]:
    """The matching days of the month that begins with `first`."""
    if first.month not in cron.months:
        return ()
    length = _length(first)
    if cron.every_day:
        return range(1, length + 1)
    return _pattern(cron.days, _SHAPES[length, first.weekday()])


def _matches(cron: Cron, day: date) -> bool:
    return day.day in _month(cron, day.replace(day=1))


@functools.lru_cache(maxsize=8192)
def _pattern(days: tuple[str, str], first: date) -> tuple[int, ...]:
    """The matching days of a shape of month."""
    found: list[int] = []
    walk = _walk(days, first)
    try:
        while (at := walk.get_next()).date().replace(day=1) == first:
            found.append(at.day)
    except CroniterBadDateError:
        pass  # no later match at all
    return tuple(found)


def _days(cron: Cron, since: date) -> Iterator[date]:
    """The matching local dates from `since` on, ascending."""
    for first in _months(since):
        for number in _month(cron, first):
            if (day := first.replace(day=number)) >= since:
                yield day


def _days_back(cron: Cron, since: date, until: date) -> Iterator[date]:
    """The matching local dates from `until` back to `since`, descending."""
    first = until.replace(day=1)
    while first >= since.replace(day=1):
        for number in reversed(_month(cron, first)):
            if since <= (day := first.replace(day=number)) <= until:
                yield day
        first = (first - _DAY).replace(day=1)


def _ticks(cron: Cron, where: ZoneInfo, day: date) -> zones.Times:
    """The ticks of a matching date. Those of different dates are different instants."""
    clock = zones.day_of(day, where)
    return zones.Times(clock.start, cron.seconds if clock.change is None else _changed(cron, where, day))


@functools.lru_cache(maxsize=1024)
def _changed(cron: Cron, where: ZoneInfo, day: date) -> tuple[int, ...]:
    """The ticks of a date on which clocks change, in seconds after its start."""
    clock = zones.day_of(day, where)
    if cron.elapsed:
        return tuple(sorted({at for second in cron.seconds for at in clock.occurrences(second)}))
    found = {clock.first(second) for second in cron.seconds}
    if clock.change is not None:
        end = (clock.start + timedelta(seconds=clock.change)).astimezone(where)
        # Zones have skipped whole days: the end of such a gap may be a tick of the later date anyway.
        if end.date() != day and _means(cron, end):
            found.discard(clock.change)
    return tuple(sorted(found))


def _means(cron: Cron, local: datetime) -> bool:
    second = (local.hour * 60 + local.minute) * 60 + local.second
    return second in cron.seconds and _matches(cron, local.date())
