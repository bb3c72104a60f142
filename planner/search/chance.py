"""A value of a dimension for a number between 0 and 1, and back: the quantile of its distribution.

Chance, annealing and Parzen estimators all choose such a number; so each respects the distribution that was written.
"""

from __future__ import annotations

import math
from statistics import NormalDist

from planner.canon import Json
from planner.model.search import Dimension
from planner.search.numbers import bounded, exponential, written
from planner.search.points import POWER_DIGITS, Points, atom, points, quantised, weights

__all__ = ["BELL", "index_of", "place", "value"]

BELL = NormalDist()
_EDGE = 2.0**-53


def value(dimension: Dimension, share: float) -> Json:
    """The value at `share` of the distribution, from 0 to below 1."""
    if dimension.kind == "pchoice":
        return _weighted(dimension, share)
    found = points(dimension)
    if found is not None and (found.even or found.count == 1):
        return found.at(min(int(share * found.count), found.count - 1))
    number = _quantile(dimension, share)
    if dimension.kind.startswith("q"):
        return quantised(number, dimension.numbers[2], whole=dimension.whole)
    digits = 17 if dimension.kind == "uniform" else POWER_DIGITS
    return written(number, whole=dimension.whole, digits=digits)


def _weighted(dimension: Dimension, share: float) -> Json:
    pairs = [pair for pair in weights(dimension) if pair[1] > 0]
    below = 0.0
    for option, weight in pairs:
        below += weight
        if share < below:
            return option
    return pairs[-1][0]


def _quantile(dimension: Dimension, share: float) -> float:
    first, second = dimension.numbers[:2]
    if dimension.kind.endswith("normal"):
        number = bounded(first + second * BELL.inv_cdf(min(max(share, _EDGE), 1 - _EDGE)))
    else:
        number = _between(first, second, share)
    return exponential(number) if "log" in dimension.kind else number


def _between(low: float, high: float, share: float) -> float:
    width = high - low
    # Both bounds may be huge, of two signs: their distance is then no number.
    found = low + width * share if math.isfinite(width) else low * (1 - share) + high * share
    # What rounds up to the upper bound belongs below it.
    return max(low, math.nextafter(high, low)) if found >= high > low else found


def place(dimension: Dimension, chosen: Json) -> float:
    """The share at which `chosen` is, the middle of those where it is at several; 0.5 of what is no value of it."""
    if dimension.kind == "pchoice":
        return _place_weighted(dimension, chosen)
    found = points(dimension)
    if found is not None and (found.even or found.count == 1):
        return (index_of(found, chosen) + 0.5) / found.count
    if isinstance(chosen, bool) or not isinstance(chosen, int | float):
        return 0.5
    low, high = float(chosen), float(chosen)
    if dimension.kind.startswith("q"):
        high = low + dimension.numbers[2]
    elif dimension.whole:
        low, high = low - 0.5, high + 0.5
    return (_below(dimension, low) + _below(dimension, high)) / 2


def _place_weighted(dimension: Dimension, chosen: Json) -> float:
    below, known = 0.0, atom(chosen)
    for option, weight in weights(dimension):
        if atom(option) == known:
            return min(below + weight / 2, 1 - _EDGE)
        below += weight
    return 0.5


def _below(dimension: Dimension, number: float) -> float:
    """How much of the distribution lies below `number`."""
    first, second = dimension.numbers[:2]
    if "log" in dimension.kind:
        number = math.log(number) if number > 0 else -math.inf
    if dimension.kind.endswith("normal"):
        share = BELL.cdf((number - first) / second)
    elif math.isfinite(second - first):
        share = (number - first) / (second - first)
    else:
        share = number / 2 / (second / 2 - first / 2) - first / 2 / (second / 2 - first / 2)
    return min(max(share, 0.0), 1 - _EDGE)


def index_of(found: Points, chosen: Json) -> int:
    """The index of `chosen` among the values; of what is none of them, of the one nearest to it, or 0."""
    if found.ordered and found.count > 64:
        return _searched(found, chosen)
    known = atom(chosen)
    for index in range(found.count):
        if atom(found.at(index)) == known:
            return index
    return _searched(found, chosen) if found.ordered else 0


def _searched(found: Points, chosen: Json) -> int:
    def key(index: int) -> float | str:
        at = found.at(index)
        return at if isinstance(at, int | float | str) else 0.0

    sought = chosen if isinstance(chosen, type(key(0)) | int | float) else key(0)
    rising = key(0) <= key(found.count - 1)  # type: ignore[operator]
    low, high = 0, found.count - 1
    while low < high:
        middle = (low + high) // 2
        beyond = key(middle) < sought if rising else key(middle) > sought  # type: ignore[operator]
        low, high = (middle + 1, high) if beyond else (low, middle)
    if low and isinstance(sought, int | float):
        before, after = key(low - 1), key(low)
        if abs(before - sought) < abs(after - sought):  # type: ignore[operator]
            return low - 1
    return low
