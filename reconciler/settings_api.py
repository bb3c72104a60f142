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

__all__ = ["Api", "Token", "is_loopback"]


def _address(value: str) -> str:
    host, _, port = value.rpartition(":")
    if not host or not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > 65_535:
        raise ValueError("must be host:port, such as 127.0.0.1:8060")
    return value


def _loopback(value: str) -> str:
    if not is_loopback(_address(value).rpartition(":")[0].strip("[]")):
        raise ValueError("must be on loopback, such as 127.0.0.1:8060: whoever reaches it reads it without a token")
    return value


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches `host`. Names are not looked up: what they mean may change."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


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
    scopes: Annotated[tuple[Literal["events"], ...], Filled()] = ("events",)
    """What it may do: send events."""


class Api(Section):
    """Where the daemon answers beside its Unix socket."""

    health: Annotated[str, AfterValidator(_loopback)] | None = None
    """`host:port` on loopback for /healthz, /readyz and /metrics; off when left out."""
    events: Annotated[str, AfterValidator(_address)] | None = None
    """`host:port` for events that are sent with a token; off when left out. It speaks HTTP without TLS."""
    tokens: tuple[Token, ...] = ()
    """Who may send events."""

    @classmethod
    def clashes(cls, said: Said) -> Iterator[Clash]:
        """A listener that nobody may use is a mistake; so are two tokens of one name."""
        tokens = said["tokens"] or ()
        if said["events"] and not tokens:
            yield ("events", "tokens"), fault("PL-202", "`events` needs `tokens`: nobody could send any", _HINT)
        written = tokens if isinstance(tokens, list) else ()
        names = [str(token.get("name")) for token in written if isinstance(token, Mapping)]
        if len(set(names)) < len(names):
            yield ("tokens",), fault("PL-204", "two tokens have the same name", "give each sender one of its own")


_HINT = "make one with `plumbline event token NAME`"
