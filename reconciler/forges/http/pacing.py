"""The pace of writes under one credential: forges count what is written, and lock out who writes too much.

Counted over sliding windows by the loop's clock, so tests need not wait. Not kept over a restart: the forge's own
answer says then that it is too much. Never sleeps; whoever writes does.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import anyio

__all__ = ["Bucket", "Pace"]

_MINUTE, _HOUR = 60.0, 3600.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast may be written; 0 for no limit.

    Attributes:
        gap: seconds between two writes.
        minute: writes within any 60 seconds.
        hour: writes within any 3600 seconds.
    """

    gap: float = 1.0
    minute: int = 60
    hour: int = 450


class Bucket:
    """What was written of late."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._written: deque[float] = deque()

    @property
    def wait(self) -> float:
        """Seconds until the next write may begin; 0 for now."""
        now, pace, written = anyio.current_time(), self._pace, self._written
        while written and written[0] <= now - _HOUR:
            written.popleft()
        due = [now]
        if written:
            due.append(written[-1] + pace.gap)
        for most, window in ((pace.minute, _MINUTE), (pace.hour, _HOUR)):
            if most and len(written) >= most:
                due.append(written[-most] + window)
        return max(due) - now

    def wrote(self) -> None:
        """A write begins now, whatever comes of it."""
        self._written.append(anyio.current_time())
        while len(self._written) > max(self._pace.hour, self._pace.minute, 1):
            self._written.popleft()
