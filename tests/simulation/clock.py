"""Virtual time: trio's mock clock gives the seconds, and the wall may jump."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import trio

__all__ = ["EPOCH", "VirtualClock"]

EPOCH = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)


class VirtualClock:
    """`reconciler.ports.Clock` over trio's clock.

    Attributes:
        offset: how far the wall was moved by jumps.
    """

    def __init__(self) -> None:
        self.offset = timedelta(0)

    def now(self) -> datetime:
        return EPOCH + timedelta(microseconds=round(trio.current_time() * 1e6)) + self.offset
