"""A backend that lies as real ones do, over one that does not.

What it says is false within the port's laws only where real backends are: an effect whose answer is lost, that comes
late (also after the daemon died), or that fails before it began; looks that are old (and say so), that lag behind own
writes, or fail; objects that are gone; hints that are doubled, swapped, lost or break off.
"""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import trio

from planner.canon import Json
from planner.keys import Key
from planner.model.artifacts import Artifact
from planner.model.metric import Metric, Progress
from planner.model.run import Observation, Snapshot
from reconciler.backends.memory import MemoryBackend
from reconciler.errors import Transient
from reconciler.ports import Clock, Content, Ensured, Order

__all__ = ["LIES", "Liar", "LyingBackend", "Rates"]

LIES = (
    "ack-lost",
    "ack-hangs",
    "effect-late",
    "effect-late-hidden",
    "fails-before",
    "slow",
    "look-stale",
    "look-lags",
    "look-fails",
    "restart-behind",
    "object-gone",
    "hint-doubled",
    "hint-swapped",
    "hint-lost",
    "hints-broken",
)
"""Every lie, by the name under which it is counted."""

_EFFECT_LIES = ("ack-lost", "ack-hangs", "effect-late", "effect-late-hidden", "fails-before", "slow")
_LOOK_LIES = ("look-stale", "look-lags", "look-fails")
_HINT_LIES = ("hint-doubled", "hint-swapped", "hint-lost", "hints-broken")

_PAST_EVERY_DEADLINE = 90.0

Look = tuple[float, datetime, Mapping[Key, Observation]]
"""When, in seconds and by the daemon's clock, and what was there."""


@dataclass(frozen=True, slots=True)
class Rates:
    """How often each kind of call is a lie, from 0 to 1."""

    effect: float = 0.3
    look: float = 0.15
    hint: float = 0.2
    gone: float = 0.004
    behind: float = 0.4


@dataclass(slots=True)
class Liar:
    """What decides on lies, and outlives the daemon.

    Attributes:
        random: source of its choices.
        rates: how often it lies.
        late: where effects that come late live on.
        counts: lies told, by name.
        honest: tell the truth from now on.
        looks: what was seen lately, with the instant by the daemon's clock.
        shown: objects that a look showed once: they never lag again.
        made: when each object was made, in seconds.
        seen: attempts whose first look is in the ledger, and since when, in seconds. Only these can be gone without a
            trace: until then the claims and finalizers of real backends keep what was made.
    """

    random: random.Random
    rates: Rates
    late: trio.Nursery
    counts: Counter[str] = field(default_factory=Counter)
    honest: bool = False
    looks: deque[Look] = field(default_factory=lambda: deque(maxlen=60))
    shown: set[Key] = field(default_factory=set)
    made: dict[Key, float] = field(default_factory=dict)
    seen: set[Key] = field(default_factory=set)

    def pick(self, rate: float, lies: tuple[str, ...]) -> str:
        """One of `lies`, counted, or "" for the truth."""
        if self.honest or self.random.random() >= rate:
            return ""
        lie = self.random.choice(lies)
        self.counts[lie] += 1
        return lie


