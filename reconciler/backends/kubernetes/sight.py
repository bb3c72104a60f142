"""What attempts are now: from what is watched, and at an end from what the API server says of its pods then.

What it keeps in memory is only for speed: ends, which never change. What it must never do: say how
something ended by a look at its pods that is older than the look at its workload.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from planner.model.run import Observation, Phase, Stamp
from planner.model.status import StopReason
from reconciler.backends import outputs
from reconciler.backends.kubernetes import names, status
from reconciler.backends.kubernetes.desk import Desk
from reconciler.backends.kubernetes.objects import Found, Objects

__all__ = ["Sight"]

Object = dict[str, Any]

_MOST_ENDS = 10_000
"""Ends that are remembered; what is more is read again."""

PATIENCE = 3.0
"""Seconds that an attempt may take to start before anybody asks why."""
ASKED_EACH = 15.0
"""Seconds between two questions why."""


@dataclass(slots=True)
class _Wait:
    """An attempt that does not start: since when, and what was said of it when."""

    since: float
    asked: float = -math.inf
    events: Sequence[Object] = ()


class Sight:
    """Looks at attempts."""

    def __init__(self, objects: Objects, desk: Desk | None, owner: Stamp) -> None:
        """Touches nothing.

        Args:
            objects: what is watched.
            desk: where pods bring what they leave; None where they cannot reach it.
            owner: whose attempts they are.
        """
        self._objects = objects
        self._desk = desk
        self._owner = owner
        self._ends: dict[str, Observation] = {}
        self._waiting: dict[str, _Wait] = {}

    async def look(self, found: Found) -> Observation:
        """What an attempt is now.

        Raises:
            Transient: how it ended cannot be read now.
        """
        uid = found.main["metadata"]["uid"]
        if (end := self._ends.get(uid)) is not None:
            return end
        seen = self._observe(found, found.pods)
        if seen.phase is Phase.STARTING and not seen.message:
            return await self._with_reason(found, seen)
        self._waiting.pop(uid, None)
        if seen.phase is not Phase.ENDED:
            return seen
        pods = await self._objects.pods_of(found)
        seen = self._observe(found, pods)
        if seen.phase is Phase.ENDED:
            seen = await self._with_brought(found, seen, pods)
            while len(self._ends) >= _MOST_ENDS:
                self._ends.pop(next(iter(self._ends)))
            self._ends[uid] = seen
        return seen

    async def _with_reason(self, found: Found, seen: Observation) -> Observation:
        """With what keeps it from starting for long, where only events say so: a quota, admission, a mount."""
        now, uid = time.monotonic(), found.main["metadata"]["uid"]
        wait = self._waiting.setdefault(uid, _Wait(now))
        if now - wait.since < PATIENCE:
            return seen
        if now - wait.asked >= ASKED_EACH:
            about = [item["metadata"]["uid"] for item in (found.main, *found.pods[-1:])]
            wait.asked, wait.events = now, [one for uid in about for one in await self._objects.events(found, uid)]
        return self._observe(found, found.pods, wait.events)

    async def _with_brought(self, found: Found, seen: Observation, pods: Sequence[Object]) -> Observation:
        """With what its agent brought: the whole output file, as a pod itself carries 4 KiB, and what of its artifacts.

        What nobody brought nobody can have, whatever the pod says of it.
        """
        if self._desk is None:
            return replace(seen, artifacts=None)
        seen = replace(
            seen, artifacts=await self._desk.taken(names.object_name(seen.key.run, self._owner), seen.key.attempt)
        )
        brought = await self._desk.output(found.name)
        if brought is None:
            return _cut(seen, pods)
        whole = outputs.parse(brought)
        return replace(seen, outputs=whole.values, message="; ".join(filter(None, (seen.message, whole.message))))

    def _observe(self, found: Found, pods: Sequence[Object], events: Sequence[Object] = ()) -> Observation:
        ways = self._objects.ways.drift(found.main) if found.kind == "Deployment" else ""
        return status.observe(status.Objects(found.kind, found.main, pods, events, ways, found.queued))


def _cut(seen: Observation, pods: Sequence[Object]) -> Observation:
    """An end whose agent had not handed over all when its time was over.

    A program that succeeded counts as lost where something of it is missing: whoever reads it next would find nothing.
    """
    pod = status.newest(pods)
    owed = status.owed_by(pod) if pod is not None else "what it left"
    if not owed or seen.reason is not StopReason.EXITED or seen.exit_code != 0:
        return seen
    why = "as nobody took it in time" if pod is not None else "as its pod was removed before"
    return replace(seen, reason=StopReason.LOST, message=f"it succeeded, but {owed} did not come along, {why}")
