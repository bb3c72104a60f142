"""How far two samples are apart: the population stability index, in plain Python.

Usual reading: under 0.1 nothing has moved, over 0.25 look at the data before you trust the model.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence

BINS = 10


def edges(reference: Sequence[float], bins: int = BINS) -> list[float]:
    """Limits that cut `reference` into `bins` parts of equal size."""
    ordered = sorted(reference)
    return [ordered[len(ordered) * part // bins] for part in range(1, bins)]


def shares(values: Sequence[float], limits: Sequence[float]) -> list[float]:
    """Which share of `values` falls between which limits; an empty part counts as half a value."""
    counts = [0.0] * (len(limits) + 1)
    for value in values:
        counts[bisect_right(limits, value)] += 1
    return [max(count, 0.5) / len(values) for count in counts]


def index(reference: Sequence[float], recent: Sequence[float]) -> float:
    """The population stability index of `recent` against `reference`: 0 for equal shares, and up."""
    if not reference or not recent:
        raise ValueError("both samples need at least one value")
    limits = edges(reference)
    pairs = zip(shares(reference, limits), shares(recent, limits), strict=True)
    return sum((now - before) * math.log(now / before) for before, now in pairs)
