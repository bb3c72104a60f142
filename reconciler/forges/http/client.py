"""A client of one forge: every request goes through here, at its pace and with the patience that it asks for.

What an answer means to its caller is the caller's. Never asks while the forge wants to be left alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import anyio
import httpx

from reconciler.errors import Refused, Transient
from reconciler.forges.http.answers import Answer, Request
from reconciler.forges.http.credentials import Credential
from reconciler.forges.http.judging import Hints, judge
from reconciler.forges.http.pacing import Bucket
from reconciler.forges.http.pages import following
from reconciler.forges.http.server import Server
from reconciler.forges.http.transport import Manner, Transport
from reconciler.forges.http.waiting import Patience
from reconciler.ports import Clock

__all__ = ["Client"]

_MOST_PAGES = 100
_AT_ONCE = 8
_SLEPT = 2.0
"""Seconds that a write waits for its turn by itself; where it is more, it is given back."""


class Client:
    """See the module. `http` is one of a test's."""

    def __init__(
        self,
        server: Server,
        manner: Manner,
        credential: Credential,
        clock: Clock,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        self.server = server
        self.patience = Patience()
        self.bucket = Bucket(manner.pace)
        self._transport = Transport(server, manner, self.patience, http)
        self._credential = credential
        self._clock = clock
        self._hints = Hints(manner.name, server.host, manner.hints)
        self._writes = anyio.Lock()
        self._reads = anyio.CapacityLimiter(_AT_ONCE)

    async def close(self) -> None:
        """Let go of connections."""
        await self._transport.close()

    async def get(
        self, path: str, params: Mapping[str, str] | None = None, means: frozenset[int] = frozenset()
    ) -> Answer:
        """What is at `path`; from memory where the forge says that it did not change.

        Raises:
            Transient: not now; `after` says how long to wait.
            Refused: a person must change something first.
        """
        async with self._reads:
            return await self._asked(Request("GET", path, params or {}, means=means))

    async def pages(self, path: str, params: Mapping[str, str] | None = None, most: int = _MOST_PAGES) -> list[Any]:
        """All items of a list, page by page.

        Raises:
            Transient: as `get`.
            Refused: as `get`; also where it is no list, or has more than `most` pages: half a list proves nothing.
        """
        found = await self.pages_if(path, params, frozenset(), most)
        assert isinstance(found, list), "no other answer means anything"
        return found

    async def pages_if(
        self, path: str, params: Mapping[str, str] | None, means: frozenset[int], most: int = _MOST_PAGES
    ) -> list[Any] | Answer:
        """The same, or the answer whose status is one of `means`.

        Raises:
            Transient, Refused: as `pages`.
        """
        forge, found, page = self._hints.forge, list[Any](), path
        for _ in range(most):
            answer = await self.get(page, params, means)
            if not answer.good:
                return answer
            if not isinstance(answer.value, list):
                raise Refused(f"{forge} at {self._hints.host} sends no list for {path}: is forge.url that of its API?")
            found += answer.value
            following_page, params = following(answer.headers.get("link", "")), None
            if following_page is None:
                return found
            page = following_page
        raise Refused(f"{forge} at {self._hints.host} has more than {most} pages of {path}, which nobody reads")

    async def write(self, request: Request) -> Answer:
        """Do a write when its turn comes: one at a time, at the pace of the forge.

        Raises:
            Transient: not now; it may have been done all the same where the forge did not answer.
            Refused: as `get`.
        """
        async with self._writes:
            wait = self.bucket.wait
            if wait > _SLEPT:
                raise Transient(f"{self._hints.forge} is written to as often as it allows", wait)
            await anyio.sleep(wait)
            if not self.patience.wait:
                self.bucket.wrote()
            return await self._asked(request)

    async def _asked(self, request: Request) -> Answer:
        """The answer, judged. A credential that is not taken is had anew, once."""
        if wait := self.patience.wait:
            raise Transient(f"{self._hints.forge} at {self._hints.host} is left alone for {wait:.0f} s", wait)
        sent = await self._credential.secret()
        answer = await self._transport.ask(request, sent)
        if answer.status == 401:
            renewed = await self._credential.secret(renewed=True)
            if renewed != sent:
                answer = await self._transport.ask(request, renewed)
        return judge(answer, request, self.patience, self._hints, self._clock.now())
