"""An API server that says what a test wants it to say: over real connections, one answer after the other.

For what a real server does not do when it is asked to: forget versions, fall silent, cut its answers. What Kubernetes
does by itself is tried against Kubernetes.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web

Object = dict[str, Any]


def pod(name: str, version: int, uid: str = "", **labels: str) -> Object:
    meta = {"name": name, "namespace": "ml", "uid": uid or f"uid-{name}", "resourceVersion": str(version)}
    return {"metadata": {**meta, "labels": labels, "creationTimestamp": "2026-11-26T06:00:00Z"}}


def page(version: int, *items: Object, more: str = "") -> Object:
    return {"metadata": {"resourceVersion": str(version), "continue": more}, "items": list(items)}


def failure(code: int, reason: str, message: str = "") -> web.Response:
    told = {"kind": "Status", "code": code, "reason": reason, "message": message}
    return web.Response(status=code, body=json.dumps(told).encode(), content_type="application/json")


@dataclass(slots=True)
class Watch:
    """An open watch: what the test says goes out at once."""

    query: dict[str, str]
    path: str
    said: asyncio.Queue[bytes | None] = field(default_factory=asyncio.Queue)

    def say(self, kind: str, item: Object) -> None:
        self.said.put_nowait(json.dumps({"type": kind, "object": item}).encode() + b"\n")

    def bookmark(self, version: int) -> None:
        self.say("BOOKMARK", {"metadata": {"resourceVersion": str(version)}})

    def end(self) -> None:
        self.said.put_nowait(None)


class Talk:
    """Answers lists from a queue and hands each watch that is opened to the test."""

    def __init__(self) -> None:
        self.answers: asyncio.Queue[Object | web.Response] = asyncio.Queue()
        self.watches: asyncio.Queue[Watch] = asyncio.Queue()
        self.asked: list[dict[str, str]] = []
        self.questions: asyncio.Queue[str] = asyncio.Queue()
        """Their paths, to wait for."""
        self.tokens: list[str] = []
        self.deaf = False
        """Whether a watch has no answer, not even its head; each of them is told in `hung`."""
        self.hung: asyncio.Queue[dict[str, str]] = asyncio.Queue()

    def answer(self, *answers: Object | web.Response) -> None:
        for answer in answers:
            self.answers.put_nowait(answer)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        query = dict(request.query)
        self.tokens.append(request.headers.get("Authorization", ""))
        if "watch" in query:
            return await self._watch(request, query)
        self.asked.append(query)
        self.questions.put_nowait(request.path)
        answer = await self.answers.get()
        return answer if isinstance(answer, web.Response) else web.json_response(answer)

    async def _watch(self, request: web.Request, query: dict[str, str]) -> web.StreamResponse:
        if self.deaf:
            self.hung.put_nowait(query)
            await asyncio.get_running_loop().create_future()
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        watch = Watch(query, request.path)
        self.watches.put_nowait(watch)
        while (line := await watch.said.get()) is not None:
            await response.write(line)
        return response


@asynccontextmanager
async def talking(folder: Path) -> AsyncIterator[tuple[Talk, Path]]:
    """The server, and a kubeconfig that leads to it."""
    talk = Talk()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", talk.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(kubeconfig(f"http://127.0.0.1:{port}", "first")))
    try:
        yield talk, path
    finally:
        await runner.cleanup()


def kubeconfig(server: str, token: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "it",
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "me"}}],
        "clusters": [{"name": "it", "cluster": {"server": server}}],
        "users": [{"name": "me", "user": {"token": token}}],
    }
