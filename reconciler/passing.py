"""Passing connections on to whoever leads, byte by byte: what a replica that stands by does with those that it gets.

Decides nothing about what is asked, and reads none of it. What it must never do: pass on to itself, or hold a
connection that nobody is at the other end of.
"""

from __future__ import annotations

from collections.abc import Callable

import anyio
from anyio.abc import ByteStream, SocketStream

from reconciler.errors import Unusable

__all__ = ["pass_on"]

_MOST = 100
"""Connections at once; what is more is closed, and asks again."""
_REACH = 3.0
"""Seconds to reach the leader: it answers at once, or not at all."""
_REST = 60.0
"""Seconds that one side may go on after the other one has said all."""
_CHUNK = 1 << 16
_BROKEN = (OSError, anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError)


async def pass_on(address: str, what: str, leader: Callable[[], str]) -> None:
    """Listen on `address` until cancelled, and pass on what comes.

    Args:
        address: `host:port`.
        what: is listened for, in a setting's words.
        leader: `host:port` of whoever leads now, "" where nobody does that could be reached.

    Raises:
        Unusable: the address cannot be taken.
    """
    host, _, port = address.rpartition(":")
    try:
        listener = await anyio.create_tcp_listener(local_host=host.strip("[]"), local_port=int(port))
    except (OSError, ValueError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise Unusable(f"cannot listen on {address} ({what}): {reason}") from None
    places = anyio.Semaphore(_MOST)

    async def handle(near: SocketStream) -> None:
        async with near:
            try:
                places.acquire_nowait()
            except anyio.WouldBlock:
                return
            try:
                await _join(near, leader())
            finally:
                places.release()

    async with listener:
        await listener.serve(handle)


async def _join(near: ByteStream, address: str) -> None:
    if not address:
        return
    host, _, port = address.rpartition(":")
    try:
        with anyio.fail_after(_REACH):
            far: ByteStream = await anyio.connect_tcp(host.strip("[]"), int(port))
    except (OSError, ValueError, TimeoutError):
        return
    async with far, anyio.create_task_group() as group:
        scope = group.cancel_scope

        async def flow(source: ByteStream, target: ByteStream) -> None:
            try:
                while True:
                    await target.send(await source.receive(_CHUNK))
            except anyio.EndOfStream:
                await _end(target)
            except _BROKEN:
                scope.cancel()
            # The other side may have more to say, and not for ever.
            scope.deadline = min(scope.deadline, anyio.current_time() + _REST)

        group.start_soon(flow, near, far)
        group.start_soon(flow, far, near)


async def _end(target: ByteStream) -> None:
    try:
        await target.send_eof()
    except _BROKEN:
        return
