"""What a sweep chooses from, and how large it is, without listing what it tries (reference, section 13.2).

A space of a thousand million combinations costs as much to count as one of three. This module never makes a value.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import assert_never

from planner.model.search import Dimension
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

__all__ = ["MAX_BRACKETS", "brackets", "combinations", "dimension", "options", "runs"]

MAX_BRACKETS = 100
"""Brackets that hyperband is run with at most."""


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
    return int(math.log(most) / math.log(eta) + 1e-9) + 1


def runs(sweep: spec.Matrix) -> int | None:
    """How many runs a sweep starts at most, those that go on in hyperband once; None where nobody can say yet."""
    match sweep:
        case spec.MappingSweep():
            return None if isinstance(sweep.values, str) else len(sweep.values)
        case spec.GridSweep() | spec.RandomSweep():
            limits = [combinations(sweep.params), sweep.num_runs]
            return min((limit for limit in limits if isinstance(limit, int)), default=None)
        case spec.HyperbandSweep():
            return _hyperband(sweep)
        case spec.BayesSweep():
            first, then = sweep.num_initial_runs, sweep.max_iterations
            return first + then if isinstance(first, int) and isinstance(then, int) else None
        case spec.HyperoptSweep():
            each, times = sweep.num_runs, sweep.max_iterations
            return each * times if isinstance(each, int) and isinstance(times, int) else None
        case spec.IterativeSweep():
            return None
        case _:
            assert_never(sweep)


def _hyperband(sweep: spec.HyperbandSweep) -> int | None:
    """The first runs of every bracket (reference, section 13.4)."""
    count, eta = brackets(sweep), sweep.eta
    if count is None or isinstance(eta, str) or count > MAX_BRACKETS:
        return None
    return sum(math.ceil(count * eta**bracket / (bracket + 1) - 1e-9) for bracket in range(count))
