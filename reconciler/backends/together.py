"""Several streams of output as one: pieces as they come, each stretch headed by whose it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

__all__ = ["together"]

AHEAD = 64
"""Pieces that wait for a slow reader."""


async def together(streams: Mapping[str, AsyncIterator[bytes]]) -> AsyncIterator[bytes]:
    """The pieces of all streams; without heads where there is only one.

    Raises what reading one of them raises.
    """
    if len(streams) == 1:
        for stream in streams.values():
            async for piece in stream:
                yield piece
        return
    told: asyncio.Queue[tuple[str, bytes] | BaseException | None] = asyncio.Queue(AHEAD)
    tasks = [asyncio.create_task(_tell(name, stream, told)) for name, stream in streams.items()]
    last, left = "", len(tasks)
    try:
        while left:
            said = await told.get()
            if said is None:
                left -= 1
                continue
            if isinstance(said, BaseException):
                raise said
            if said[0] != last:
                last = said[0]
                yield f"==> {last} <==\n".encode()
            yield said[1]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _tell(
    name: str, stream: AsyncIterator[bytes], told: asyncio.Queue[tuple[str, bytes] | BaseException | None]
) -> None:
    try:
        async for piece in stream:
            await told.put((name, piece))
        await told.put(None)
    except Exception as error:  # noqa: BLE001 -- raised where they are read
        await told.put(error)
