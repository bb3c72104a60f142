"""Hints that something about an attempt has changed, for whoever listens. Any of them may be left out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from planner.keys import Key

__all__ = ["Ears"]

MOST = 10_000
"""Hints that wait for a slow listener; what is more is left out."""


class Ears:
    """Those who listen."""

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[Key | None]] = set()

    async def listen(self) -> AsyncIterator[Key]:
        """What is told from now on, until `close`."""
        queue: asyncio.Queue[Key | None] = asyncio.Queue(MOST)
        self._queues.add(queue)
        try:
            while (key := await queue.get()) is not None:
                yield key
        finally:
            self._queues.discard(queue)

    def tell(self, key: Key) -> None:
        """Tell everybody who has room for it."""
        for queue in self._queues:
            if not queue.full():
                queue.put_nowait(key)

    def close(self) -> None:
        """Have everybody stop listening, who has room to be told."""
        while self._queues:
            queue = self._queues.pop()
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(None)
