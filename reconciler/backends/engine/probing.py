"""Whether services are ready: asked at their port on this machine, or by a command in their container.

It remembers the last answer of each; after a restart of the daemon everything is asked anew. It decides nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import anyio
import httpx

from reconciler.backends.engine.client import Denied, Engine, Question
from reconciler.errors import Transient

__all__ = ["Probing"]


@dataclass(slots=True)
class _Asked:
    """What is known of a container."""

    ready: bool = False
    failures: int = 0
    due: float = 0.0


class Probing:
    """Readiness of containers, by their id."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._asked: dict[str, _Asked] = {}

    def ready(self, ident: str) -> bool:
        """What the last answers come to."""
        known = self._asked.get(ident)
        return known is not None and known.ready

    def due(self, ident: str, started_at: float, probe: Mapping[str, Any]) -> float:
        """When to ask next, in seconds since 1970."""
        known = self._asked.get(ident)
        return known.due if known is not None else started_at + probe["delay"]

    async def ask(self, ident: str, probe: Mapping[str, Any]) -> bool:
        """Ask now; returns what all answers come to.

        Raises:
            Transient: the engine is away.
        """
        known = self._asked.setdefault(ident, _Asked())
        with anyio.move_on_after(probe["timeout"]) as limit:
            well = await self._is_well(ident, probe)
        if limit.cancelled_caught:
            well = False
        known.failures = 0 if well else known.failures + 1
        known.ready = well or (known.ready and known.failures < probe["failures"])
        known.due = time.time() + probe["period"]
        return known.ready

    def forget(self, alive: frozenset[str]) -> None:
        """Drop what is known of all others."""
        for ident in [ident for ident in self._asked if ident not in alive]:
            del self._asked[ident]

    async def _is_well(self, ident: str, probe: Mapping[str, Any]) -> bool:
        if probe["command"]:
            return await self._run(ident, probe["command"])
        if probe["path"] is None:
            return await _reach(probe["port"])
        return await _get(probe["port"], probe["path"])

    async def _run(self, ident: str, command: list[str]) -> bool:
        try:
            wanted = {"Cmd": command, "AttachStdout": True, "AttachStderr": True}
            made = await self._engine.call("POST", f"/containers/{ident}/exec", wanted)
            # Attached, as Podman does not tell the end of one that nobody listens to.
            attached = Question(f"/exec/{made['Id']}/start", "POST", {"Detach": False, "Tty": False})
            async with self._engine.stream(attached) as pieces:
                async for _ in pieces:
                    pass
            found = await self._engine.call("GET", f"/exec/{made['Id']}/json")
            return found.get("Running") is False and found.get("ExitCode") == 0
        except Denied:
            return False  # it cannot be run there, or the container has just ended


async def _reach(port: int) -> bool:
    try:
        stream = await anyio.connect_tcp("127.0.0.1", port)
    except OSError:
        return False
    await stream.aclose()
    return True


async def _get(port: int, path: str) -> bool:
    try:
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.get(f"http://127.0.0.1:{port}/{path.lstrip('/')}", timeout=None)
    except (httpx.HTTPError, Transient):
        return False
    return 200 <= answer.status_code < 400
