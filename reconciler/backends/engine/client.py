"""Asks the container engine, by HTTP over its Unix socket, in plain JSON: the API of Docker, which Podman speaks too.

It decides nothing about containers. What it says no to comes with the engine's own words; what it could not be asked is
`Transient`, and then nobody knows whether it was done.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import httpx

from reconciler.errors import Transient, Unusable

__all__ = ["Denied", "Engine", "Question"]

OLDEST, NEWEST = (1, 41), (1, 47)
"""Versions of the API that are spoken: of Docker 20.10 and Podman 4 on, up to what was read of later ones."""
TIMEOUT = 60.0
"""Seconds for an answer. A start takes a second or two, on a slow disk many."""
CONNECTIONS = 32


class Denied(Exception):  # noqa: N818 -- what the engine says, and no error of ours
    """The engine said no.

    Attributes:
        status: of HTTP.
        message: what it said.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message

    @property
    def absent(self) -> bool:
        """Whether what was asked for is not there."""
        return self.status == 404

    @property
    def conflict(self) -> bool:
        """Whether something else is in the way: a name is taken, or a container is not in the state for it."""
        return self.status == 409 or "already in use" in self.message

    def settled(self, what: str) -> Transient:
        """The same as something to try again."""
        return Transient(f"{what}: {self.message}")


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the engine.

    Attributes:
        path: below the version.
        method: of HTTP.
        body: sent as JSON.
        query, headers: further parts.
    """

    path: str
    method: str = "GET"
    body: object = None
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


class Engine:
    """The engine behind one socket."""

    def __init__(self, socket: Path) -> None:
        """Touches nothing; the first question finds out who it is."""
        self._socket = socket
        transport = httpx.AsyncHTTPTransport(uds=str(socket), limits=httpx.Limits(max_connections=CONNECTIONS))
        self._http = httpx.AsyncClient(transport=transport, base_url="http://engine", trust_env=False)
        self._greeting = anyio.Lock()
        self._version = ""
        self._kind = ""

    async def kind(self) -> str:
        """`podman` or `docker`.

        Raises:
            Transient: it is away.
            Unusable: it speaks no version that we do.
        """
        await self._greet()
        return self._kind

    async def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: Mapping[str, str] | None = None,
        timeout: float = TIMEOUT,  # noqa: ASYNC109 -- of one answer, told to the connection
    ) -> Any:
        """Ask once, and give what is answered; None where that is nothing.

        Raises:
            Denied: it said no.
            Transient: it could not be asked, or did not answer.
        """
        await self._greet()
        try:
            answer = await self._http.request(
                method, f"{self._version}{path}", params=dict(query or {}), json=body, timeout=timeout
            )
        except httpx.HTTPError as error:
            raise self._away(error) from error
        return _read(answer.status_code, answer.content)

    @contextlib.asynccontextmanager
    async def stream(self, question: Question, *, idle: float | None = None) -> AsyncIterator[AsyncIterator[bytes]]:
        """Ask for an answer that comes in pieces.

        Args:
            question: what is asked.
            idle: seconds without a piece after which it is given up; None for never.

        Raises:
            Denied: it said no.
            Transient: it could not be asked, or the answer was cut off.
        """
        await self._greet()
        asked = self._http.stream(
            question.method,
            f"{self._version}{question.path}",
            params=dict(question.query),
            headers=dict(question.headers),
            json=question.body,
            timeout=httpx.Timeout(TIMEOUT, read=idle),
        )
        try:
            async with asked as answer:
                if answer.status_code >= 400:
                    _read(answer.status_code, await answer.aread())
                yield answer.aiter_raw()
        except httpx.HTTPError as error:
            raise self._away(error) from error

    async def close(self) -> None:
        """Let go of all connections."""
        await self._http.aclose()

    async def _greet(self) -> None:
        """Find out which version of the API to speak."""
        if self._version:
            return
        async with self._greeting:
            try:
                answer = await self._http.get("/version", timeout=TIMEOUT)
            except httpx.HTTPError as error:
                raise self._away(error) from error
            try:
                self._hear(_read(answer.status_code, answer.content))
            except Denied as error:
                raise error.settled(f"the container engine at {self._socket} does not say who it is") from None

    def _hear(self, said: Any) -> None:
        newest, oldest = _version(said.get("ApiVersion")), _version(said.get("MinAPIVersion"))
        if newest is None or newest < OLDEST or (oldest is not None and oldest > NEWEST):
            spoken = said.get("ApiVersion") or "none"
            wanted = f"{OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]}"
            raise Unusable(f"the container engine at {self._socket} speaks API {spoken}, and {wanted} is wanted")
        parts = [str(one.get("Name", "")) for one in said.get("Components") or () if isinstance(one, Mapping)]
        self._kind = "podman" if any("podman" in name.lower() for name in parts) else "docker"
        major, minor = min(newest, NEWEST)
        self._version = f"/v{major}.{minor}"

    def _away(self, error: Exception) -> Transient:
        why = str(error) or type(error).__name__
        return Transient(f"the container engine at {self._socket} cannot be reached: {why}")


def _read(status: int, content: bytes) -> Any:
    if status < 400:
        try:
            return json.loads(content) if content.strip() else None
        except ValueError:
            return None
    raise Denied(status, _message(status, content))


def _message(status: int, content: bytes) -> str:
    """What it said, in one line."""
    try:
        said = json.loads(content)
        text = str(said.get("message") or said.get("cause") or "")
    except (ValueError, AttributeError):
        text = content.decode(errors="replace")
    return " ".join(text.split())[:2000] or f"status {status}"


def _version(said: object) -> tuple[int, int] | None:
    major, dot, minor = str(said or "").partition(".")
    return (int(major), int(minor)) if dot and major.isdigit() and minor.isdigit() else None
