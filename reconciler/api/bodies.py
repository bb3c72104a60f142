"""Bodies of requests and of long answers: bounded on the way in, pushed piece by piece on the way out."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from reconciler.api import problems
from reconciler.api.asked import LARGEST
from reconciler.ports import Content
from reconciler.telemetry import log

__all__ = ["Pushed", "Sent", "read_json", "read_text"]


_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


async def read_text(request: Request, largest: int = LARGEST) -> str:
    """The body, which is JSON if it is anything; of `largest` bytes at most.

    Raises:
        ApiError: it is too large, no UTF-8 text, or spells half a surrogate pair, which nobody could write down again.
    """
    announced = request.headers.get("content-length", "0")
    if announced.isdigit() and int(announced) > largest:
        raise _too_large(largest)
    data = bytearray()
    try:
        async for chunk in request.stream():
            data += chunk
            if len(data) > largest:
                raise _too_large(largest)
    except ClientDisconnect:
        raise problems.bad("the client went away") from None
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise problems.bad("the body is not UTF-8 text") from None
    if _SURROGATE.search(text):
        _refuse_halves(text)
    return text


async def read_json(request: Request) -> dict[str, Any]:
    """The body as a JSON object.

    Raises:
        ApiError: it is too large, or something else.
    """
    text = await read_text(request)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise problems.bad("the body is not JSON") from None
    if not isinstance(value, dict):
        raise problems.bad("the body must be a JSON object")
    return value


def _refuse_halves(text: str) -> None:
    """JSON may spell one half of a surrogate pair; only both are a character."""
    try:
        json.dumps(json.loads(text), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise problems.bad(
            "the body has one half of a surrogate pair (`\\ud800` to `\\udfff`), which is no text"
        ) from None
    except (ValueError, RecursionError):
        return  # it is no JSON, which is said by whoever reads it


def _too_large(largest: int) -> problems.ApiError:
    return problems.ApiError(413, f"the body has more than {largest} bytes")


class Pushed:
    """An answer of text whose pieces are sent as they come; ends early when the client goes away.

    A failure after the first piece can only cut the answer short, as its status was sent.
    """

    def __init__(self, work: Callable[[Callable[[bytes], Awaitable[None]]], Awaitable[None]]) -> None:
        self._work = work

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it all."""
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"x-content-type-options", b"nosniff")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        turn = anyio.Lock()

        async def write(data: bytes) -> None:
            async with turn:
                await send({"type": "http.response.body", "body": data, "more_body": True})

        async with anyio.create_task_group() as group:
            group.start_soon(_until_gone, receive, group.cancel_scope)
            try:
                await self._work(write)
            except Exception:  # noqa: BLE001 -- whatever it is, the client must see an end and the log the reason
                log.exception("an answer was cut short", path=scope.get("path"))
                await write(b"\n[the daemon cut this short: it could not read on; see its log]\n")
            await send({"type": "http.response.body", "body": b""})
            group.cancel_scope.cancel()


class Sent:
    """Content as it is: a file with its size, a folder as an archive. What cannot be read to its end is broken off."""

    def __init__(self, content: Content) -> None:
        self._content = content

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it all. Without the last message the server closes the connection: nobody takes a part for the whole."""
        is_file = self._content.kind == "file"
        kind = b"application/octet-stream" if is_file else b"application/x-tar"
        headers = [(b"content-type", kind), (b"x-content-type-options", b"nosniff")]
        if is_file:
            headers.append((b"content-length", str(self._content.size).encode()))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        sent = 0
        async with anyio.create_task_group() as group:
            group.start_soon(_until_gone, receive, group.cancel_scope)
            try:
                async for piece in self._content.pieces:
                    sent += len(piece)
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
            except Exception:  # noqa: BLE001 -- whatever it is, the client must see that it is not whole
                log.exception("an answer was cut short", path=scope.get("path"))
                sent = -1
            if sent >= 0 and (not is_file or sent == self._content.size):
                await send({"type": "http.response.body", "body": b""})
            group.cancel_scope.cancel()


async def _until_gone(receive: Receive, scope: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue
    scope.cancel()
