"""One life of the daemon: from its start to a kill at any await, a drain, or an end by its own fault."""

from __future__ import annotations

import inspect
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import trio

from reconciler.errors import Transient

__all__ = ["Life", "mortal"]


@dataclass(slots=True)
class Life:
    """A daemon that may die at the `dies_at`th await of a port, before or after the port did anything.

    Attributes:
        number: of the life, from 1.
        dies_at: at which await it is killed; 0 for never.
        said: takes a line for the history.
        ledger_fails: how often a record fails with a full disk, from 0 to 1.
        chance: source of these failures.
        most: awaits after which the whole history is given up: something wakes itself without end.
        give_up: called then.
        scope: what a kill cancels.
        awaits: how many there were.
        dead: nothing happens any more.
    """

    number: int
    dies_at: int
    said: Callable[[str], None]
    ledger_fails: float
    chance: random.Random
    most: int
    give_up: Callable[[], None]
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    awaits: int = 0
    dead: bool = False

    def kill(self, where: str) -> None:
        """kill -9."""
        if not self.dead:
            self.dead = True
            self.said(f"kill -9 of life {self.number} at await {self.awaits}, {where}")
            self.scope.cancel()

    async def step(self, where: str) -> None:
        """An await of a port. The dead never come back from one, so nothing of theirs happens after it."""
        self.awaits += 1
        if self.awaits > self.most:
            self.give_up()
            self.dead = True
        if self.awaits == self.dies_at:
            self.kill(where)
        if not self.dead:
            await trio.lowlevel.checkpoint()
        while self.dead:
            await trio.sleep_forever()


class _Mortal:
    """A port as a living daemon sees it: every call of it is an await before and after."""

    def __init__(self, life: Life, port: object, name: str) -> None:
        self._life = life
        self._port = port
        self._name = name

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if not inspect.iscoroutinefunction(found):
            return found
        wrapped = self._wrap(found, f"{self._name}.{name}")
        # Found once: an attribute of its own is faster than this function.
        self.__dict__[name] = wrapped
        return wrapped

    def _wrap(self, call: Callable[..., Awaitable[object]], name: str) -> Callable[..., Awaitable[object]]:
        life = self._life
        writes = name == "ledger.record"

        async def lived(*args: object, **named: object) -> object:
            await life.step(f"before {name}")
            if writes and life.ledger_fails and life.chance.random() < life.ledger_fails:
                raise Transient("the disk is full")
            answer = await call(*args, **named)
            await life.step(f"after {name}")
            return answer

        return lived


def mortal(life: Life, port: object, name: str) -> Any:
    """`port` for one life: after its end no call does anything or comes back."""
    return _Mortal(life, port, name)
