"""Files at URLs, for `urlRef`: from hosts of the configuration only, small, and not for long.

What a spec names is asked for without credentials, cookies, proxies or anything else of the daemon's. Redirects are
followed on the same host only.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

import anyio

from planner.spec.text import MAX_BYTES
from planner.spec.words import short
from reconciler.errors import Refused, Transient

if TYPE_CHECKING:
    import httpx

__all__ = ["Urls"]

_SECONDS = 10.0
_REDIRECTS = 3
_PORTS = {"https": 443, "http": 80}
_LATER = frozenset({408, 425, 429})
"""Answers below 500 that are not the last word."""


@dataclass(frozen=True, slots=True)
class _Target:
    """What a URL names: where, and whether that is allowed is asked of the list."""

    scheme: str
    host: str
    port: int


class Urls:
    """Reads from `hosts`: `host`, `host:port` (https; on loopback http too), or `http://host:port`."""

    def __init__(self, hosts: Collection[str], seconds: float = _SECONDS) -> None:
        self._allowed = frozenset(target for host in hosts for target in _targets(host))
        self._seconds = seconds

    async def get(self, url: str) -> bytes:
        """The content at `url`.

        Raises:
            Refused: it is not allowed, not there, or nothing that can be a component.
            Transient: it cannot be had now.
        """
        import httpx  # noqa: PLC0415  slow to load, and most daemons never need it

        target = self.check(url)
        # Nothing of the environment is used: no proxies, no netrc.
        client = httpx.AsyncClient(trust_env=False, timeout=self._seconds, headers={"accept-encoding": "identity"})
        try:
            with anyio.fail_after(self._seconds):
                async with client:
                    return await self._follow(client, url, target)
        except TimeoutError as error:
            raise Transient(f"{target.host} did not send it within {self._seconds:g} seconds") from error
        except httpx.InvalidURL as error:
            raise Refused("it is no valid URL") from error
        except httpx.HTTPError as error:
            raise Transient(f"{target.host} cannot be reached: {short(str(error)) or type(error).__name__}") from error

    async def _follow(self, client: httpx.AsyncClient, url: str, target: _Target) -> bytes:
        for _ in range(_REDIRECTS + 1):
            async with client.stream("GET", url) as answer:
                if not answer.has_redirect_location:
                    return await _content(answer, target)
                url = urljoin(url, answer.headers["location"])
            if self.check(url) != target:
                raise Refused(f"{target.host} redirects to another host or port, which is not followed")
        raise Refused(f"{target.host} redirects more than {_REDIRECTS} times")

    def check(self, url: str) -> _Target:
        """What a URL leads to.

        Raises:
            Refused: that is not among the hosts, or it is none.
        """
        target = _parse(url)
        if target not in self._allowed:
            raise Refused(f"{short(target.host)} is not in `hosts` of the daemon's configuration")
        return target


async def _content(answer: httpx.Response, target: _Target) -> bytes:
    if answer.status_code != 200:
        message = f"{target.host} answers {answer.status_code} {answer.reason_phrase}".rstrip()
        if answer.status_code >= 500 or answer.status_code in _LATER:
            raise Transient(message)
        raise Refused(message)
    if answer.headers.get("content-encoding", "identity") != "identity":
        raise Refused(f"{target.host} sends it compressed, which was not asked for")
    data = bytearray()
    async for chunk in answer.aiter_raw():
        data += chunk
        if len(data) > MAX_BYTES:
            raise Refused(f"it has more than {MAX_BYTES:,} bytes")
    return bytes(data)


def _parse(url: str) -> _Target:
    if re.search(r"[ \\]", url) or not url.isprintable() or len(url) > 2000:
        raise Refused("it is no valid URL")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Refused("it is no valid URL") from None
    if parts.scheme not in _PORTS or not parts.hostname:
        raise Refused("a URL of a component starts with https:// and a host")
    if parts.username is not None or parts.password is not None:
        raise Refused("a URL of a component must not hold credentials")
    return _Target(parts.scheme, parts.hostname, _PORTS[parts.scheme] if port is None else port)


def _targets(host: str) -> list[_Target]:
    plain = host.startswith("http://")
    name, _, port = host.removeprefix("http://").partition(":")
    schemes = ["http"] if plain else ["https", "http"] if _is_loopback(name) else ["https"]
    return [_Target(scheme, name, int(port) if port else _PORTS[scheme]) for scheme in schemes]


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
