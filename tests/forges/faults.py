"""What goes wrong between us and a forge, by name: one word a request. Each says whether the request took effect.

A script is a list of these; when it is at its end, all is well. `DRAWN` are those that heal by themselves, so that
whatever is drawn, what a forge shows in the end is the same.
"""

from __future__ import annotations

import email.utils
import gzip
import random
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from tests.forges.state import Asked, Reply

__all__ = ["AFTER", "DRAWN", "FAULTS", "Fault", "draw"]

START = 1_795_672_800.0
HTML = {"content-type": "text/html"}


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong.

    Attributes:
        reply: what is answered; an exception for a connection that breaks, None for the true answer, slowly.
        effect: whether the request did what it asks for.
    """

    reply: Callable[[Asked], Reply | Exception | None]
    effect: bool = False


def _bomb(_: Asked) -> Reply:
    return Reply(200, raw=_BOMB, headers={"content-encoding": "gzip", "content-type": "application/json"})


_BOMB = gzip.compress(b'"' + b"a" * 50_000_000)
_PLENTY = b"[" + b"1," * 6_000_000 + b"1]"


def _echo(asked: Asked) -> Reply:
    """A proxy that shows what it was sent: the credential, too."""
    return Reply(502, {"message": f"bad gateway for {asked.headers}"})


def _limit(**headers: str) -> Callable[[Asked], Reply]:
    return lambda _: Reply(429, {"message": "too many"}, headers)


def _forbidden(message: str, **headers: str) -> Callable[[Asked], Reply]:
    return lambda _: Reply(403, {"message": message}, {name.replace("_", "-"): text for name, text in headers.items()})


def _retry_date(_: Asked) -> Reply:
    date, then = (email.utils.formatdate(START + more, usegmt=True) for more in (0, 7))
    return Reply(429, None, {"retry-after": then, "date": date})


def _primary(_: Asked) -> Reply:
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(START) + 90)}
    headers["date"] = email.utils.formatdate(START, usegmt=True)
    return Reply(403, {"message": "API rate limit exceeded for installation ID 1."}, headers)


_BEFORE = {
    "500": Fault(lambda _: Reply(500, {"message": "server error"})),
    "502-html": Fault(lambda _: Reply(502, raw=b"<html>" * 40_000, headers=HTML)),
    "502-echo": Fault(_echo),
    "503-retry": Fault(lambda _: Reply(503, None, {"retry-after": "4"})),
    "429-seconds": Fault(lambda _: Reply(429, {"message": "slow down"}, {"retry-after": "5"})),
    "429-date": Fault(_retry_date),
    "429-silent": Fault(_limit()),
    "403-secondary": Fault(_forbidden("You have exceeded a secondary rate limit.", retry_after="30")),
    "403-silent": Fault(_forbidden("You have exceeded a secondary rate limit. Please wait a few minutes.")),
    "403-primary": Fault(_primary),
    "403-rights": Fault(_forbidden("Resource not accessible by personal access token")),
    "401": Fault(lambda _: Reply(401, {"message": "Bad credentials"})),
    "404": Fault(lambda _: Reply(404, {"message": "Not Found"})),
    "302-away": Fault(lambda _: Reply(302, None, {"location": "https://elsewhere.example.org/statuses"})),
    "307-away": Fault(lambda _: Reply(307, None, {"location": "//elsewhere.example.org/statuses"})),
    "308-plain": Fault(lambda _: Reply(308, None, {"location": "http://forge.example.org/api"})),
    "timeout": Fault(lambda _: httpx.ReadTimeout("canary-token timed out")),
    "connect": Fault(lambda _: httpx.ConnectError("no way to canary-token")),
    "reset": Fault(lambda _: httpx.ReadError("reset")),
}

AFTER = {
    "timeout-after": Fault(lambda _: httpx.ReadTimeout(""), effect=True),
    "reset-after": Fault(lambda _: httpx.RemoteProtocolError("Server disconnected"), effect=True),
    "500-after": Fault(lambda _: Reply(500, {"message": "it was done all the same"}), effect=True),
    "slow-body": Fault(lambda _: None, effect=True),
    "gzip-bomb": Fault(_bomb, effect=True),
    "broken-gzip": Fault(lambda _: Reply(200, raw=b"no gzip", headers={"content-encoding": "gzip"}), effect=True),
    "odd-packing": Fault(lambda _: Reply(200, raw=b"x", headers={"content-encoding": "br"}), effect=True),
    "wrong-type": Fault(lambda _: Reply(200, raw=b"<html>sign in</html>", headers=HTML), effect=True),
    "giant-json": Fault(lambda _: Reply(201, raw=_PLENTY), effect=True),
    "no-json": Fault(lambda _: Reply(201, raw=b'{"a": '), effect=True),
    "deep-json": Fault(lambda _: Reply(201, raw=b"[" * 200_000), effect=True),
}
"""Of these nobody can tell whether the request took effect: it did, and the answer is no answer."""

PARKING = {
    "422-many": Fault(
        lambda _: Reply(422, {"message": "This SHA and context has reached the maximum number of statuses."})
    ),
    "422-unknown": Fault(lambda asked: Reply(422, {"message": f"No commit found for SHA: {asked.path[-40:]}"})),
    "422-invalid": Fault(
        lambda _: Reply(422, {"message": "Validation Failed", "errors": [{"field": "description", "code": "custom"}]})
    ),
}

FAULTS = {**_BEFORE, **AFTER, **PARKING}
DRAWN = tuple({**_BEFORE, **AFTER})


def draw(chance: random.Random, length: int, rate: float) -> list[str]:
    """A script: "" for a request that goes well."""
    return [chance.choice(DRAWN) if chance.random() < rate else "" for _ in range(length)]
