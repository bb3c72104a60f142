"""How numbers of a sweep are written: finite, tidy, whole where the input takes whole numbers only.

What comes out of powers and logarithms differs between machines in the last digit. It is rounded to fewer digits than a
float has, so that a suggestion is the same everywhere, and short where people read it.
"""

from __future__ import annotations

import math

__all__ = ["LARGEST", "bounded", "exponential", "written"]

LARGEST = math.nextafter(math.inf, 0.0)
"""The largest number that a float holds."""


def bounded(value: float) -> float:
    """`value`, or the largest number of its sign where it is infinite; 0 for what is no number."""
    if math.isnan(value):
        return 0.0
    return min(max(value, -LARGEST), LARGEST)


def exponential(value: float) -> float:
    """The exponential, at most the largest number."""
    try:
        return math.exp(value)
    except OverflowError:
        return LARGEST


def written(value: float, *, whole: bool, digits: int = 17) -> int | float:
    """`value` as a param: rounded half up where it is to be whole, else to `digits` significant digits."""
    value = bounded(float(value))
    if whole:
        # Above 2**52 a float has no fraction, and adding a half would change it.
        return int(value) if abs(value) >= 2.0**52 else math.floor(value + 0.5)
    return value if digits >= 17 else bounded(float(f"{value:.{digits}g}"))
