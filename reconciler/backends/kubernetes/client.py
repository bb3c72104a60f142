"""The API server of a cluster: signed in, asked in plain JSON, and heard line by line.

Decides what an answer means for whoever asked: again later, never, or a word of the server that the caller knows what
to do with. It knows no kind of object. What it must never do: repeat a request by itself, but for one that the server
did not take because a token had run out; whoever asks knows whether a second one does harm.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import aiohttp
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.client.rest import RESTClientObject
from kubernetes.aio.config import ConfigException

from reconciler.backends.kubernetes.access import Access, configured
from reconciler.backends.kubernetes.denied import Denied, answer_of
from reconciler.errors import Transient, Unusable

__all__ = ["APPLY_PATCH", "MERGE_PATCH", "Api"]

Object = dict[str, Any]

TIMEOUT = 30.0
"""Seconds for an answer, and for the head of one without an end. Longer ones are of a server that is not well."""
CONNECTIONS = 64
"""To the server at once."""
WATCHES = 6
"""What of them watches of one namespace hold: these come on top."""

MERGE_PATCH = "application/merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"

_UNREACHED = (aiohttp.ClientError, asyncio.TimeoutError, ssl.SSLError, OSError)
_OUR_FIELD_MANAGER = "plumbline"


@dataclass(frozen=True, slots=True)
class _Request:
    """One question.

    Attributes:
        method: of HTTP.
        path: from the root of the server.
        query: parameters; those that are None are left out.
        body: sent as JSON.
        kind: type of the body, or of the answer where there is no body.
        limit: seconds for the whole answer; None for one without an end.
    """

    method: str
    path: str
    query: Mapping[str, object]
    body: object = None
    kind: str = "application/json"
    limit: float | None = None

    @property
    def url(self) -> str:
        """Path and parameters."""
        told = {name: value for name, value in self.query.items() if value is not None}
        return self.path + (f"?{urlencode(told)}" if told else "")

    @property
    def headers(self) -> dict[str, str]:
        """Headers, but for who asks."""
        if self.method == "GET":
            return {"Accept": self.kind, "User-Agent": "plumbline"}
        return {"Accept": "application/json", "Content-Type": self.kind, "User-Agent": "plumbline"}


class _Link:
    """Connections of one sign-in. Whoever uses them when another one takes their place goes on with them to the end."""

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self.rest = RESTClientObject(configuration)
        self._users = 0
        self._is_old = False

    @contextlib.asynccontextmanager
    async def used(self) -> AsyncIterator[None]:
        """Not closed before this ends."""
        self._users += 1
        try:
            yield
        finally:
            self._users -= 1
            await self._close_unused()

    async def retire(self) -> None:
        """Nobody begins to use it any more."""
        self._is_old = True
        await self._close_unused()

    async def close(self) -> None:
        """Break all connections."""
        await self.rest.close()

    async def _close_unused(self) -> None:
        if self._is_old and not self._users:
            await self.close()


class Api:
    """One API server, as one user."""

    def __init__(self, access: Access, namespaces: int = 0) -> None:
        """Touches nothing; the first request signs in. `namespaces` is how many are watched."""
        self._access = access
        self._connections = CONNECTIONS + WATCHES * namespaces
        self._signing = asyncio.Lock()
        self._link: _Link | None = None

    @property
    def host(self) -> str:
        """URL of the server; "" before the first request."""
        return str(self._link.configuration.host) if self._link is not None else ""

    async def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: Mapping[str, object] | None = None,
        content: str = "application/json",
    ) -> Object:
        """Ask once, and give the object that is answered.

        Args:
            method: of HTTP.
            path: from the root of the server, quoted where it has names of users.
            body: sent as JSON.
            query: parameters; those that are None are left out. Writes name us as their field manager.
            content: type of the body.

        Raises:
            Denied: the server said no, in words.
            Transient: it could not be asked, is busy, or does not say; whether it did what was asked is not known.
            Unusable: the configuration does not lead to a server.
        """
        asked = dict(query or {})
        if method in {"POST", "PUT", "PATCH"}:
            asked.setdefault("fieldManager", _OUR_FIELD_MANAGER)
        async with self._answer(_Request(method, path, asked, body, content, TIMEOUT)) as response:
            text = await self._read(response)
        return answer_of(response.status, text)

    async def heads(self, path: str, query: Mapping[str, object]) -> Object:
        """A page of a collection with nothing of its objects but their metadata; raises as `call`."""
        kind = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
        async with self._answer(_Request("GET", path, query, kind=kind, limit=TIMEOUT)) as response:
            return answer_of(response.status, await self._read(response))

    @contextlib.asynccontextmanager
    async def stream(
        self, path: str, query: Mapping[str, object], accept: str = "application/json"
    ) -> AsyncIterator[aiohttp.StreamReader]:
        """Ask for an answer without an end, and give what comes of it to read.

        Reading raises what aiohttp raises; `unreached` says it in our words.

        Raises:
            Denied: the server said no.
            Transient: it could not be asked.
            Unusable: the configuration does not lead to a server.
        """
        async with self._answer(_Request("GET", path, query, kind=accept)) as response:
            if response.status >= 400:
                answer_of(response.status, await self._read(response))
            yield response.content

    async def websocket(
        self, path: str, query: Mapping[str, object], protocol: str, held: contextlib.AsyncExitStack
    ) -> aiohttp.ClientWebSocketResponse:
        """Open a websocket that speaks `protocol`; it has one of `CONNECTIONS` until it is closed, and then `held` is.

        Raises:
            Denied: the server said no; its own words are lost.
            Transient, Unusable: as `call`.
        """
        request, link = _Request("GET", path, query), await self._signed_in(None)
        try:
            return await self._dial(link, request, protocol, held)
        except Denied as error:
            if error.code != 401:
                raise
        return await self._dial(await self._signed_in(link), request, protocol, held)

    async def _dial(
        self, link: _Link, request: _Request, protocol: str, held: contextlib.AsyncExitStack
    ) -> aiohttp.ClientWebSocketResponse:
        rest = link.rest
        if rest.pool_manager is None:
            rest.pool_manager = rest._create_pool_manager()  # noqa: SLF001 -- it has one with its first request only
        headers = {"User-Agent": "plumbline"} | await self._credentials(link)
        url, via = f"{link.configuration.host}{request.url}", {"proxy": rest.proxy, "proxy_headers": rest.proxy_headers}
        async with contextlib.AsyncExitStack() as used:
            await used.enter_async_context(link.used())
            try:
                made = await rest.pool_manager.ws_connect(url, protocols=(protocol,), headers=headers, **via)
            except aiohttp.WSServerHandshakeError as error:
                raise Denied(error.status, "", f"the API server answered {error.status} to a websocket") from None
            except _UNREACHED as error:
                raise self.unreached(error) from error
            held.push_async_callback(used.pop_all().aclose)
        socket: aiohttp.ClientWebSocketResponse = made
        return socket

    async def close(self) -> None:
        """Let go of all connections."""
        if self._link is not None:
            await self._link.close()
            self._link = None

    @contextlib.asynccontextmanager
    async def _answer(self, request: _Request) -> AsyncIterator[aiohttp.ClientResponse]:
        link = await self._signed_in(None)
        async with contextlib.AsyncExitStack() as stack:
            response = await stack.enter_async_context(self._asked(link, request))
            if response.status == 401:
                # It did not take the request, so asking once more as who we are now does no harm.
                response.release()
                response = await stack.enter_async_context(self._asked(await self._signed_in(link), request))
            if response.status == 401:
                raise Transient(f"the API server {self.host} does not take our word for who we are")
            yield response

    @contextlib.asynccontextmanager
    async def _asked(self, link: _Link, request: _Request) -> AsyncIterator[aiohttp.ClientResponse]:
        async with link.used():
            response = await self._ask(link, request)
            try:
                yield response
            finally:
                # A stream is cut; what was read whole goes back to the pool.
                response.release() if response.content.at_eof() else response.close()

    async def _ask(self, link: _Link, request: _Request) -> aiohttp.ClientResponse:
        headers = request.headers | await self._credentials(link)
        limit = aiohttp.ClientTimeout(total=request.limit, sock_connect=10.0)
        url = f"{link.configuration.host}{request.url}"
        try:
            # Who waits for what has no end waits for its beginning no longer than for any other answer.
            async with asyncio.timeout(TIMEOUT):
                answer = await link.rest.request(  # type: ignore[no-untyped-call]
                    request.method, url, headers=headers, body=request.body, _request_timeout=limit
                )
        except _UNREACHED as error:
            raise self.unreached(error) from error
        response: aiohttp.ClientResponse = answer.response
        return response

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        try:
            async with asyncio.timeout(TIMEOUT):
                return await response.read()
        except _UNREACHED as error:
            raise self.unreached(error) from error

    def unreached(self, error: BaseException) -> Transient:
        """`error` of the connection in our words."""
        why = str(error) or type(error).__name__
        return Transient(f"the API server {self.host or 'of the cluster'} cannot be reached: {why}")

    @staticmethod
    async def _credentials(link: _Link) -> dict[str, str]:
        try:
            found: Mapping[str, Any] = await link.configuration.auth_settings()
        except (OSError, ConfigException) as error:  # the token's file is being replaced
            raise Transient(f"the token for the API server cannot be read: {error}") from error
        return {auth["key"]: str(auth["value"]) for auth in found.values() if auth["value"]}

    async def _signed_in(self, refused: _Link | None) -> _Link:
        """What leads to the server now; the configuration is read again where it is still what the server refused."""
        async with self._signing:
            if self._link is not None and self._link is not refused:
                return self._link
            configuration = await configured(self._access)
            configuration.connection_pool_maxsize = self._connections
            try:
                fresh = _Link(configuration)
            except (OSError, ssl.SSLError) as error:
                raise Unusable(f"the certificates of the cluster cannot be read: {error}") from error
            old, self._link = self._link, fresh
            if old is not None:
                await old.retire()
            return fresh
