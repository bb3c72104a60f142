"""When attempts have had their time, and are told to end from here.

For services no cluster does that. For jobs it does, a little later, where nobody here did: with the grace that the
sidecar has to hand over what is left, as it has no other, and which no later word makes shorter (decision 0125). What
must never happen: that the pod of a program that has ended is cut while it hands over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from planner.keys import Key
from planner.model.run import Observation, Phase
from reconciler.backends.kubernetes import layout, names
from reconciler.backends.kubernetes.objects import Found
from reconciler.backends.kubernetes.status.read import Object, container, instant, section
from reconciler.backends.kubernetes.status.stop import seconds_of
from reconciler.ports import Clock

__all__ = ["Deadlines"]

_GRACE = 30.0
"""Seconds of an attempt that says nothing of it, as it was made by an older version."""


class Deadlines:
    """When to look at whom, so that nobody lives beyond its time."""

    def __init__(self, clock: Clock, tell: Callable[[Key], None]) -> None:
        """Touches nothing.

        Args:
            clock: for what time it is.
            tell: has somebody look at an attempt.
        """
        self._clock = clock
        self._tell = tell
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def grace(self, found: Found, seen: Observation) -> float | None:
        """Seconds that an attempt has from now on to end, as its time is over; None while it is not.

        Somebody is told when it will be.
        """
        self._forget(found.name)
        began = _began(found, seen)
        if began is None:
            return None
        left = (seconds_of(found.main, names.TIMEOUT) or 0.0) - (self._clock.now() - began).total_seconds()
        if left > 0:
            self._timers[found.name] = asyncio.get_running_loop().call_later(left, self._reached, found.name, seen.key)
            return None
        grace = seconds_of(found.main, names.GRACE)
        return _GRACE if grace is None else grace

    def close(self) -> None:
        """Tell nobody any more."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _reached(self, name: str, key: Key) -> None:
        self._timers.pop(name, None)
        self._tell(key)

    def _forget(self, name: str) -> None:
        if (timer := self._timers.pop(name, None)) is not None:
            timer.cancel()


def _began(found: Found, seen: Observation) -> datetime | None:
    """When the time of an attempt began that is at work and has a limit; None of any other one.

    That of a job begins when a node has it, as `activeDeadlineSeconds` counts.
    """
    if seconds_of(found.main, names.TIMEOUT) is None or seen.phase is not Phase.RUNNING:
        return None
    if found.kind != "Job":
        return seen.started_at
    working: list[Object] = [pod for pod in found.pods if section(container(pod, layout.MAIN), "state", "running")]
    return instant(section(working[-1], "status"), "startTime") if working else None
