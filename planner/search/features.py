"""Points as rows of numbers for a Gaussian process, and back (reference, section 13.4).

Features go by name. Values without an order become one column each, of which one is 1; all others become one column
from 0 to 1, by index where they are equal steps and by value where they are not. A row that is no point is decoded to
the nearest one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from planner.canon import Json
from planner.model.search import Dimension, Space
from planner.search import chance
from planner.search.points import Atom, Points, atom, points
from planner.search.spaces import Params

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

__all__ = ["Feature", "Features", "of"]


@dataclass(frozen=True, slots=True)
class Feature:
    """One dimension: where its columns begin, how many they are, and its values if it is finite.

    `indices` has the column of each value without an order.
    """

    dimension: Dimension
    first: int
    width: int
    values: Points | None
    indices: Mapping[Atom, int]

    @property
    def unordered(self) -> bool:
        """Whether each value has a column."""
        return bool(self.indices)


@dataclass(frozen=True, slots=True)
class Features:
    """All dimensions, by name, and how many columns they have."""

    parts: tuple[Feature, ...]
    width: int

    def row(self, params: Params) -> list[float]:
        """A point as numbers from 0 to 1."""
        found = [0.0] * self.width
        for part in self.parts:
            chosen = params.get(part.dimension.name)
            if part.unordered:
                found[part.first + part.indices.get(atom(chosen), 0)] = 1.0
            else:
                found[part.first] = _scaled(part, chosen)
        return found

    def rows(self, shares: Floats) -> Floats:
        """Points by chance: a row for each row of numbers from 0 to below 1, of which each dimension has one."""
        import numpy as np

        found = np.zeros((len(shares), self.width))
        for part, column in zip(self.parts, shares.T, strict=True):
            if part.values is None:
                found[:, part.first] = column
                continue
            chosen = [chance.value(part.dimension, float(share)) for share in column]
            if part.unordered:
                found[np.arange(len(shares)), [part.first + part.indices[atom(value)] for value in chosen]] = 1.0
            else:
                found[:, part.first] = [_scaled(part, value) for value in chosen]
        return found

    def snapped(self, rows: Floats) -> Floats:
        """The rows of the points nearest to `rows`."""
        import numpy as np

        found = np.clip(rows, 0.0, 1.0)
        for part in self.parts:
            columns = slice(part.first, part.first + part.width)
            if part.unordered:
                found[:, columns] = np.eye(part.width)[found[:, columns].argmax(axis=1)]
            elif part.values is not None:
                found[:, part.first] = [_scaled(part, _nearest(part, row)) for row in found]
        return found

    def params(self, row: Sequence[float]) -> dict[str, Json]:
        """The point nearest to a row."""
        return {part.dimension.name: _nearest(part, row) for part in self.parts}


def of(space: Space) -> Features:
    """The features of a space."""
    parts, first = [], 0
    for dimension in sorted(space, key=lambda found: found.name):
        values = points(dimension)
        indices: dict[Atom, int] = {}
        if values is not None and not values.ordered and values.count > 1:
            indices = {atom(values.at(index)): index for index in range(values.count)}
        parts.append(Feature(dimension, first, len(indices) or 1, values, indices))
        first += parts[-1].width
    return Features(tuple(parts), first)


def _ends(part: Feature) -> tuple[float, float]:
    if part.values is None:
        low, high = part.dimension.numbers[:2]
        return low, high
    ends = part.values.at(0), part.values.at(part.values.count - 1)
    numbers = [float(end) if isinstance(end, int | float) else 0.0 for end in ends]
    return numbers[0], numbers[1]


def _scaled(part: Feature, chosen: Json) -> float:
    low, high = _ends(part)
    if low == high or not isinstance(chosen, int | float):
        return 0.5
    # Halves, since the distance of two huge bounds is no number.
    return min(max((chosen / 2 - low / 2) / (high / 2 - low / 2), 0.0), 1.0)


def _nearest(part: Feature, row: Sequence[float]) -> Json:
    if part.unordered and part.values is not None:
        columns = row[part.first : part.first + part.width]
        return part.values.at(max(range(part.width), key=lambda index: (columns[index], -index)))
    low, high = _ends(part)
    share = min(max(float(row[part.first]), 0.0), 1.0)
    number = low * (1 - share) + high * share
    if part.values is None:
        return min(max(number, low), math.nextafter(high, low))
    return part.values.at(chance.index_of(part.values, number))
