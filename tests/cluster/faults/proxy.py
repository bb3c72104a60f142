"""Stands between a daemon and the real API server, and does what a script says: to a question, its answer or a watch.

What it lets through is passed on as it is, watches line by line. It speaks to the server as the user of a kubeconfig,
and writes another one that leads to itself.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import yaml
from aiohttp import web
from yarl import URL

from tests.cluster.api import SignedIn
from tests.cluster.faults.answers import PAGE, WORDS, Answer, blank, broken, failure, forever, log, torn
from tests.cluster.faults.plan import Fault, On, Script, What
from tests.cluster.faults.streams import Broken, Ended, Stream

__all__ = ["Loop", "Proxy"]

T = TypeVar("T")

REFUSED = 0.25
"""Seconds without a listener."""
AGE = 2.0
"""Seconds for which a life sees the world as it was at the beginning."""
_KILLS = frozenset({What.KILLED_BEFORE, What.KILLED_AFTER, What.AGED})


class Loop:
    """An event loop in a thread of its own, for all proxies of a process."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        # Else held weakly: a connection that belongs to nobody would be collected, with a warning, before it is broken.
        self.loop._transports = {}  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    def close(self) -> None:
        self.run(asyncio.sleep(0.1))  # connections that were broken are told so first
        self.run(self._abort())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    async def _abort(self) -> None:
        """Break what is left: a connection that was accepted as its listener closed belongs to nobody."""
        for transport in tuple(self.loop._transports.values()):  # type: ignore[attr-defined]
            transport.abort()
        for _ in range(3):
            await asyncio.sleep(0)