class LyingBackend:
    """A `Backend` for one life of a daemon."""

    def __init__(self, truth: MemoryBackend, liar: Liar, clock: Clock, said: Callable[[str], None]) -> None:
        self._truth = truth
        self._liar = liar
        self._clock = clock
        self._said = said
        self._behind = self._restart_behind()

    def _restart_behind(self) -> tuple[float, Look] | None:
        """Until when this life sees an old view of the backend, and which: it came up against a slow copy."""
        liar = self._liar
        if liar.honest or not liar.looks or liar.random.random() >= liar.rates.behind:
            return None
        old = liar.random.choice([look for look in liar.looks if look[0] >= liar.looks[-1][0] - 300])
        return trio.current_time() + liar.random.choice([0.5, 5.0, 30.0]), old

    async def ensure(self, order: Order) -> Ensured:
        async def act() -> Ensured:
            self._liar.made.setdefault(order.key, trio.current_time())
            return await self._truth.ensure(order)

        return await self._effect(f"ensure {order.key}", act) or Ensured.CREATED

    async def stop(self, key: Key, grace: float) -> None:
        async def act() -> None:
            await self._truth.stop(key, grace)

        await self._effect(f"stop {key}", act)

    async def clean(self, key: Key) -> None:
        async def act() -> None:
            await self._truth.clean(key)

        await self._effect(f"clean {key}", act)

    async def forget(self, run: Key, attempts: int, sequence: int) -> None:
        if self._liar.pick(self._liar.rates.effect, ("fails-before",)):
            raise Transient("it could not be done now")
        await self._truth.forget(run, attempts, sequence)

    async def weigh(self, run: Key, attempts: int) -> int:
        return await self._truth.weigh(run, attempts)

    def knows(self, order: Order) -> Mapping[str, Json]:
        return self._truth.knows(order)

    async def observe(self, keys: Collection[Key] | None = None) -> Snapshot:
        liar = self._liar
        self._lose_something()
        asked_at = self._clock.now()
        objects = dict((await self._truth.observe()).objects)
        liar.looks.append((trio.current_time(), asked_at, objects))
        lie = liar.pick(liar.rates.look, _LOOK_LIES)
        if lie:
            self._said(f"{lie}: look at {'all' if keys is None else sorted(keys)}")
        if self._behind is not None and not liar.honest and trio.current_time() <= self._behind[0]:
            liar.counts["restart-behind"] += 1
            _, asked_at, objects = self._behind[1]
            lie = ""
        match lie:
            case "look-fails":
                raise Transient("the backend cannot be asked")
            case "look-stale":
                fresh = [look for look in liar.looks if look[0] >= trio.current_time() - 120]
                _, asked_at, objects = liar.random.choice(fresh)
            case "look-lags":
                since = trio.current_time() - 5
                lagging = {key for key in objects if liar.made.get(key, 0) > since and key not in liar.shown}
                objects = {key: seen for key, seen in objects.items() if key not in lagging}
            case _:
                pass
        shown = {key: seen for key, seen in objects.items() if keys is None or key in keys}
        liar.shown.update(shown)
        return Snapshot(asked_at, shown, None if keys is None else frozenset(keys))

    def _lose_something(self) -> None:
        liar = self._liar
        if liar.honest or liar.random.random() >= liar.rates.gone:
            return
        alive = sorted(self._truth.alive() & liar.seen)
        if alive:
            liar.counts["object-gone"] += 1
            key = liar.random.choice(alive)
            self._said(f"object-gone: {key}")
            self._truth.vanish(key)

    async def changes(self) -> AsyncIterator[Key]:
        liar = self._liar
        held: list[Key] = []
        async for key in self._truth.changes():
            lie = liar.pick(liar.rates.hint, _HINT_LIES)
            if lie:
                self._said(f"{lie}: {key}")
            match lie:
                case "hint-lost":
                    continue
                case "hint-swapped":
                    held.append(key)
                    continue
                case "hint-doubled":
                    yield key
                case "hints-broken":
                    raise Transient("the watch broke off")
                case _:
                    pass
            yield key
            for late in held:
                yield late
            held.clear()

    async def logs(self, key: Key, *, follow: bool = False, tail: int | None = None) -> AsyncIterator[bytes]:
        async for chunk in self._truth.logs(key, follow=follow, tail=tail):
            yield chunk

    async def metrics(self, key: Key) -> AsyncIterator[Sequence[Metric]]:
        async for piece in self._truth.metrics(key):
            yield piece

    async def progress(self, keys: Collection[Key]) -> Mapping[Key, Mapping[str, Progress]]:
        return await self._truth.progress(keys)

    async def artifacts(self, key: Key, path: str = "") -> Sequence[Artifact]:
        return await self._truth.artifacts(key, path)

    async def artifact(self, key: Key, path: str) -> Content:
        return await self._truth.artifact(key, path)

    async def close(self) -> None:
        await self._truth.close()

    async def _effect(self, name: str, act: Callable[[], Awaitable[Ensured | None]]) -> Ensured | None:
        liar = self._liar
        lie = liar.pick(liar.rates.effect, _EFFECT_LIES)
        if lie:
            self._said(f"{lie}: {name}")
        match lie:
            case "ack-lost":
                await act()
                raise Transient("the answer was lost")
            case "ack-hangs":
                await act()
                await trio.sleep(_PAST_EVERY_DEADLINE)
                raise Transient("no answer")
            case "effect-late" | "effect-late-hidden":
                delay = liar.random.choice([0.1, 1.0, 5.0, 40.0, 200.0])
                liar.late.start_soon(self._later, delay, act)
                if lie == "effect-late":
                    raise Transient("the answer was lost before the effect")
                return None
            case "fails-before":
                raise Transient("it could not be done now")
            case "slow":
                await trio.sleep(liar.random.choice([0.05, 0.5, 5.0, 25.0]))
            case _:
                pass
        return await act()

    async def _later(self, delay: float, act: Callable[[], Awaitable[Ensured | None]]) -> None:
        await trio.sleep(delay)
        await act()
