"""Finite dimensions: how many different values one has, and which is the n-th, without a list of them.

A value that is listed twice, or two that round to the same whole number, count once. A dimension that is written as
continuous is finite too where it has one value (both bounds alike), or where its input takes whole numbers only.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone

from planner import canon
from planner.canon import Json
from planner.model.search import Dimension
from planner.search.numbers import bounded, exponential, written

__all__ = ["MOST", "Atom", "Points", "atom", "points", "weights"]

MOST = 1_000_000
"""Dimensions with more values than this count as continuous."""
POWER_DIGITS = 13
"""Of what powers and logarithms give."""
_FEW = 10_000
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - what has no offset is written without one

Atom = object
"""What a value is known by: equal for equal JSON values only, and hashable."""


@dataclass(frozen=True, slots=True)
class Points:
    """The values of a dimension, by index.

    Attributes:
        count: how many, at least 1.
        at: the value at an index.
        even: whether all are as likely.
        ordered: whether they are numbers or instants that grow (or fall) with the index.
    """

    count: int
    at: Callable[[int], Json]
    even: bool = True
    ordered: bool = True


def atom(value: Json) -> Atom:
    """What `value` is known by: 1 and 1.0 are alike, 1 and true are not."""
    if isinstance(value, bool):
        return ("bool", value)
    if value is None or isinstance(value, int | float | str):
        return value
    return ("json", canon.dumps(value))


def points(dimension: Dimension) -> Points | None:
    """The values of a finite dimension; None of a continuous one.

    Raises:
        ValueError: for a kind that does not exist.
    """
    numbers = dimension.numbers
    match dimension.kind:
        case "choice":
            return _listed(_distinct(dimension.values), even=True)
        case "pchoice":
            return _listed(tuple(value for value, weight in weights(dimension) if weight > 0), even=False)
        case "range":
            count = max(1, math.ceil((numbers[1] - numbers[0]) / numbers[2]))
            return _steps(numbers[0], numbers[2], count, whole=dimension.whole)
        case "linspace":
            return _linspace(*numbers, whole=dimension.whole)
        case "daterange" | "datetimerange":
            return _moments(dimension)
        case "logspace" | "geomspace":
            return _powers(dimension.kind, numbers, dimension.whole)
        case _:
            return _bounded(dimension)


def weights(dimension: Dimension) -> tuple[tuple[Json, float], ...]:
    """Different values of a `pchoice` with their probabilities, which add up to 1."""
    rest = max(0.0, 1.0 - math.fsum(dimension.weights[:-1]))
    given = zip(dimension.values, (*dimension.weights[:-1], rest), strict=True)
    found: dict[Atom, tuple[Json, float]] = {}
    for value, weight in given:
        known = atom(value)
        found[known] = (value, found[known][1] + weight if known in found else weight)
    return tuple(found.values())


def _distinct(values: Sequence[Json]) -> tuple[Json, ...]:
    found: dict[Atom, Json] = {}
    for value in values:
        found.setdefault(atom(value), value)
    return tuple(found.values())


def _listed(values: tuple[Json, ...], *, even: bool) -> Points:
    numeric = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    rising = numeric and all(a < b for a, b in itertools.pairwise(values))  # type: ignore[operator]
    return Points(len(values), values.__getitem__, even, rising)


def _steps(start: float, step: float, count: int, *, whole: bool, digits: int = 17) -> Points:
    """Equal steps. In steps below 1, whole numbers are all those from the first to the last."""
    last = bounded(start + (count - 1) * step)
    if whole and step < 1:
        first = int(written(start, whole=True))
        return Points(int(written(last, whole=True)) - first + 1, lambda index: first + index)
    if step <= 4 * math.ulp(max(abs(start), abs(last))):  # too fine to tell one value from the next
        values = (written(start + index * step, whole=whole, digits=digits) for index in range(min(count, MOST)))
        return _listed(_distinct(tuple(values)), even=True)
    return Points(count, lambda index: written(start + index * step, whole=whole, digits=digits))


def _linspace(start: float, stop: float, num: float, *, whole: bool) -> Points:
    count = int(num)
    if count == 1:
        return _steps(start, 1.0, 1, whole=whole)
    step = stop / (count - 1) - start / (count - 1)
    found = _steps(start, step, count, whole=whole)
    last = written(stop, whole=whole)
    # The end is the end, whatever the sum of the steps comes to.
    return Points(found.count, lambda index: last if index == found.count - 1 else found.at(index))


def _moments(dimension: Dimension) -> Points:
    start, stop, step = dimension.numbers
    count = max(1, math.ceil((stop - start) / step))
    if dimension.kind == "daterange":
        return Points(count, lambda index: date.fromordinal(int(start + index * step)).isoformat())
    zone = None if dimension.offset is None else timezone(timedelta(seconds=dimension.offset))

    def at(index: int) -> str:
        seconds = start + index * step
        if zone is None:
            return (_EPOCH + timedelta(seconds=seconds)).isoformat()
        return (_EPOCH.replace(tzinfo=timezone.utc) + timedelta(seconds=seconds)).astimezone(zone).isoformat()  # noqa: UP017

    return Points(count, at)


@functools.lru_cache(maxsize=64)
def _powers(kind: str, numbers: tuple[float, ...], whole: bool) -> Points:  # noqa: FBT001 - a key of the cache
    """Powers; a list of them where they are few, since rounding and bases near 1 make some alike."""
    count = int(numbers[2])
    at = _logspace(numbers) if kind == "logspace" else _geomspace(numbers)

    def value(index: int) -> int | float:
        return written(at(index), whole=whole, digits=POWER_DIGITS)

    if count > _FEW and not whole and len({value(0), value(1), value(count - 2), value(count - 1)}) == 4:
        return Points(count, value)
    return _listed(_distinct(tuple(value(index) for index in range(count))), even=True)


def _logspace(numbers: tuple[float, ...]) -> Callable[[int], float]:
    start, stop, num = numbers[:3]
    base = numbers[3] if len(numbers) > 3 else 10.0

    def at(index: int) -> float:
        step = 0.0 if num == 1 else (stop - start) / (num - 1)
        exponent = stop if index == num - 1 and num > 1 else start + index * step
        try:
            return float(base**exponent)
        except OverflowError:
            return bounded(math.inf)

    return at


def _geomspace(numbers: tuple[float, ...]) -> Callable[[int], float]:
    start, stop, num = numbers[:3]

    def at(index: int) -> float:
        if index in {0, num - 1}:
            return float(start if index == 0 else stop)
        share = index / (num - 1)
        return math.copysign(exponential(math.log(abs(start)) * (1 - share) + math.log(abs(stop)) * share), start)

    return at


def _bounded(dimension: Dimension) -> Points | None:
    """Values of the kinds that are written as continuous."""
    if (constant := _constant(dimension)) is not None:
        return Points(1, lambda _: constant)
    if dimension.kind not in {"uniform", "loguniform", "quniform", "qloguniform"}:
        return None
    low, high = dimension.numbers[:2]
    if dimension.kind in {"loguniform", "qloguniform"}:
        low, high = exponential(low), exponential(high)
    if dimension.kind in {"quniform", "qloguniform"}:
        return _quanta(low, high, dimension.numbers[2], whole=dimension.whole)
    if not dimension.whole or high - low > MOST:
        return None
    first, last = math.floor(low + 0.5), math.ceil(high + 0.5) - 1
    return Points(max(1, last - first + 1), lambda index: first + index, even=False)


def _constant(dimension: Dimension) -> int | float | None:
    kind, (first, second) = dimension.kind, dimension.numbers[:2]
    alike = second == 0 if kind.endswith("normal") else first == second
    if not alike:
        return None
    value = exponential(first) if "log" in kind else first
    if kind.startswith("q"):
        return quantised(value, dimension.numbers[2], whole=dimension.whole)
    return written(value, whole=dimension.whole, digits=POWER_DIGITS if "log" in kind else 17)


def quantised(value: float, q: float, *, whole: bool) -> int | float:
    """The multiple of `q` at or below `value`: `round(value // q) * q` of the reference.

    The reference rounds what is whole already: it rounds down, so the lowest value of `quniform` may lie below its
    bound.
    """
    steps = bounded(value) // q
    if not math.isfinite(steps):
        return written(value, whole=whole)
    return written(steps * q, whole=whole, digits=15)


def _quanta(low: float, high: float, q: float, *, whole: bool) -> Points | None:
    first, top = low // q, math.ceil(min(high / q, 2.0**60)) - 1
    if not math.isfinite(first) or top - first >= MOST:
        return None
    count = max(1, int(top - first) + 1)
    found = _steps(first * q, q, count, whole=whole, digits=15)
    return Points(found.count, found.at, even=False)
