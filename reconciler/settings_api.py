"""Where the daemon answers beside its Unix socket, and whom: part of the configuration."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator

from planner.spec.clashes import Clash, Said, fault
from planner.spec.filled import Filled
from planner.spec.shape import Name, Section

__all__ = ["Api", "HostPort", "Token", "is_loopback", "may"]


def _address(value: str) -> str:
    host, _, port = value.rpartition(":")
    if not host or not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > 65_535:
        raise ValueError("must be host:port, such as 127.0.0.1:8060")
    return value


HostPort = Annotated[str, AfterValidator(_address)]
"""`host:port` to listen on."""


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches `host`. Names are not looked up: what they mean may change."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_reached(address: object) -> bool:
    """Whether other machines reach what was written as an address; no, where it is none."""
    host, _, port = address.rpartition(":") if isinstance(address, str) else ("", "", "")
    return bool(host and port) and not is_loopback(host.strip("[]"))


def _digest(value: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{64}", value):
        raise ValueError("must be the digest of `plumbline event token`, not the token")
    return value


class Token(Section):
    """Somebody who may ask over TCP. The configuration has the token's digest, never the token."""

    name: Name
    """Whose it is: events that it sends name it."""
    sha256: Annotated[str, AfterValidator(_digest)]
    """The SHA-256 of the token, in hex."""
    scopes: Annotated[tuple[Literal["events", "read"], ...], Filled()] = ("events",)
    """What it may do: send events, or read the pages."""


def may(tokens: object, scope: str) -> bool:
    """Whether one of the tokens, as they were written, has a scope; yes where that cannot be told."""
    if not isinstance(tokens, list):
        return False
    return any(not isinstance(one, Mapping) or scope in (one.get("scopes") or ("events",)) for one in tokens)


class Api(Section):
    """Where the daemon answers beside its Unix socket."""

    health: HostPort | None = None
    """`host:port` for /healthz, /readyz and /metrics, on loopback unless `healthOpen`; off when left out."""
    health_open: bool = False
    """Whether `health` may be on an address that other machines reach: they read numbers, and whether, not why not."""
    events: HostPort | None = None
    """`host:port` for events that are sent with a token; off when left out. It speaks HTTP without TLS."""
    tokens: tuple[Token, ...] = ()
    """Who may send events, or read the pages, over TCP."""

    @classmethod
    def clashes(cls, said: Said) -> Iterator[Clash]:
        """A listener that nobody may use is a mistake; so are one that anybody may read, and two tokens of one name."""
        if not said["healthOpen"] and _is_reached(said["health"]):
            words = "{field} must be on loopback, such as 127.0.0.1:8060: whoever reaches it reads it without a token"
            yield ("health",), fault("PL-204", words, "or say `healthOpen: true`", ("health",))
        tokens = said["tokens"] or ()
        if said["events"] and not may(tokens, "events"):
            yield ("events", "tokens"), fault("PL-202", "`events` needs `tokens`: nobody could send any", _HINT)
        written = tokens if isinstance(tokens, list) else ()
        names = [str(token.get("name")) for token in written if isinstance(token, Mapping)]
        if len(set(names)) < len(names):
            yield ("tokens",), fault("PL-204", "two tokens have the same name", "give each sender one of its own")


_HINT = "make one with `plumbline event token NAME`"
