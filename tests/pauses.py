"""How long a test waits between two looks at what it waits for."""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["pauses"]

_SHORTEST, _LONGEST = 0.01, 0.25


def pauses() -> Iterator[float]:
    """Seconds, without end: a tenth more each time. To look costs what is waited for the time of the machine."""
    pause = _SHORTEST
    while True:
        yield pause
        pause = min(1.1 * pause, _LONGEST)
