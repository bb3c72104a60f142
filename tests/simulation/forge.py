"""A forge that fails: before it took anything, after it took some, after it took all, or slowly."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

import trio

from planner.model.commits import StatusRecord
from reconciler.errors import Transient
from reconciler.forges.memory import MemoryForge

__all__ = ["FORGE_LIES", "FailingForge"]

FORGE_LIES = ("forge-down", "forge-half", "forge-ack-lost", "forge-slow")
"""Every failure, by the name under which it is counted."""


class FailingForge:
    """`reconciler.ports.Forge` over one that remembers.

    Attributes:
        truth: what people see.
        counts: failures by name.
        honest: work from now on.
    """

    def __init__(self, chance: random.Random, rate: float) -> None:
        self.truth = MemoryForge()
        self.counts: Counter[str] = Counter()
        self.honest = False
        self._chance = chance
        self._rate = rate

    async def put(self, statuses: Sequence[StatusRecord]) -> None:
        if self.honest or self._chance.random() >= self._rate:
            await self.truth.put(statuses)
            return
        fault = self._chance.choice(FORGE_LIES)
        self.counts[fault] += 1
        match fault:
            case "forge-half":
                await self.truth.put(statuses[: len(statuses) // 2])
                raise Transient("the forge broke off")
            case "forge-ack-lost":
                await self.truth.put(statuses)
                raise Transient("the forge did not answer")
            case "forge-slow":
                await trio.sleep(self._chance.choice([0.5, 20.0]))
                await self.truth.put(statuses)
            case _:
                raise Transient("the forge is down")

    async def intact(self) -> bool:
        return await self.truth.intact()
