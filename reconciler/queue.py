"""The queue: names that must be looked at, never events.

Level-triggered and deduplicating: a name that is added again while it waits is looked at once; one that is added
while it is being worked on is looked at again afterwards. One name is with one worker at a time. A name may be
added for later; the earliest instant wins. Time is anyio's, so that tests run it virtually.

Of the workers that wait one is woken for each name, and one of them keeps the time: a step of a DAG adds half a dozen
names, and to wake everybody for each would cost more than the step's plan.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable

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
        self._idle: list[anyio.Event] = []
        self._timekeeper: anyio.Event | None = None
        self._back = anyio.Event()
        self._closed = False

    def add(self, name: str, delay: float = 0.0) -> None:
        """Have `name` looked at, in `delay` seconds at the latest."""
        if delay > 0:
            due = anyio.current_time() + delay
            if due < self._later.get(name, float("inf")):
                self._later[name] = due
                heapq.heappush(self._heap, (due, name))
                if self._heap[0] == (due, name):
                    self._wake(self._timekeeper)
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
                if self._ready or (self._heap and self._timekeeper is None):
                    self._wake()  # somebody else sees to the rest
                return name
            await self._wait()

    async def _wait(self) -> None:
        """Wait to be woken, or for the next instant, where nobody else does."""
        mine = anyio.Event()
        self._idle.append(mine)
        wait = None
        if self._heap and self._timekeeper is None and not self._closed:
            self._timekeeper = mine
            wait = self._heap[0][0] - anyio.current_time()
        try:
            with anyio.move_on_after(wait):
                await mine.wait()
        except BaseException:
            needed = mine.is_set() or self._timekeeper is mine
            self._leave(mine)
            if needed:
                self._wake()  # somebody else sees to it
            raise
        self._leave(mine)

    def _leave(self, waiting: anyio.Event) -> None:
        if waiting in self._idle:
            self._idle.remove(waiting)
        if self._timekeeper is waiting:
            self._timekeeper = None

    def more(self, fits: Callable[[str], bool], most: int) -> list[str]:
        """Further names whose turn it is, up to the first that does not fit; each must be given back with `done`."""
        found: list[str] = []
        while self._ready and len(found) < most and not self._closed and fits(self._ready[0]):
            name = self._ready.popleft()
            self._queued.discard(name)
            self._working.add(name)
            found.append(name)
        return found

    def done(self, name: str) -> None:
        """Give `name` back."""
        self._working.discard(name)
        if name in self._again:
            self._again.discard(name)
            self.add(name)
        if self._closed:
            self._back.set()
            self._back = anyio.Event()

    async def close(self) -> None:
        """Give out no more names, and return when all that were given out are back."""
        self._closed = True
        while self._working:
            back = self._back
            await back.wait()

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

    def _wake(self, who: anyio.Event | None = None) -> None:
        """Wake one worker that waits: `who`, or the last one that came and does not keep the time, if there is one."""
        if who is None and self._idle:
            who = next((one for one in reversed(self._idle) if one is not self._timekeeper), self._timekeeper)
        if who is not None and who in self._idle:
            self._idle.remove(who)
            who.set()
