"""The order of runs: by fields, each up or down, those without a value last; among equals the newest opened first."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from datetime import datetime

from planner.query.subject import Subject, Value, values

__all__ = ["DEFAULT", "Order", "Ranking", "Terms"]

Order = tuple[tuple[str, str, bool], ...]
"""Fields to order by: name, what is behind the dot, and whether it descends (`planner.spec.query.parse_sort`)."""

DEFAULT: Order = (("updated_at", "", True),)
"""What changed last comes first (reference, section 17.2)."""

Terms = tuple["_Term", ...]
"""What a run is ordered by."""


@dataclass(frozen=True, slots=True)
class _Term:
    """One value in an order. Numbers come before text, text before truth values and the rest."""

    rank: int
    value: Value
    descends: bool

    def __lt__(self, other: _Term) -> bool:
        if self.rank != other.rank:
            # No value is last in both directions.
            turned = self.descends and _NONE not in {self.rank, other.rank}
            return (self.rank < other.rank) is not turned
        less: bool = self.value < other.value  # type: ignore[operator]  # equal ranks have equal types
        more: bool = other.value < self.value  # type: ignore[operator]
        return more if self.descends else less


_NONE = 9


def terms(subject: Subject, order: Order) -> Terms:
    """What a run is ordered by."""
    return tuple(_term(values(subject, name, sub), descends=descends) for name, sub, descends in order)


def _term(found: tuple[Value, ...], *, descends: bool) -> _Term:
    if not found:
        return _Term(_NONE, 0, descends)
    value = found[0]
    match value:
        case bool():
            return _Term(3, value, descends)
        case str():
            return _Term(2, value, descends)
        case datetime():
            return _Term(1, value, descends)
        case list() | tuple() | dict():
            return _Term(4, str(value), descends)
        case _:
            return _Term(0, value, descends)


@dataclass(slots=True)
class Ranking:
    """The first runs of an order, of however many: it holds no more than it is asked for.

    Attributes:
        order: what they are ordered by.
        most: how many are kept.
    """

    order: Order
    most: int
    _kept: list[_Entry] = field(default_factory=list)

    def add(self, subject: Subject, opened: int) -> None:
        """Take a run into account.

        Args:
            subject: the run.
            opened: a number that is higher for a run that was opened later, and no other's.
        """
        entry = _Entry(terms(subject, self.order), opened, subject)
        if len(self._kept) < self.most:
            heapq.heappush(self._kept, entry)
        elif self._kept and self._kept[0] < entry:
            heapq.heapreplace(self._kept, entry)

    def best(self) -> list[Subject]:
        """Those that were kept, the first of the order first."""
        return [entry.subject for entry in sorted(self._kept, reverse=True)]


@dataclass(frozen=True, slots=True)
class _Entry:
    """A run in a ranking; the less, the later in the order."""

    terms: Terms
    opened: int
    subject: Subject

    def __lt__(self, other: _Entry) -> bool:
        if self.terms != other.terms:
            return other.terms < self.terms
        return self.opened < other.opened
