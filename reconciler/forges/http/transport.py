"""Sending one request to a forge and reading its answer, within bounds of time and size. Judges no answer.

The credential goes to the host of the configuration and to no other, by whatever redirect or page; no message has it in
it, whatever the forge sends back.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from urllib.parse import urljoin, urlsplit

import anyio
import httpx

from planner.canon import Json
from reconciler.errors import Refused, Transient
from reconciler.forges.http.answers import Answer, Request
from reconciler.forges.http.cache import Cache
from reconciler.forges.http.pacing import Pace
from reconciler.forges.http.reading import TooLargeError, is_json, parse, read
from reconciler.forges.http.server import Server
from reconciler.forges.http.waiting import Patience

__all__ = ["Manner", "Transport"]

_REDIRECTS = 3
_OF_ERRORS = 64 * 1024
"""Bytes that are read of an answer that is no success: its words."""
_PORTS = {"https": 443, "http": 80}
_MOVED = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Manner:
    """How one forge is spoken to.

    Attributes:
        name: of the forge.
        scheme: what stands before the token in the header; "" for nothing.
        header: that holds the token.
        headers: of every request.
        hints: what a person can do, by the status of an answer.
        pace: of writes.
    """

    name: str
    scheme: str = "Bearer"
    header: str = "authorization"
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    hints: Mapping[int, str] = field(default_factory=lambda: MappingProxyType({}))
    pace: Pace = field(default_factory=Pace)


class Transport:
    """One HTTP client of one host. `http` is one of a test's; it is closed like its own."""

    def __init__(
        self, server: Server, manner: Manner, patience: Patience, http: httpx.AsyncClient | None = None
    ) -> None:
        self._server = server
        self._manner = manner
        self._patience = patience
        self._http = http or server.open()
        self._cache = Cache()

    async def close(self) -> None:
        """Let go of connections."""
        await self._http.aclose()

    async def ask(self, request: Request, secret: str) -> Answer:
        """The answer, whatever it says; redirects on the same host are followed, also of writes.

        Raises:
            Transient: none came; a write may have been done all the same.
            Refused: what came is none, or leads to another host.
        """
        host = self._server.host
        for _ in range(_REDIRECTS + 1):
            answer = await self._timely(request, secret)
            target = answer.headers.get("location", "")
            if answer.status not in _MOVED or not target:
                return answer
            # GitHub names the new place of a renamed repository so, and means the same request for it.
            url = urljoin(self._url(request.path), target)
            if not self._is_ours(url):
                where = urlsplit(url).hostname or "nowhere"
                message = f"{host} redirects to another host, which is not followed: {where}"
                raise Refused(f"{message}; if that is where the API is, write it into forge.url")
            method = "GET" if answer.status == 303 else request.method
            request = replace(request, path=url, params={}, method=method)
        raise Refused(f"{host} redirects more than {_REDIRECTS} times: is forge.url the address of its API?")

    async def _timely(self, request: Request, secret: str) -> Answer:
        host, seconds = self._server.host, self._server.seconds
        try:
            with anyio.fail_after(seconds):
                return await self._sent(request, secret)
        except (TimeoutError, httpx.TimeoutException):
            raise Transient(f"{host} did not answer within {seconds:g} seconds", self._patience.down()) from None
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError):
            raise Refused("forge.url cannot be asked: write it as https://HOST/PATH") from None
        except TooLargeError:
            message = f"{host} sends more than {self._server.largest:,} bytes, or packed as nobody asked for"
            raise Refused(f"{message}: is forge.url the address of its API?") from None
        except (httpx.HTTPError, ssl.SSLError, OSError) as error:
            # Its own words may have the address of a proxy, which may hold a password.
            raise Transient(f"{host} cannot be reached ({_why(error)})", self._patience.down()) from None

    async def _sent(self, request: Request, secret: str) -> Answer:
        url, params = self._url(request.path), dict(request.params) or None
        made = self._http.build_request(request.method, url, params=params, json=request.body)
        made.headers.update(self._headers(secret))
        # Who asks with another credential may see something else.
        key = f"{made.url}\n{hash(secret)}"
        if not request.writes and (tag := self._cache.tag(key)):
            made.headers["if-none-match"] = tag
        answer = await self._http.send(made, stream=True)
        try:
            if answer.status_code == 304 and (kept := self._cache.same(key)) is not None:
                return replace(kept, headers={**kept.headers, **_limits(answer)})
            found = await self._read(answer, secret)
        finally:
            await answer.aclose()
        if found.status == 200 and not request.writes:
            self._cache.keep(key, found)
        return found

    async def _read(self, answer: httpx.Response, secret: str) -> Answer:
        headers = {name.lower(): value for name, value in answer.headers.items()}
        encoding, kind = headers.get("content-encoding", ""), headers.get("content-type", "")
        data, value = b"", None
        try:
            data = await read(answer.stream, encoding, self._server.largest if answer.is_success else _OF_ERRORS)
            value = _value(data, kind, secret)
        except (TooLargeError, ValueError) as error:
            # Of an answer that says no the status is enough: it may come from something before the forge.
            if answer.is_success:
                raise self._no_json(kind) if isinstance(error, ValueError) else error from None
        return Answer(answer.status_code, headers, value, len(data))

    def _no_json(self, kind: str) -> Refused:
        what = kind.partition(";")[0].strip()[:60] or "something"
        return Refused(f"{self._server.host} sends {what!r} and no JSON: is forge.url the address of its API?")

    def _headers(self, secret: str) -> dict[str, str]:
        headers = {"user-agent": "plumbline", "accept": "application/json", "accept-encoding": "gzip"}
        headers.update(self._manner.headers)
        if secret:
            headers[self._manner.header] = f"{self._manner.scheme} {secret}".strip()
        return headers

    def _url(self, path: str) -> str:
        """The whole address.

        Raises:
            Refused: it is one of another host, which an answer named: nothing is sent there.
        """
        if path.startswith("/"):
            return self._server.url + path
        if not self._is_ours(path):
            raise Refused(f"{self._server.host} names a page on another host, which is not asked")
        return path

    def _is_ours(self, url: str) -> bool:
        origin = _origin(self._server.url)
        return origin is not None and _origin(url) == origin


def _value(data: bytes, kind: str, secret: str) -> Json:
    """The JSON of a body, without the credential, which a forge may repeat; None for no body.

    Raises:
        ValueError: it is none.
    """
    if not data:
        return None
    if not is_json(kind):
        raise ValueError(kind)
    return parse(data.replace(secret.encode(), b"...") if secret else data)


def _origin(url: str) -> tuple[str, str, int | None] | None:
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None
    return None if "@" in parts.netloc else (parts.scheme, (parts.hostname or "").lower(), port)


def _limits(answer: httpx.Response) -> dict[str, str]:
    """What an answer without a body says of limits, which is newer than what is kept."""
    found = {name.lower(): value for name, value in answer.headers.items()}
    return {name: value for name, value in found.items() if "ratelimit" in name or name in {"date", "retry-after"}}


def _why(error: BaseException) -> str:
    """What kept us from reaching it, from the innermost cause that has words of the system's own."""
    words, cause = type(error).__name__, error.__cause__ or error.__context__
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted: {cause.verify_message}"
        if isinstance(cause, OSError) and cause.strerror:
            words = cause.strerror
        cause = cause.__cause__ or cause.__context__
    return words
