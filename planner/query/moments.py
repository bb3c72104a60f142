"""Dates in queries: a day, a minute or a second is the span of all its instants (reference, section 17.2)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from planner.spec.times import moment

__all__ = ["Span", "span"]

_MONTH = timedelta(days=30)
_END = datetime.max.replace(tzinfo=UTC)
_DAY = re.compile(r"[^T ]+")
_SECONDS = re.compile(r"[T ]\d\d:?\d\d:?\d\d(?P<part>[.,]\d+)?")


@dataclass(frozen=True, slots=True)
class Span:
    """From `begin` on, up to and without `end`."""

    begin: datetime
    end: datetime

    def holds(self, at: datetime) -> bool:
        """Whether `at` is in it."""
        return self.begin <= at < self.end


def span(text: str, now: datetime) -> Span:
    """What a date that was read (`planner.spec.query`) stands for; without an offset it is in UTC.

    Args:
        text: such as `2026-11-23`, `2026-11-23 06:00` or `last_month`, which is the last 30 days.
        now: the instant of the question.
    """
    if text == "last_month":
        return Span(now - _MONTH, _END)
    at = moment(text)
    assert at is not None, "queries are checked when they are read"
    begin = (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    return Span(begin, begin + _length(text.strip()))


def _length(text: str) -> timedelta:
    if _DAY.fullmatch(text):
        return timedelta(days=1)
    found = _SECONDS.search(text)
    if found is None:
        return timedelta(minutes=1)
    return timedelta(microseconds=1) if found["part"] else timedelta(seconds=1)
