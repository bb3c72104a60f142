"""The wall clock: the one place of the daemon that reads it, and how it is noticed that somebody turned it."""

from __future__ import annotations

from datetime import UTC, datetime

import anyio

__all__ = ["TurnWatch", "WallClock"]

_TURNED = 5.0
"""Seconds by which the wall clock may be corrected without counting as turned."""


class WallClock:
    """`reconciler.ports.Clock` of the machine."""

    def now(self) -> datetime:
        """The current instant."""
        return datetime.now(UTC)


class TurnWatch:
    """Notices that the wall clock moved otherwise than time went by: it was turned, or this machine slept."""

    def __init__(self) -> None:
        # How far the wall clock is ahead of the one that waits are counted by; None before the first look.
        self._ahead: float | None = None

    def turned(self, now: datetime) -> bool:
        """Whether it was turned since the last call, by the wall's instant `now`; False at the first one."""
        ahead = now.timestamp() - anyio.current_time()
        before, self._ahead = self._ahead, ahead
        return before is not None and abs(ahead - before) > _TURNED
