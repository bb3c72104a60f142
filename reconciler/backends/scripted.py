"""What programs of the memory backend do: scripted, for tests, the simulation and trying a configuration."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from planner.canon import Json
from planner.model.gang import Lifetime
from planner.model.metric import Progress
from reconciler.backends.progress import Series
from reconciler.ports import Order

__all__ = ["Program", "run_for_a_second", "summed"]


@dataclass(frozen=True, slots=True)
class Program:
    """What an attempt does.

    Attributes:
        seconds: how long it runs; None until it is stopped.
        exit_code: how it ends by itself.
        outputs: what it writes.
        ready_after: seconds until a service answers; None never.
        metrics: the last value of each that it writes, or the one; what is no finite number as text, as in `Metric`.
        reports: the values of metrics that it writes one after the other.
        every: seconds before each of these.
        files: what it leaves under `outputs`.
        active_for: seconds for which a service that is asked says that it is in use.
        waits_for: what it says instead of starting; "" to start.
    """

    seconds: float | None = 1.0
    exit_code: int = 0
    outputs: Mapping[str, Json] = field(default_factory=dict)
    ready_after: float | None = 0.0
    metrics: Mapping[str, float | str] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    active_for: float = 0.0
    waits_for: str = ""
    reports: Mapping[str, Sequence[float]] = field(default_factory=dict)
    every: float = 1.0

    def reported(self, seconds: float) -> dict[str, Sequence[float]]:
        """What it has written of `reports` after so many seconds; of others nothing is said."""
        most = int(seconds / self.every)
        return {name: values[:most] for name, values in self.reports.items() if values[:most]}


def run_for_a_second(order: Order) -> Program:
    """Jobs succeed after a second, services run until they are stopped."""
    return Program(seconds=None if order.run.gang.lifetime is Lifetime.ALWAYS else 1.0)


def summed(values: Sequence[float]) -> Progress:
    """The progress of a series of `values`, with steps from 0."""
    series = Series()
    for step, value in enumerate(values):
        if math.isfinite(value):
            series.add(value, step)
        else:
            series.add_odd()
    return series.progress()
