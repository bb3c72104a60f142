"""Has the engine fetch images, beside everything else: a pull takes as long as it takes, and nobody waits for it here.

What it must never do: keep a credential longer than a request takes, or write one anywhere.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from planner import keys
from planner.keys import Key
from reconciler.backends.engine.client import Denied, Engine, Question
from reconciler.errors import Transient

__all__ = ["Pulling", "credentials", "registry_of"]

IDLE = 600.0
"""Seconds without a word of the engine after which a pull is given up, and tried again."""
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 300.0
"""Seconds between a pull that failed and the next one; they double."""
DOCKER_HUB = "https://index.docker.io/v1/"


@dataclass(slots=True)
class _Pull:
    """An image that is being fetched, or could not be."""

    waiting: set[Key] = field(default_factory=set)
    task: asyncio.Task[None] | None = None
    failure: str = ""
    pause: float = FIRST_PAUSE
    again_at: float = 0.0


class Pulling:
    """The images of one engine."""

    def __init__(self, engine: Engine, auth_file: Path | None, tell: Callable[[Key], None]) -> None:
        """`tell` is told of attempts whose image has come, or has not."""
        self._engine = engine
        self._auth_file = auth_file
        self._tell = tell
        self._pulls: dict[str, _Pull] = {}
        self._here: set[str] = set()
        self._fresh: dict[str, set[str]] = {}  # by image, the attempts for which it was pulled

    async def wanted(self, image: str, policy: str, key: str) -> str:
        """What an attempt waits for before its container can be made, or "".

        Args:
            image: its name.
            policy: `always`, `missing` or `never`.
            key: of the attempt.

        Raises:
            Transient: the engine is away.
        """
        if policy == "never" or (policy == "missing" and await self._is_here(image)):
            return ""
        if policy == "always" and key in self._fresh.get(image, ()):
            return ""
        pull = self._pulls.setdefault(image, _Pull())
        pull.waiting.add(keys.parse(key))
        if pull.task is None and time.monotonic() >= pull.again_at:
            pull.task = asyncio.create_task(self._pull(image, pull))
        return f"the image {image} cannot be pulled: {pull.failure}" if pull.failure else f"pulls the image {image}"

    def forget(self, image: str) -> None:
        """The engine says that it has not got an image."""
        self._here.discard(image)

    async def close(self) -> None:
        """Let go of the pulls; the engine may go on with them."""
        tasks = [pull.task for pull in self._pulls.values() if pull.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def due(self) -> float | None:
        """When the next pull that failed is to be tried again, in seconds of the monotonic clock."""
        times = [pull.again_at for pull in self._pulls.values() if pull.failure and pull.task is None and pull.waiting]
        return min(times, default=None)

    async def _is_here(self, image: str) -> bool:
        if image not in self._here:
            try:
                await self._engine.call("GET", f"/images/{quote(image, safe='/:@')}/json")
            except Denied as error:
                if error.absent:
                    return False
                raise error.settled(f"the engine cannot look for the image {image}") from None
            self._here.add(image)
        return True

    async def _pull(self, image: str, pull: _Pull) -> None:
        try:
            pull.failure = await self._fetch(image)
        except Denied as error:
            pull.failure = error.message
        except (Transient, OSError, ValueError) as error:
            pull.failure = str(error)
        finally:
            pull.task = None
        waiting, pull.waiting = pull.waiting, set()
        if pull.failure:
            pull.again_at = time.monotonic() + pull.pause
            pull.pause = min(pull.pause * 2, LONGEST_PAUSE)
        else:
            self._here.add(image)
            self._fresh.setdefault(image, set()).update(map(str, waiting))
            del self._pulls[image]
        for key in waiting:
            self._tell(key)

    async def _fetch(self, image: str) -> str:
        """Pull an image; returns why it did not come, or ""."""
        name, tag = _parts(image)
        query = {"fromImage": name} | ({"tag": tag} if tag else {})
        said = await asyncio.to_thread(credentials, self._auth_file, registry_of(image))
        headers = {"X-Registry-Auth": said} if said else {}
        failure, rest = "", b""
        question = Question("/images/create", "POST", query=query, headers=headers)
        async with self._engine.stream(question, idle=IDLE) as pieces:
            async for piece in pieces:
                *lines, rest = (rest + piece).split(b"\n")
                failure = next(filter(None, map(_error, lines)), failure)
        return _error(rest) or failure


def _parts(image: str) -> tuple[str, str]:
    """Name and tag, as the engine wants to be asked: without a tag it would fetch all of them."""
    if "@" in image:
        return image, ""
    head, slash, last = image.rpartition("/")
    name, colon, tag = last.partition(":")
    return f"{head}{slash}{name}", tag if colon else "latest"


def _error(line: bytes) -> str:
    with contextlib.suppress(ValueError):
        said: Any = json.loads(line)
        if isinstance(said, dict) and said.get("error"):
            return " ".join(str(said["error"]).split())[:500]
    return ""


def registry_of(image: str) -> str:
    """The registry that an image comes from, as files of credentials name it."""
    head, slash, _ = image.partition("/")
    return head if slash and ("." in head or ":" in head or head == "localhost") else DOCKER_HUB


def credentials(path: Path | None, registry: str) -> str:
    """The header that opens `registry`, by a file as `docker login` writes it; "" where it knows none.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no such file, or others can read it.
    """
    if path is None:
        return ""
    if path.stat().st_mode & 0o077:
        raise ValueError(f"{path} can be read by others: chmod 600 {path}")
    try:
        known = json.loads(path.read_text()).get("auths", {})
        said = known.get(registry) or known.get("docker.io" if registry == DOCKER_HUB else f"https://{registry}")
        if not said:
            return ""
        user, _, password = base64.b64decode(said["auth"], validate=True).decode().partition(":")
    except (ValueError, KeyError, AttributeError, TypeError):
        raise ValueError(f"{path} is no file of `docker login`") from None
    told = {"username": user, "password": password, "serveraddress": registry}
    return base64.urlsafe_b64encode(json.dumps(told).encode()).decode()
