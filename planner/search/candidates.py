"""Where a Gaussian process is asked what it promises: points by chance, points around the best ones, and climbs.

All are rows of features. Those by chance and around others are rows of points that exist; a climb ends at numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from planner.search.features import Features

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

__all__ = ["Chance", "around", "by_chance", "climbed"]

Chance = Callable[[str, int], "list[float]"]
"""So many numbers from 0 to below 1, by a word for what they are."""

_STEP = 1e-6
_CLIMB = 20
_WIDEST, _DECADES = 0.3, 2.5
"""How far around a point is: at most, and how many powers of ten nearer."""


def by_chance(features: Features, count: int, chance: Chance) -> Floats:
    """Points of the space."""
    return features.rows(_table(chance, "where", count, len(features.parts)))


def around(features: Features, centres: Floats, turns: int, chance: Chance) -> Floats:
    """`turns` points near each centre: some of their dimensions, one at least, a little elsewhere."""
    import numpy as np

    rows = np.repeat(centres, turns, axis=0)
    count, dimensions = len(rows), len(features.parts)
    width, some = _table(chance, "near", count, 2).T
    width = _WIDEST * 10 ** (-_DECADES * width)
    which = _table(chance, "which", count, dimensions)
    moved = which <= np.maximum(some, which.min(axis=1))[:, None]
    shares = _table(chance, "to", count, dimensions)
    anywhere = features.rows(shares)
    for index, part in enumerate(features.parts):
        columns, here = slice(part.first, part.first + part.width), moved[:, index]
        if part.unordered:
            rows[here, columns] = anywhere[here, columns]
        else:
            rows[here, part.first] += width[here] * (2 * shares[here, index] - 1)
    return features.snapped(rows)


def climbed(features: Features, row: Floats, worth: Callable[[Floats], Floats]) -> Floats:
    """Where the worth is greatest near a row, in the features that are continuous."""
    import numpy as np
    from scipy.optimize import minimize

    free = [part.first for part in features.parts if part.values is None]
    if not free:
        return row
    steps = np.zeros((len(free) + 1, len(row)))
    steps[np.arange(len(free)) + 1, free] = _STEP

    def goal(at: Floats) -> tuple[float, Floats]:
        rows = np.tile(row, (len(free) + 1, 1))
        rows[:, free] = at
        found = -worth(rows + steps)
        return float(found[0]), (found[1:] - found[0]) / _STEP

    bounds = [(0.0, 1.0)] * len(free)
    result = minimize(goal, row[free], jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": _CLIMB})
    found = row.copy()
    found[free] = np.clip(result.x, 0.0, 1.0)
    return found


def _table(chance: Chance, word: str, count: int, width: int) -> Floats:
    import numpy as np

    return np.array(chance(word, count * width)).reshape(count, width)
