"""The wall clock: the one place of the daemon that reads it."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["WallClock"]


class WallClock:
    """`reconciler.ports.Clock` of the machine."""

    def now(self) -> datetime:
        """The current instant."""
        return datetime.now(UTC)
