"""One value of a metric, as a run wrote it (docs/run-contract.md, "Metrics")."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Metric"]


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
