"""Whether services are ready: asked at their port on this machine, or by a command in their container.

It remembers the last answer of each; after a restart of the daemon everything is asked anew. It decides nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import anyio

from reconciler.backends.engine import asking
from reconciler.backends.engine.client import Engine

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

    def forget(self, ident: str) -> None:
        """Drop what is known of a container that has ended."""
        self._asked.pop(ident, None)

    async def _is_well(self, ident: str, probe: Mapping[str, Any]) -> bool:
        if probe["command"]:
            return await asking.run(self._engine, ident, probe["command"]) == 0
        if probe["path"] is None:
            return await asking.reaches(probe["port"])
        answer = await asking.get(probe["port"], probe["path"])
        return answer is not None and 200 <= answer[0] < 400
