"""Logs of an attempt from wherever they are: its pods, or this machine once those are gone. It keeps nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import anyio
import anyio.to_thread

from planner.model.run import Phase
from reconciler.backends import captured
from reconciler.backends.kubernetes.client import Api
from reconciler.backends.kubernetes.keptlogs import KeptLogs
from reconciler.backends.kubernetes.making import is_cleaned
from reconciler.backends.kubernetes.objects import Found, Objects
from reconciler.backends.kubernetes.podlogs import logs_of, read
from reconciler.backends.kubernetes.sight import Sight

__all__ = ["Logs"]


class Logs:
    """Reads logs."""

    def __init__(self, api: Api, objects: Objects, sight: Sight, kept: KeptLogs) -> None:
        self._api = api
        self._objects = objects
        self._sight = sight
        self._kept = kept

    async def stream(
        self, name: str, find: Callable[[], Awaitable[Found | None]], *, follow: bool, tail: int | None
    ) -> AsyncIterator[bytes]:
        """The output of the attempt whose main object has this name; with `follow` until it has ended.

        Args:
            name: of the object.
            find: the object, as the API server has it; None where there is none.
            follow: whether to go on.
            tail: lines of each pod that there are to begin with; None for all.
        """

        async def over() -> bool:
            found = self._objects.get(name)
            return not follow or found is None or (await self._sight.look(found)).phase is Phase.ENDED

        while not await self._kept.has(name):
            found = await find()
            if found is None or is_cleaned(found):
                return
            pods = await self._objects.pods_of(found)
            if pods:
                async for piece in read(logs_of(self._api, found.namespace, pods), tail=tail, over=over):
                    yield piece
                return
            if await over():
                return
            await anyio.sleep(captured.FOLLOW)
        async for piece in captured.stream(self._kept.folder(name), tail, over, anyio.to_thread.run_sync):
            yield piece
