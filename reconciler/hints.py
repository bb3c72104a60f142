"""Hints from outside that something may be new: they have a poll come sooner, and carry nothing inward.

What it must never do: have a forge asked more often than it would bear, however many hints come.
"""

from __future__ import annotations

from collections.abc import Container
from datetime import datetime

import anyio

from reconciler.queue import Queue
from reconciler.source.poll import Nudge

__all__ = ["PULLS", "Hints"]

PULLS = "pulls"
"""In the queue: the pull requests of the repository."""

_FLOOR = 5.0
"""Least seconds between two looks at pull requests that hints cause: 720 an hour of a forge's 5,000 requests."""


class Hints:
    """Wakes who asks the forge.

    Attributes:
        source: wakes the poll of the repository, which has a least pause of its own.
        heard_at: when the last hint came.
        heard_of: from whom.
    """

    def __init__(self, queue: Queue, handled: Container[str]) -> None:
        """Of the kinds of names that are `handled`, others are not woken."""
        self.source = Nudge()
        self.heard_at: datetime | None = None
        self.heard_of = ""
        self._queue = queue
        self._handled = handled
        self._promised = -_FLOOR

    def push(self) -> None:
        """Have the repository asked for its branch, and for its pull requests: what was pushed may be one's head."""
        self.source.wake()
        self.pulls()

    def pulls(self) -> None:
        """Have pull requests looked at: now, or when the least pause is over. Many hints until then are one."""
        now = anyio.current_time()
        if PULLS not in self._handled or now < self._promised:
            return  # nobody has any, or a look is promised that comes after this hint
        self._promised = max(now, self._promised + _FLOOR)
        self._queue.add(PULLS, self._promised - now)
