"""What a client is answered in place of what the server said, and answers that do not come whole."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import aiohttp
from aiohttp import web

from tests.cluster.faults.plan import Fault, On, What
from tests.cluster.faults.streams import Broken

__all__ = ["PAGE", "WORDS", "Answer", "blank", "broken", "failure", "forever", "log", "torn"]

WORDS = {
    What.CONFLICT: (409, "Conflict", "the object has been modified; please apply your changes to the latest version"),
    What.GONE: (410, "Expired", "The provided continue parameter is too old"),
    What.THROTTLED: (429, "TooManyRequests", "the server has received too many requests"),
    What.BROKEN: (500, "InternalError", "etcdserver: request timed out"),
    What.UNKNOWN: (401, "Unauthorized", "Unauthorized"),
    What.FORBIDDEN: (403, "Forbidden", "the user is not allowed to do that in this namespace"),
}
PAGE = b"<html><body><h1>503 Service Unavailable</h1>No server is available.</body></html>"


@dataclass(frozen=True)
class Answer:
    status: int
    kind: str
    body: bytes

    def told(self) -> web.Response:
        return web.Response(status=self.status, body=self.body, headers={"Content-Type": self.kind})


def failure(code: int, reason: str, message: str) -> web.Response:
    told = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code}
    headers = {"Retry-After": "1"} if code == 429 else {}
    return web.json_response({**told, "reason": reason, "message": message}, status=code, headers=headers)


def broken(request: web.Request, out: web.StreamResponse | None = None) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return out if out is not None and out.prepared else web.Response(status=500)


async def log(pieces: aiohttp.StreamReader, fault: Fault | None, out: web.StreamResponse) -> None:
    async for piece in pieces.iter_any():
        await out.write(piece)
        if fault is not None:  # it is torn
            raise Broken


async def blank(on: On) -> web.StreamResponse:
    if on is On.LIST:
        return web.json_response({"metadata": {"resourceVersion": "1"}, "items": []})
    if on is On.WATCH:
        await forever()
    return failure(404, "NotFound", "there is no such object")


async def torn(request: web.Request, answer: Answer) -> web.StreamResponse:
    length = {"Content-Type": answer.kind, "Content-Length": str(len(answer.body))}
    out = web.StreamResponse(status=answer.status, headers=length)
    await out.prepare(request)
    await out.write(answer.body[: len(answer.body) // 2])
    return broken(request, out)


async def forever() -> None:
    """Until the other side has had enough, which cancels it."""
    await asyncio.get_running_loop().create_future()
