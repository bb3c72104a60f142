"""The queue: names that must be looked at, never events.

Level-triggered and deduplicating: a name that is added again while it waits is looked at once; one that is added
while it is being worked on is looked at again afterwards. One name is with one worker at a time. A name may be
added for later; the earliest instant wins. Time is anyio's, so that tests run it virtually.
"""

from __future__ import annotations

import heapq
from collections import deque

import anyio

__all__ = ["Queue"]


class Queue:
    """Names in order of their turn."""

    def __init__(self) -> None:
        self._ready: deque[str] = deque()
        self._queued: set[str] = set()
        self._working: set[str] = set()
        self._again: set[str] = set()
        self._later: dict[str, float] = {}
        self._heap: list[tuple[float, str]] = []
        self._changed = anyio.Event()
        self._closed = False

    def add(self, name: str, delay: float = 0.0) -> None:
        """Have `name` looked at, in `delay` seconds at the latest."""
        if delay > 0:
            due = anyio.current_time() + delay
            if due < self._later.get(name, float("inf")):
                self._later[name] = due
                heapq.heappush(self._heap, (due, name))
                self._wake()
            return
        if name in self._working:
            self._again.add(name)
        elif name not in self._queued:
            self._queued.add(name)
            self._ready.append(name)
            self._wake()

    async def get(self) -> str:
        """The next name whose turn it is; it must be given back with `done`."""
        while True:
            self._promote()
            if self._ready and not self._closed:
                name = self._ready.popleft()
                self._queued.discard(name)
                self._working.add(name)
                return name
            changed = self._changed
            wait = self._heap[0][0] - anyio.current_time() if self._heap and not self._closed else None
            with anyio.move_on_after(wait):
                await changed.wait()

    def done(self, name: str) -> None:
        """Give `name` back."""
        self._working.discard(name)
        if name in self._again:
            self._again.discard(name)
            self.add(name)
        if self._closed:
            self._wake()

    async def close(self) -> None:
        """Give out no more names, and return when all that were given out are back."""
        self._closed = True
        while self._working:
            changed = self._changed
            await changed.wait()

    @property
    def depth(self) -> int:
        """Names whose turn it is."""
        return len(self._ready)

    @property
    def idle(self) -> bool:
        """Whether nothing is being worked on or due now."""
        self._promote()
        return not self._ready and not self._working

    def _promote(self) -> None:
        now = anyio.current_time()
        while self._heap and self._heap[0][0] <= now:
            due, name = heapq.heappop(self._heap)
            if self._later.get(name) == due:
                del self._later[name]
                self.add(name)

    def _wake(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()
