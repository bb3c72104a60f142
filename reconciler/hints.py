"""Hints from outside that something may be new: they have it looked at sooner, and carry nothing inward.

What it must never do: have a forge asked more often than it would bear, however many hints come.
"""

from __future__ import annotations

from collections.abc import Container
from datetime import datetime

import anyio

from reconciler.queue import Queue

__all__ = ["PULLS", "SOURCE", "Hints"]

SOURCE, PULLS = "source", "pulls"
"""In the queue: the branch that is followed, and the pull requests of its repository."""

_FLOORS = {SOURCE: 1.0, PULLS: 5.0}
"""Least seconds between two looks that hints cause; of pull requests and a merge queue 1,440 an hour of a forge's 5,000
requests."""


class Hints:
    """Wakes who asks the repository and the forge.

    Attributes:
        heard_at: when the last hint came.
        heard_of: from whom.
    """

    def __init__(self, queue: Queue, handled: Container[str]) -> None:
        """Of the kinds of names that are `handled`, others are not woken."""
        self.heard_at: datetime | None = None
        self.heard_of = ""
        self._queue = queue
        self._handled = handled
        self._promised = {name: -floor for name, floor in _FLOORS.items()}

    def push(self) -> None:
        """Have the branch looked at, and pull requests: what was pushed may be one's head.

        The branch is fetched at once, without being asked first whether it moved: something did.
        """
        self._promise(SOURCE)
        self._promise(PULLS)

    def pulls(self) -> None:
        """Have pull requests looked at."""
        self._promise(PULLS)

    def _promise(self, name: str) -> None:
        """A look now, or when the least pause is over. Many hints until then are one."""
        now, promised = anyio.current_time(), self._promised[name]
        if name not in self._handled or now < promised:
            return  # nobody does that here, or a look is promised that comes after this hint
        self._promised[name] = max(now, promised + _FLOORS[name])
        self._queue.add(name, self._promised[name] - now)
