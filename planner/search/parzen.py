"""Densities of Parzen over a space: one kernel for each point seen, and the space itself as one more.

A point is known by its place in each dimension: the share of the distribution at which it is, so that the prior is
even; of unordered values, the index. Kernels are joint over all dimensions: what went well together is suggested
together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from planner.canon import Json
from planner.model.search import Dimension, Space
from planner.search import chance
from planner.search.points import Atom, Points, atom, points
from planner.search.points import weights as probabilities

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

__all__ = ["Axis", "Density", "axes", "cell", "density", "sampled"]

_RECENT = 25
"""Points that count in full; older ones count less."""
_FEW = 64
"""Values in order whose places are looked up."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One dimension as densities see it.

    Attributes:
        dimension: what it is of.
        values: of a finite one; None of a continuous one.
        prior: probability of each value where these have no order; () elsewhere.
        known: places of values, where these are few.
    """

    dimension: Dimension
    values: Points | None
    prior: tuple[float, ...] = ()
    known: Mapping[Atom, float] = field(default_factory=dict)

    def place(self, chosen: Json) -> float:
        """Where a value is: an index where values have no order, else a share."""
        found = self.known.get(atom(chosen))
        if found is not None:
            return found
        return 0.0 if self.prior else chance.place(self.dimension, chosen)

    def value(self, place: float) -> Json:
        """The value at a place."""
        if self.prior and self.values is not None:
            return self.values.at(int(place))
        return chance.value(self.dimension, place)


def axes(space: Space) -> tuple[Axis, ...]:
    """The dimensions as densities see them."""
    return tuple(_axis(dimension) for dimension in space)


def _axis(dimension: Dimension) -> Axis:
    found = _ordered_or_not(dimension)
    if found.values is None or (not found.prior and found.values.count > _FEW):
        return found
    values = [found.values.at(index) for index in range(found.values.count)]
    known = {atom(value): float(index) if found.prior else found.place(value) for index, value in enumerate(values)}
    return replace(found, known=known)


def _ordered_or_not(dimension: Dimension) -> Axis:
    values = points(dimension)
    if dimension.kind == "pchoice":
        prior = [weight for _, weight in probabilities(dimension) if weight > 0]
        return Axis(dimension, values, tuple(weight / math.fsum(prior) for weight in prior))
    if values is not None and (not values.ordered or values.count == 1):
        return Axis(dimension, values, (1 / values.count,) * values.count)
    return Axis(dimension, values)


@dataclass(frozen=True, slots=True)
class Density:
    """A mixture of kernels. `centers` has a row for each, the last one being the space itself."""

    axes: tuple[Axis, ...]
    weights: Floats
    centers: Floats
    spreads: Floats

    def logs(self, places: Floats) -> Floats:
        """The logarithm of the density at each of `places`, a row each."""
        import numpy as np

        total = np.log(self.weights)[None, :]
        for column, axis in enumerate(self.axes):
            total = total + self._kernels(axis, column, places[:, column])
        top = total.max(axis=1)
        found: Floats = top + np.log(np.exp(total - top[:, None]).sum(axis=1))
        return found

    def _kernels(self, axis: Axis, column: int, places: Floats) -> Floats:
        import numpy as np

        centers, spreads = self.centers[:, column], self.spreads[:, column]
        if axis.prior:
            return _unordered(axis.prior, centers, spreads, places)
        inside = _mass(centers, spreads, np.zeros(1), np.ones(1))
        if axis.values is not None:
            half = 0.5 / axis.values.count
            cells = _mass(centers, spreads, places - half, places + half)
            found: Floats = np.log(np.maximum(cells, 1e-300)) - np.log(inside)
            return found
        away = (places[:, None] - centers[None, :]) / spreads[None, :]
        return -0.5 * away**2 - np.log(spreads * math.sqrt(2 * math.pi))[None, :] - np.log(inside)


def _mass(centers: Floats, spreads: Floats, low: Floats, high: Floats) -> Floats:
    from scipy.special import ndtr

    found: Floats = ndtr((high[:, None] - centers) / spreads) - ndtr((low[:, None] - centers) / spreads)
    return found


def _unordered(prior: Sequence[float], centers: Floats, spreads: Floats, places: Floats) -> Floats:
    """A kernel is the prior, and for the rest the value itself; `spreads` says how much of it is the prior."""
    import numpy as np

    base = np.asarray(prior)[places.astype(int)][:, None] * spreads[None, :]
    same = (places[:, None] == centers[None, :]) * (1 - spreads)[None, :]
    found: Floats = np.log(np.maximum(base + same, 1e-300))
    return found


def density(space: tuple[Axis, ...], rows: Sequence[Sequence[float]]) -> Density:
    """The density of points, which are given in the order of their numbers."""
    import numpy as np

    count, size = len(rows), len(space)
    weights = np.ones(count + 1)
    if count > _RECENT:
        weights[: count - _RECENT] = np.linspace(1 / count, 1, count - _RECENT)
    centers = np.full((count + 1, size), 0.5)
    if count:
        centers[:-1] = np.asarray(rows, dtype=float).reshape(count, size)
    spreads = np.ones((count + 1, size))
    for column, axis in enumerate(space):
        if axis.prior:
            spreads[:-1, column] = len(axis.prior) / (len(axis.prior) + count + 1)
        elif count:
            spreads[:-1, column] = _spreads(centers[:-1, column])
    return Density(space, weights / weights.sum(), centers, spreads)


def _spreads(centers: Floats) -> Floats:
    """How wide each kernel is: as far as its farther neighbour, but no narrower than a share of the space."""
    import numpy as np

    count = len(centers)
    order = np.argsort(centers, kind="stable")
    others = np.concatenate([[0.0], centers[order], [1.0]])
    away = np.diff(others)
    wide = np.empty(count)
    wide[order] = np.maximum(away[:-1], away[1:])
    if count > 1:  # the bounds are no neighbours, or kernels at the edge would be as wide as the space
        wide[order[0]], wide[order[-1]] = away[1], away[-2]
    found: Floats = np.clip(wide, 1 / min(100, count + 2), 1.0)
    return found


def sampled(found: Density, unit: Callable[[str, int], float], count: int) -> Floats:
    """`count` places drawn from a density; `unit` gives a number from 0 to 1 for a word and a count."""
    import numpy as np

    cumulated = np.cumsum(found.weights)
    rows = np.empty((count, len(found.axes)))
    for row in range(count):
        kernel = min(int(np.searchsorted(cumulated, unit("kernel", row), side="right")), len(cumulated) - 1)
        for column, axis in enumerate(found.axes):
            center, spread = float(found.centers[kernel, column]), float(found.spreads[kernel, column])
            rows[row, column] = _drawn(axis, center, spread, unit(axis.dimension.name, row))
    return rows


def _drawn(axis: Axis, center: float, spread: float, share: float) -> float:
    if axis.prior:
        return _drawn_unordered(axis.prior, center, spread, share)
    bell = chance.BELL
    low, high = bell.cdf(-center / spread), bell.cdf((1 - center) / spread)
    at = min(max(low + share * (high - low), 1e-300), 1 - 2.0**-53)
    place = min(max(center + spread * bell.inv_cdf(at), 0.0), 1 - 2.0**-53)
    if axis.values is None:
        return place
    return (int(place * axis.values.count) + 0.5) / axis.values.count


def _drawn_unordered(prior: Sequence[float], center: float, spread: float, share: float) -> float:
    return center if share >= spread else cell(prior, share / spread)


def cell(prior: Sequence[float], share: float) -> float:
    """The index of the value at a share of its probabilities."""
    below = 0.0
    for index, weight in enumerate(prior):
        below += weight
        if share < below:
            return float(index)
    return float(len(prior) - 1)
