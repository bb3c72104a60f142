"""A forge that fails: before it took anything, after some or all of it, slowly; or that loses what it was told."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import trio

from planner.model.commits import StatusRecord
from planner.outbox import Budget
from reconciler.errors import Transient
from reconciler.forges.memory import MemoryForge
from reconciler.ports import Taken

__all__ = ["FORGE_LIES", "SPARING", "FailingForge", "Outside"]

_PUT_LIES = ("forge-down", "forge-half", "forge-ack-lost", "forge-slow", "forge-forgets", "forge-part")
_BETWEEN_LIVES = "forge-forgets-while-down"

SPARING = Budget(writes=3, roots=2, apart=timedelta(seconds=10))
"""What forges with an API want to hear, and less: so that much is spared in every history."""

FORGE_LIES = (*_PUT_LIES, _BETWEEN_LIVES)
"""Every failure, by the name under which it is counted."""


@dataclass(slots=True)
class Outside:
    """What people see of commits, which outlives the daemon, and what decides on failures.

    Attributes:
        chance: source of its choices.
        rate: how often it fails, from 0 to 1.
        counts: failures by name.
        note: takes a line for the history.
        honest: work from now on.
        said: what is shown, by commit and context.
        budget: how much it wants to hear.
    """

    chance: random.Random
    rate: float
    counts: Counter[str]
    note: Callable[[str], None]
    honest: bool = False
    said: dict[tuple[str, str], StatusRecord] = field(default_factory=dict)
    budget: Budget | None = None

    def pick(self, lies: tuple[str, ...], often: int = 1) -> str:
        """One of `lies`, counted, or "" for the truth; `often` times as likely."""
        if self.honest or self.chance.random() >= often * self.rate:
            return ""
        lie = self.chance.choice(lies)
        self.counts[lie] += 1
        self.note(lie)
        return lie

    def forget(self) -> None:
        """Somebody's `git push --mirror`: all of it is gone, or what the clone does not have."""
        kept = self.chance.choice([0, 0, len(self.said) // 2, len(self.said) - 1])
        for name in list(self.said)[max(kept, 0) :]:
            del self.said[name]


class FailingForge:
    """`reconciler.ports.Forge` for one life of the daemon."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._truth = MemoryForge(outside.said)
        if outside.said and outside.pick((_BETWEEN_LIVES,), often=3):
            outside.forget()

    @property
    def budget(self) -> Budget | None:
        return self._outside.budget

    async def put(self, statuses: Sequence[StatusRecord]) -> Taken:
        match self._outside.pick(_PUT_LIES):
            case "forge-down":
                raise Transient("the forge is down")
            case "forge-half":
                await self._truth.put(statuses[: len(statuses) // 2])
                raise Transient("the forge broke off")
            case "forge-ack-lost":
                await self._truth.put(statuses)
                raise Transient("the forge did not answer")
            case "forge-slow":
                await trio.sleep(self._outside.chance.choice([0.5, 20.0]))
            case "forge-forgets":
                # Before it takes these: what is told last is there, all else may be gone.
                self._outside.forget()
            case "forge-part":
                return replace(await self._truth.put(statuses[: len(statuses) // 2 + 1]), after=3.0)
            case _:
                pass
        return await self._truth.put(statuses)

    async def spoke_of(self, commits: Sequence[str], context: str) -> bool:
        return await self._truth.spoke_of(commits, context)

    async def intact(self) -> bool:
        return await self._truth.intact()

    async def lost(self, said: Sequence[StatusRecord]) -> Sequence[StatusRecord]:
        return await self._truth.lost(said)
