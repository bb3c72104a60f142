"""When services were last in use, by their own word. Whoever cannot be asked counts as in use: an error stops nobody.

The last answer is in the claim, so that a restart of the daemon forgets nothing; it decides nothing about services.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import anyio

from reconciler.backends.engine import asking
from reconciler.backends.engine.client import Engine
from reconciler.backends.engine.replica import Replica

__all__ = ["Activity"]

CANNOT_RUN = 126
"""Exit codes from this on say that a command could not be run, and nothing of the service."""


class Activity:
    """Who asks, and when next."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._due: dict[str, float] = {}

    def due(self, ident: str) -> float:
        """When to ask next, in seconds since 1970; at once where nobody did since the daemon started."""
        return self._due.get(ident, 0.0)

    async def ask(self, replica: Replica, ident: str) -> None:
        """Ask now, and write down what it comes to.

        Raises:
            Transient: the engine is away.
        """
        spec, now = replica.record["activity"], time.time()
        said: float | None = now
        with anyio.move_on_after(spec["timeout"]):
            said = await self._answer(ident, spec)
        before = (replica.read("active") or {}).get("at", 0.0)
        replica.note_unsynced("active", {"at": max(before, min(now if said is None else said, now))})
        self._due[ident] = now + spec["period"]

    def forget(self, ident: str) -> None:
        """Drop what is known of a container that has ended."""
        self._due.pop(ident, None)

    async def _answer(self, ident: str, spec: Mapping[str, Any]) -> float | None:
        """The instant that the service tells; 0 for one that is idle and tells none, None where it cannot be asked."""
        if spec["command"]:
            code = await asking.run(self._engine, ident, spec["command"])
            return 0.0 if code is not None and 0 < code < CANNOT_RUN else None
        answer = await asking.get(spec["port"], spec["path"])
        return _last(answer[1]) if answer is not None else None


def _last(answer: bytes) -> float | None:
    with contextlib.suppress(ValueError, KeyError, TypeError, RecursionError):
        at = datetime.fromisoformat(str(json.loads(answer)["last_activity"]))
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    return None
