"""Ports of this machine that lead to a service while a command runs: each connection is a request to the daemon.

What is read here is the body of the request, in chunks; what the service says is the body of the answer. httpx sends a
request whole before it reads the answer, so these few lines of HTTP are ours. What must never happen here: a connection
that ends the others, or a port that anybody but this machine reaches.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

import anyio
from anyio.abc import ByteStream, SocketAttribute, SocketListener
from anyio.streams.buffered import BufferedByteReceiveStream

from reconciler.cli import show
from reconciler.cli.failure import Code, Failure

__all__ = ["Way", "forward"]

HOST = "127.0.0.1"
MOST = 64
"""Connections at once; what is more waits to be accepted, as a process has only so many files."""
_LONGEST_HEAD = 64 << 10
_PIECE = 64 << 10
_CUT = (anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream, anyio.IncompleteRead)


@dataclass(frozen=True, slots=True)
class Way:
    """What leads where.

    Attributes:
        socket: path of the daemon's socket.
        service: the service, as a person named it.
        ports: that it declares, in order.
        wanted: port of this machine for the first one; 0 for its own number where that is free, else any.
    """

    socket: str
    service: str
    ports: Sequence[int]
    wanted: int = 0


def forward(way: Way, opened: Callable[[Sequence[int]], None]) -> None:
    """Listen until the process is told to end.

    Args:
        way: what leads where.
        opened: called once, with the ports of this machine that listen, in the order of the service's.

    Raises:
        Failure: a port cannot be had.
    """
    anyio.run(_forward, way, opened)


async def _forward(way: Way, opened: Callable[[Sequence[int]], None]) -> None:
    wanted = (way.wanted, *(0 for _ in way.ports[1:]))
    listeners = [await _listener(port, number) for port, number in zip(way.ports, wanted, strict=True)]
    opened([number for _, number in listeners])
    teller, room = _Teller(), anyio.Semaphore(MOST)
    async with anyio.create_task_group() as group:
        for (listener, _), port in zip(listeners, way.ports, strict=True):
            group.start_soon(_serve, listener, _Carrier(way, port, teller), room)


async def _serve(listener: SocketListener, carrier: _Carrier, room: anyio.Semaphore) -> None:
    async def carry(client: ByteStream) -> None:
        try:
            await carrier.carry(client)
        finally:
            room.release()

    async with anyio.create_task_group() as group:
        while True:
            await room.acquire()
            group.start_soon(carry, await listener.accept())


async def _listener(port: int, wanted: int) -> tuple[SocketListener, int]:
    """A listener on `wanted`, where that is 0 on `port` if it is free, else anywhere; and where it is."""
    for number in (wanted,) if wanted else (port, 0):
        try:
            made = await anyio.create_tcp_listener(local_host=HOST, local_port=number)
        except OSError as error:
            trouble = error
        else:
            listener = made.listeners[0]
            assert isinstance(listener, SocketListener)
            return listener, int(listener.extra(SocketAttribute.local_port))  # noqa: S610 -- anyio's, not Django's
    raise Failure(Code.ENVIRONMENT, f"cannot listen on {HOST}:{wanted}: {trouble.strerror}; name another with --port")


class _Teller:
    """Says what is wrong with connections: once, though a browser tries again and again."""

    def __init__(self) -> None:
        self._said = ""

    def tell(self, words: str) -> None:
        """Say `words`, unless they were the last ones; "" is that all is well again."""
        if words and words != self._said:
            show.warn(words)
        self._said = words


class _Carrier:
    """Carries connections to one port of a service."""

    def __init__(self, way: Way, port: int, teller: _Teller) -> None:
        asked = urlencode({"run": way.service, "port": port})
        self._head = (
            f"POST /v1/connect?{asked} HTTP/1.1\r\nHost: plumbline\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        )
        self._way = way
        self._teller = teller

    async def carry(self, client: ByteStream) -> None:
        """Carry one connection until either side is done with it."""
        async with client:
            try:
                daemon = await anyio.connect_unix(self._way.socket)
            except OSError:
                self._teller.tell("no daemon answers any more; connections are tried again as they come")
                return
            async with daemon:
                self._teller.tell(await self._carried(client, daemon))

    async def _carried(self, client: ByteStream, daemon: ByteStream) -> str:
        """Why it could not be carried to its end, or ""."""
        answer = BufferedByteReceiveStream(daemon)
        try:
            await daemon.send(self._head)
            status, length = _read_head(await answer.receive_until(b"\r\n\r\n", _LONGEST_HEAD))
            if status != 200:
                return str(json.loads(await answer.receive_exactly(length))["detail"])
        except (*_CUT, ValueError, KeyError, anyio.DelimiterNotFound):
            return "the daemon went away in the middle of an answer"
        whole = True
        async with anyio.create_task_group() as group:
            group.start_soon(_up, client, daemon, group.cancel_scope)
            whole = await _down(answer, client)
            group.cancel_scope.cancel()
        name = self._way.service
        return "" if whole else f"a connection to {name} was cut; plumbline logs {name} shows what it says"


def _read_head(head: bytes) -> tuple[int, int]:
    """The status of an answer, and the length of its body where it is told.

    Raises:
        ValueError: it is none.
    """
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return int(first.split(" ")[1]), int(headers.get("content-length", "0"))


async def _up(client: ByteStream, daemon: ByteStream, scope: anyio.CancelScope) -> None:
    """Send what the client says; its end is the end of the request's body. One that is gone is carried no more."""
    try:
        async for piece in client:
            await daemon.send(b"%x\r\n%b\r\n" % (len(piece), piece))
        await daemon.send(b"0\r\n\r\n")
    except _CUT:
        scope.cancel()


async def _down(answer: BufferedByteReceiveStream, client: ByteStream) -> bool:
    """Give the client what the service says; whether it said all."""
    try:
        while left := int((await answer.receive_until(b"\r\n", 64)).partition(b";")[0], 16):
            while left:
                piece = await answer.receive(min(left, _PIECE))
                left -= len(piece)
                if not await _given(client, piece):
                    return True
            await answer.receive_exactly(2)
    except (*_CUT, ValueError, anyio.DelimiterNotFound):
        return False
    return True


async def _given(client: ByteStream, piece: bytes) -> bool:
    try:
        await client.send(piece)
    except _CUT:
        return False
    return True
