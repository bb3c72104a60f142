"""A request that is a connection to a service: its body goes there, and the answer's body is what the service says.

Both go on at once, each as fast as its reader takes it. The end of the request's body is passed on as such; when the
service has said all, the answer ends, and the connection with it. Decides nothing about what is said.
"""

from __future__ import annotations

import anyio
from starlette.types import Receive, Scope, Send

from reconciler.ports_reach import Stream

__all__ = ["Forwarded"]

_CUT = (anyio.BrokenResourceError, anyio.ClosedResourceError)


class Forwarded:
    """The answer over a connection that is open; it is closed with it."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 -- ASGI's signature
        """Carry bytes until one side is gone. Of a connection that was cut the last message is left out."""
        headers = [(b"content-type", b"application/octet-stream"), (b"x-content-type-options", b"nosniff")]
        try:
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": b"", "more_body": True})
            async with anyio.create_task_group() as group:
                group.start_soon(self._in, receive, group.cancel_scope)
                await self._out(send)
                group.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True):
                await self._stream.aclose()

    async def _out(self, send: Send) -> None:
        try:
            while True:
                piece = await self._stream.receive()
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        except anyio.EndOfStream:
            await send({"type": "http.response.body", "body": b""})
        except _CUT:
            return

    async def _in(self, receive: Receive, scope: anyio.CancelScope) -> None:
        try:
            while (message := await receive())["type"] != "http.disconnect":
                if message.get("body"):
                    await self._stream.send(message["body"])
                if not message.get("more_body"):
                    await self._stream.send_eof()
        except (*_CUT, OSError):
            return  # what the service still said before that is being sent
        scope.cancel()