class Proxy:
    """One way to the server, for one daemon."""

    def __init__(self, loop: Loop, upstream: SignedIn, script: Script, killed: Callable[[], None]) -> None:
        """Touches nothing; `open` begins.

        Args:
            loop: where it runs.
            upstream: the server, and who asks it.
            script: what happens.
            killed: kills the daemon and starts it again; called in a thread.
        """
        self._loop = loop
        self._upstream = upstream
        self._script = script
        self._killed = killed
        self.blank = False
        """Whether it leads to a server that knows nothing of what was made: another one, or one that was restored."""
        self._lists: dict[str, Answer] = {}
        self._aged_until = 0.0
        self._port = 0
        self._refusing: asyncio.Task[None] | None = None

    def open(self, kubeconfig: Path) -> None:
        """Listen, and write a kubeconfig that leads here."""
        self._loop.run(self._open())
        kubeconfig.write_text(yaml.safe_dump(_kubeconfig(self._port)))

    def close(self) -> None:
        """Break all connections."""
        self._loop.run(self._close())

    async def _open(self) -> None:
        self._session = aiohttp.ClientSession(read_bufsize=2**21, timeout=aiohttp.ClientTimeout(total=None))
        app = web.Application(client_max_size=8 << 20)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True, access_log=None)
        await self._runner.setup()
        await self._listen()

    async def _listen(self) -> None:
        self._site = web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True)
        await self._site.start()
        self._port = self._site._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        if self._refusing is not None:
            await self._refusing
        server = self._runner.server
        await self._runner.cleanup()
        for _ in range(10):  # what was accepted as the listener closed is a connection a few turns later
            await asyncio.sleep(0)
        if server is not None:
            await server.shutdown(0.1)
        await self._session.close()

    # --- questions ---

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        on = _sort(request)
        fault = self._script.met(on, f"{request.method} {request.path}")
        if self.blank and on is not On.WRITE:
            return await blank(on)
        if on is On.WATCH or request.path.endswith("/log"):
            return await self._flow(request, fault)
        try:
            return await self._answer(request, body, fault)
        except (aiohttp.ClientError, OSError):  # the server itself is away
            return broken(request)

    async def _answer(self, request: web.Request, body: bytes, fault: Fault | None) -> web.StreamResponse:
        if fault is None:
            return (await self._asked(request, body)).told()
        if fault.what in _KILLS:
            return await self._kill(request, body, fault)
        if (said := await self._before(request, fault)) is not None:
            return said
        answer = await self._asked(request, body)
        match fault.what:
            case What.TWICE:
                return (await self._asked(request, body)).told()
            case What.LOST:
                return broken(request)
            case What.LATE:
                await forever()
            case What.TORN:
                return await torn(request, answer)
            case What.STALE:
                return self._lists.get(_question(request), answer).told()
        raise AssertionError(f"{fault} cannot happen to {request.method} {request.path}")

    async def _before(self, request: web.Request, fault: Fault) -> web.StreamResponse | None:
        """What happens to a question of which the server never hears, or None."""
        if (words := WORDS.get(fault.what)) is not None:
            return failure(*words)
        match fault.what:
            case What.RESET:
                return broken(request)
            case What.REFUSED:
                await self._refuse(fault.more * REFUSED)
                return broken(request)
            case What.HANG:
                await forever()
            case What.UNAVAILABLE:
                return web.Response(status=503, body=PAGE, content_type="text/html")
            case What.NONSENSE:
                return web.Response(status=200, body=PAGE, content_type="text/html")
        return None

    async def _kill(self, request: web.Request, body: bytes, fault: Fault) -> web.StreamResponse:
        if fault.what is not What.KILLED_BEFORE:
            await self._asked(request, body)
        if fault.what is What.AGED:
            self._aged_until = self._loop.loop.time() + AGE
        await asyncio.to_thread(self._killed)
        return broken(request)

    async def _asked(self, request: web.Request, body: bytes) -> Answer:
        """What the server says; lists of the beginning while the world is aged."""
        question = _question(request)
        if _sort(request) is On.LIST and self._loop.loop.time() < self._aged_until and question in self._lists:
            return self._lists[question]
        async with self._session.request(
            request.method, self._url(request), data=body, headers=self._headers(request), ssl=self._upstream.trusted
        ) as answer:
            kind = answer.headers.get("Content-Type", "application/json")
            found = Answer(answer.status, kind, await answer.read())
        if _sort(request) is On.LIST and found.status == 200:
            self._lists.setdefault(question, found)
        return found

    async def _refuse(self, seconds: float) -> None:
        if self._refusing is None or self._refusing.done():
            await self._site.stop()
            self._refusing = self._loop.loop.create_task(self._listen_after(seconds))

    async def _listen_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._listen()

    def _url(self, request: web.Request) -> URL:
        return URL(f"{self._upstream.server}{request.raw_path}", encoded=True)

    def _headers(self, request: web.Request) -> dict[str, str]:
        passed = {name: request.headers[name] for name in ("Accept", "Content-Type") if name in request.headers}
        return passed | self._upstream.headers

    # --- what has no end ---

    async def _flow(self, request: web.Request, fault: Fault | None) -> web.StreamResponse:
        if fault is not None and (said := await self._before(request, fault)) is not None:
            return said
        out = web.StreamResponse(headers={"Content-Type": "application/json"})
        try:
            if fault is not None and fault.what in {What.SILENT, What.LATE}:
                await out.prepare(request)
                await forever()
            await asyncio.sleep(max(0.0, self._aged_until - self._loop.loop.time()))
            async with self._session.get(
                self._url(request), headers=self._headers(request), ssl=self._upstream.trusted
            ) as answer:
                if answer.status >= 400:
                    kind = answer.headers.get("Content-Type", "application/json")
                    return Answer(answer.status, kind, await answer.read()).told()
                await out.prepare(request)
                if _sort(request) is On.WATCH:
                    await Stream(self._script, fault, out).carry(answer.content)
                else:
                    await log(answer.content, fault, out)
        except Ended:
            return out
        except (aiohttp.ClientError, OSError, Broken):
            return broken(request, out)
        return out


def _sort(request: web.Request) -> On:
    if request.method != "GET":
        return On.WRITE
    if "watch" in request.query:
        return On.WATCH
    parts = request.path.strip("/").split("/")
    names = parts[parts.index("namespaces") + 2 :] if "namespaces" in parts else parts
    return On.LIST if len(names) == 1 else On.READ


def _question(request: web.Request) -> str:
    return f"{request.raw_path} {request.headers.get('Accept')}"


def _kubeconfig(port: int) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "it",
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "me"}}],
        "clusters": [{"name": "it", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"name": "me", "user": {"token": "anyone"}}],
    }
