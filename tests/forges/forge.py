"""A forge of our own: it keeps what it is told, and a script says what goes wrong with each request.

How it spells requests is its `Spelling`: GitHub's is in `tests.forges.github`, others are added beside it. It is
reached in the test's own process, where time may be virtual, or at a port of loopback (`tests.forges.listening`).
"""

from __future__ import annotations

import gzip
import json
from collections import deque
from collections.abc import AsyncIterator, Iterable
from typing import Protocol

import anyio
import httpx

from tests.forges.faults import FAULTS
from tests.forges.state import Asked, Reply, State

__all__ = ["ADDRESS", "FakeForge", "Spelling"]

ADDRESS = "https://forge.example.org/api"
_HALF_AN_AGE = 1000.0
_WITHOUT_END = 20_000


class Spelling(Protocol):
    """How one forge spells its API."""

    base: str
    """Path of the API."""
    origin: str
    """Where it is reached, for addresses of further pages."""

    def answer(self, state: State, asked: Asked) -> Reply:
        """Do what is asked; `asked.path` is below `base`."""
        ...

    def token(self, asked: Asked) -> str:
        """The token that a request has; "" for none."""
        ...


class FakeForge(httpx.AsyncBaseTransport):
    """See the module."""

    def __init__(self, spelling: Spelling, script: Iterable[str] = (), state: State | None = None) -> None:
        self.spelling = spelling
        self.state = state or State()
        self.script = deque(script)
        self.met: list[str] = []
        self.whole = 0

    def client(self) -> httpx.AsyncClient:
        """A client that reaches it and nothing else."""
        return httpx.AsyncClient(transport=self, timeout=None)

    def reply(self, asked: Asked) -> tuple[Reply | Exception, float]:
        """What comes back, and seconds that pass in the middle of it."""
        self.state.asked.append(asked)
        assert len(self.state.asked) < _WITHOUT_END, "it is asked without end"
        name = self.script.popleft() if self.script else ""
        if not name:
            return self._true(asked), 0.0
        self.met.append(name)
        fault = FAULTS[name]
        true = self._true(asked) if fault.effect else None
        found = fault.reply(asked)
        if found is None:
            assert true is not None
            return true, _HALF_AN_AGE
        return found, 0.0

    def _true(self, asked: Asked) -> Reply:
        if self.spelling.token(asked) not in self.state.tokens:
            return Reply(401, {"message": "Bad credentials"})
        path = asked.path.removeprefix(self.spelling.base)
        return self.spelling.answer(self.state, Asked(asked.method, path, asked.query, asked.headers, asked.body))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer as a server would; a request for another host is a failed test."""
        assert request.url.host == "forge.example.org", f"a request went to {request.url.host}"
        assert request.url.scheme == "https"
        body = await request.aread()
        headers = {name.lower(): value for name, value in request.headers.items()}
        asked = Asked(
            request.method,
            request.url.raw_path.decode().partition("?")[0],
            dict(request.url.params),
            headers,
            json.loads(body or b"null"),
        )
        reply, pause = self.reply(asked)
        if isinstance(reply, Exception):
            raise reply
        self.whole += reply.status != 304
        data, headers = packed(reply, headers.get("accept-encoding", ""))
        return httpx.Response(reply.status, headers=headers, stream=_Slowly(data, pause))


def packed(reply: Reply, accepted: str) -> tuple[bytes, dict[str, str]]:
    """The body as it is sent, with its headers: packed where that is asked for and worth it."""
    data = reply.raw if reply.raw is not None else b"" if reply.body is None else json.dumps(reply.body).encode()
    headers = {"content-type": "application/json; charset=utf-8", **reply.headers}
    if reply.raw is None and len(data) > 1000 and "gzip" in accepted:
        data, headers = gzip.compress(data), {**headers, "content-encoding": "gzip"}
    return data, headers


class _Slowly(httpx.AsyncByteStream):
    def __init__(self, data: bytes, pause: float) -> None:
        self._data, self._pause, self._sent = data, pause, 0

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self._sent and self._pause:
            await anyio.sleep(self._pause)
        if self._sent >= len(self._data):
            raise StopAsyncIteration
        chunk = self._data[self._sent : self._sent + max(min(len(self._data) // 2, 64 * 1024), 1)]
        self._sent += len(chunk)
        return chunk
