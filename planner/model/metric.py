"""Metrics: one value as a run wrote it (docs/run-contract.md, "Metrics"), and how far a series has come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Mark", "Metric", "Progress", "followed", "is_marked"]

_EACH = 16
"""Up to so many reports each one has a mark: as much as a few epochs are."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A point of a series.

    Attributes:
        name: of the metric.
        value: a finite number, or `NaN`, `Infinity` or `-Infinity`, which JSON has no numbers for.
        step: what the program counts; None where it said nothing.
        timestamp: RFC 3339 with an offset, as it was written; None where it said nothing.
        replica: `role/index` as it was written; None where the run has one process.
    """

    name: str
    value: float | str
    step: int | None = None
    timestamp: str | None = None
    replica: str | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """The least and the most that a run had reported of a metric with its report number `count`."""

    count: int
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Progress:
    """What a run has reported of one metric so far. Only finite numbers are reports.

    Attributes:
        count: how many reports.
        step: of the last one, where it had one.
        last: the newest value; None before the first.
        low: the least of all.
        high: the most of all.
        odd: values that are no finite numbers: `NaN`, infinite, or no number at all.
        marks: the beginning of its history, at the counts that `is_marked` names, so that runs are compared at an equal
            number of reports; empty where nothing compares them.
    """

    count: int = 0
    step: int | None = None
    last: float | None = None
    low: float | None = None
    high: float | None = None
    odd: int = 0
    marks: tuple[Mark, ...] = ()

    @property
    def complaint(self) -> str:
        """What is wrong with the values, for a sentence that names the metric; "" where nothing is."""
        if not self.odd:
            return ""
        return f"reported {self.odd} {'value that is' if self.odd == 1 else 'values that are'} no finite number"


def is_marked(count: int) -> bool:
    """Whether a history has a mark at report number `count`: 1 to 16, then 24, 32, 48, 64, 96 and so on.

    The same for every run, so that any two have marks in common; 29 for a thousand reports, 49 for a million.
    """
    if count <= _EACH:
        return count > 0
    third, rest = divmod(count, 3)
    return count & (count - 1) == 0 or (rest == 0 and third & (third - 1) == 0)


def followed(before: Progress | None, after: Progress) -> Progress:
    """`after` with the marks that were known `before`, of which it may leave out all but new ones.

    Where a series has fewer reports than before it was begun anew, and what was before is forgotten.
    """
    if before is None or after.count < before.count or not before.marks:
        return after
    if not after.marks:
        return _with(after, before.marks)
    known = before.marks[-1].count
    return _with(after, (*before.marks, *(mark for mark in after.marks if mark.count > known)))


def _with(progress: Progress, marks: Sequence[Mark]) -> Progress:
    return Progress(
        progress.count, progress.step, progress.last, progress.low, progress.high, progress.odd, tuple(marks)
    )
