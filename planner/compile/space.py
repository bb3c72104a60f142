"""What a sweep chooses from, and how large it is, without listing what it tries (reference, section 13.2).

A space of a thousand million combinations costs as much to count as one of three. This module never makes a value.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import assert_never

from planner.model.search import Dimension
from planner.search.rungs import brackets_of
from planner.spec import matrix as spec
from planner.spec.date_spaces import DateSteps, DatetimeSteps
from planner.spec.distributions import Distribution, PChoice
from planner.spec.plain import plain
from planner.spec.spaces import (
    Bounds,
    LogPoints,
    Moments,
    Points,
    QBounds,
    QMoments,
    Steps,
)

__all__ = ["brackets", "combinations", "dimension", "options"]


def dimension(name: str, distribution: Distribution, *, whole: bool) -> Dimension:
    """What a search knows of a distribution without templates.

    Args:
        name: of the param.
        distribution: it.
        whole: whether its input takes whole numbers only.
    """
    kind, value = distribution.kind, distribution.value
    match value:
        case str():
            raise ValueError(f"a template is no distribution: {name}")
        case tuple() if isinstance(distribution, PChoice):
            return Dimension(name, kind, tuple(plain(one) for one, _ in value), tuple(weight for _, weight in value))
        case tuple():
            return Dimension(name, kind, tuple(map(plain, value)))
        case DateSteps():
            return Dimension(name, kind, numbers=(value.start.toordinal(), value.stop.toordinal(), value.step))
        case DatetimeSteps():
            offset = value.start.utcoffset()
            numbers = (_seconds(value.start), _seconds(value.stop), value.step.total_seconds())
            east = None if offset is None else int(offset.total_seconds())
            return Dimension(name, kind, numbers=numbers, offset=east)
        case _:
            return Dimension(name, kind, numbers=_numbers(value), whole=whole)


def _numbers(value: Steps | Points | Bounds | QBounds | Moments | QMoments) -> tuple[float, ...]:
    """The arguments of a distribution over numbers, in the order of the reference."""
    match value:
        case Steps():
            return (value.start, value.stop, value.step)
        case LogPoints():
            return (value.start, value.stop, value.num, value.base if value.base is not None else 10)
        case Points():
            return (value.start, value.stop, value.num)
        case QBounds():
            return (value.low, value.high, value.q)
        case Bounds():
            return (value.low, value.high)
        case QMoments():
            return (value.loc, value.scale, value.q)
        case Moments():
            return (value.loc, value.scale)
        case _:
            assert_never(value)


def _seconds(instant: datetime) -> float:
    """Since 1970; of an instant without an offset, as if it were UTC."""
    return (instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)).timestamp()


def options(distribution: Distribution) -> int | None:
    """How many values there are to choose from; None where they cannot be counted, or a template says it."""
    match distribution.value:
        case tuple() as values:
            return len(values)
        case Steps() | Points() | DateSteps() | DatetimeSteps() as steps:
            return steps.count
        case _:
            return None


def combinations(space: Mapping[str, Distribution]) -> int | None:
    """How many different runs there are; None where a param has values that cannot be counted."""
    counts = [options(distribution) for distribution in space.values()]
    known = [count for count in counts if count is not None]
    return math.prod(known) if len(known) == len(counts) else None


def brackets(sweep: spec.HyperbandSweep) -> int | None:
    """How many brackets hyperband has, by the reference's formula; None where a template says it."""
    most, eta = sweep.max_iterations, sweep.eta
    if isinstance(most, str) or isinstance(eta, str):
        return None
    return brackets_of(most, eta)
