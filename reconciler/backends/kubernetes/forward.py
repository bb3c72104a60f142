"""A connection to a port of a pod, by way of the API server: the subprotocol `v4.channel.k8s.io` of a websocket.

Each message begins with the number of a channel: 0 has the bytes, 1 the words of an error; the first message of each is
the number of the port. The protocol has no word for a side that has said all, so a pod never hears that; whoever said
all is given what comes, as long as it keeps coming. What must never happen here: bytes that are gathered because one
side reads more slowly than the other writes.
"""

from __future__ import annotations

import contextlib

import aiohttp
import anyio

from reconciler.telemetry import log

__all__ = ["PROTOCOL", "PodStream"]

PROTOCOL = "v4.channel.k8s.io"

QUIET = 30.0
"""Seconds without a byte after which a connection ends whose other side has said all: its pod does not know that."""
_CLOSING = 1.0
"""Seconds that a farewell may take."""
_DATA, _ERROR = 0, 1
_PORT = 2
"""Bytes of the number of the port."""
_BINARY = aiohttp.WSMsgType.BINARY
_OVER = frozenset({aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSING, aiohttp.WSMsgType.CLOSED})


class PodStream:
    """`reconciler.ports_reach.Stream` over a websocket that is open."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, held: contextlib.AsyncExitStack, called: str) -> None:
        """Take over `socket` and what is `held` for it; `called` is what the log calls it."""
        self._socket = socket
        self._held = held
        self._called = called
        self._head = {_DATA: _PORT, _ERROR: _PORT}
        self._said_all = False

    async def receive(self) -> bytes:
        """See `Stream.receive`."""
        while True:
            with anyio.move_on_after(QUIET if self._said_all else None) as waited:
                message = await self._socket.receive()
            if waited.cancelled_caught or message.type in _OVER:
                raise anyio.EndOfStream
            if message.type is not _BINARY or not message.data:
                log.info("a connection to a pod was cut", pod=self._called, reason=str(message.data or message.type))
                raise anyio.BrokenResourceError
            channel, data = message.data[0], self._without_port(message.data[0], message.data[1:])
            if channel == _ERROR and data:
                log.info("a pod does not answer", pod=self._called, reason=data.decode(errors="replace"))
                raise anyio.BrokenResourceError
            if channel == _DATA and data:
                return data

    async def send(self, item: bytes, /) -> None:
        """See `Stream.send`."""
        try:
            await self._socket.send_bytes(bytes((_DATA,)) + item)
        except (aiohttp.ClientError, OSError) as error:
            raise anyio.BrokenResourceError from error

    async def send_eof(self) -> None:
        """See `Stream.send_eof`: from now on only what keeps coming is waited for."""
        self._said_all = True

    async def aclose(self) -> None:
        """See `Stream.aclose`."""
        with anyio.move_on_after(_CLOSING, shield=True):
            await self._socket.close()
        with anyio.CancelScope(shield=True):
            await self._held.aclose()

    def _without_port(self, channel: int, data: bytes) -> bytes:
        skipped = min(self._head.get(channel, 0), len(data))
        if skipped:
            self._head[channel] -= skipped
        return data[skipped:]
