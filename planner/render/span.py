"""Lengths of time for people."""

from __future__ import annotations

__all__ = ["span"]

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def span(seconds: float) -> str:
    """A length of time, such as `3 min`: in the largest unit of which it has two."""
    left = max(seconds, 0.0)
    for length, unit in _UNITS:
        if left >= 2 * length:
            return f"{left / length:.0f} {unit}"
    return f"{left:.0f} s"
