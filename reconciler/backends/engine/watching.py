"""Hears of changes: what the engine tells as it happens, and what is due by the clock. All of it are hints.

Whoever listens looks by itself: at what it is told of, and at everything now and then. After the engine was away
everything that lives is told, as nobody knows what happened meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Iterable
from typing import Any

from planner import keys
from planner.keys import Key
from reconciler.backends.ears import Ears
from reconciler.backends.engine import names
from reconciler.backends.engine.client import Denied, Engine, Question
from reconciler.backends.engine.sight import Sight
from reconciler.errors import Transient
from reconciler.telemetry import log

__all__ = ["Watching"]

PAUSE = 1.0
"""Seconds between two tries to hear from the engine."""
SHORTEST_NAP, LONGEST_NAP = 0.05, 1.0
"""Seconds between two looks at the clock; after the longer one something new may be due."""
_TOLD = frozenset({"start", "die", "died", "oom", "destroy", "remove", "pause", "unpause"})
"""What an engine tells of that may be a change; it tells of each command of a probe too."""


class Watching:
    """Who listens, and the tasks that have something to tell."""

    def __init__(self, engine: Engine, sight: Sight, scope: str) -> None:
        self._engine = engine
        self._sight = sight
        self._scope = scope
        self._ears = Ears()
        self._tasks: list[asyncio.Task[None]] = []

    async def hints(self) -> AsyncIterator[Key]:
        """Keys of attempts that may have changed, from the first iteration on; ends when this is closed."""
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._hear()), asyncio.create_task(self._mind())]
        async for key in self._ears.listen():
            yield key

    def tell(self, key: Key) -> None:
        """Something may have changed with an attempt."""
        self._ears.tell(key)

    async def close(self) -> None:
        """Tell nobody any more."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._ears.close()

    # --- the engine ---

    async def _hear(self) -> None:
        away = False
        while True:
            try:
                query = {"filters": json.dumps({"label": [f"{names.SCOPE}={self._scope}"]})}
                async with self._engine.stream(Question("/events", query=query)) as pieces:
                    if away:
                        log.info("the container engine is back")
                        self._tell_all()
                    away = False
                    await self._listen(pieces)
            except (Transient, Denied) as error:
                if not away:
                    log.warning("nothing is heard from the container engine", reason=str(error))
            away = True
            await asyncio.sleep(PAUSE)

    async def _listen(self, pieces: AsyncIterator[bytes]) -> None:
        rest = b""
        async for piece in pieces:
            *lines, rest = (rest + piece).split(b"\n")
            for key in _keys_of(lines):
                self.tell(key)

    def _tell_all(self) -> None:
        for _, key in self._sight.due():
            self.tell(key)

    # --- the clock ---

    async def _mind(self) -> None:
        """Look after what is due, and tell what came of it."""
        while True:
            soonest = min((at for at, _ in self._sight.due()), default=time.time() + LONGEST_NAP)
            await asyncio.sleep(min(max(SHORTEST_NAP, soonest - time.time()), LONGEST_NAP))
            for key in [key for at, key in self._sight.due() if at <= time.time()]:
                await self._look(key)

    async def _look(self, key: Key) -> None:
        before = self._sight.last(key)
        try:
            found = (await self._sight.look(frozenset({key}))).get(key)
        except Transient:
            self._sight.put_off(key, PAUSE)
            return
        if found != before:
            self.tell(key)


def _keys_of(lines: Iterable[bytes]) -> Iterable[Key]:
    for line in lines:
        with contextlib.suppress(ValueError):
            said: Any = json.loads(line)
            if isinstance(said, dict) and str(said.get("Action") or said.get("status")) in _TOLD:
                actor = said.get("Actor") or {}
                key = keys.key_of(str((actor.get("Attributes") or {}).get(names.KEY, "")))
                if key is not None:
                    yield key
