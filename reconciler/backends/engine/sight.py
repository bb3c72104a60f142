"""Looks at many attempts: what is listed, what the engine says of it, and what is done about it on the way.

One list of containers serves a look at any number of attempts; one that goes on as it did is not asked for again, and
an end is read once. What it keeps in memory is only for speed: dropped at any moment, nothing is missed.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import anyio
import anyio.to_thread

from planner import keys
from planner.keys import Key
from planner.model.run import Observation, Phase
from reconciler.backends.engine.activity import Activity
from reconciler.backends.engine.driving import Driving
from reconciler.backends.engine.probing import Probing
from reconciler.backends.engine.replica import Replica, conclude, replicas_of, state_of, stop_of
from reconciler.backends.engine.turns import turn
from reconciler.backends.engine.work import has_work, next_due
from reconciler.backends.machine import artifacts, verdict
from reconciler.backends.machine.claims import Claim, Claims
from reconciler.backends.machine.damage import Unreadable
from reconciler.errors import Transient
from reconciler.telemetry import log

__all__ = ["Listed", "Sight"]

AT_ONCE = 8
"""Claims that are looked after at the same time."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds between two tries of a start that something keeps from happening; they double."""

Listed = Mapping[str, Mapping[str, Any]]
"""What the engine lists, by the name of the container."""


@dataclass(slots=True)
class _Memory:
    """What is remembered of a claim that lives.

    Attributes:
        claim: it.
        waits: what kept its containers from starting, the last time.
        again_at: when to try that again, in seconds since 1970.
        pause: how long it was waited for that.
        due: when to look after it next though nothing was heard, in seconds since 1970.
        seen: as it was last.
    """

    claim: Claim
    waits: str = ""
    again_at: float = 0.0
    pause: float = 0.0
    due: float = 0.0
    seen: Observation | None = None


class Sight:
    """The claims of one instance and project."""

    def __init__(
        self,
        claims: Claims,
        driving: Driving,
        asking: tuple[Probing, Activity],
        listing: Callable[[], Awaitable[Listed]],
    ) -> None:
        self._claims = claims
        self._driving = driving
        self._probing, self._activity = asking
        self._listing = listing
        self._alive: dict[str, _Memory] = {}
        self._ended: dict[str, Observation] = {}
        self._unread: dict[str, str] = {}

    async def look(self, asked: frozenset[Key] | None) -> dict[Key, Observation]:
        """The attempts that are not cleaned, or those of them that are asked for.

        Raises:
            Transient: the engine is away, and one of them lives.
        """
        wanted = await anyio.to_thread.run_sync(lambda: self._wanted(asked))
        found: dict[Key, Observation] = {}
        alive: list[_Memory] = []
        for name, key in wanted:
            seen = self._known(name, key)
            if isinstance(seen, Observation):
                found[seen.key] = seen
            elif seen is not None:
                alive.append(seen)
        for one in await self._looked_after(alive):
            found[one.key] = one
        return found

    async def look_after(self, claim: Claim, patience: float) -> None:
        """Do for one claim what is to be done now.

        Raises:
            Transient: the engine is away, or somebody else was at it for `patience` seconds.
        """
        memory = self._alive.setdefault(claim.folder.name, _Memory(claim))
        if not await self._drive(memory, patience):
            raise Transient(f"another daemon is at work on {claim.key}")

    def leased(self) -> frozenset[int]:
        """Ports of what lives."""
        return frozenset(port for memory in self._alive.values() for port in memory.claim.record["ports"])

    def due(self) -> Sequence[tuple[float, Key]]:
        """When each attempt that lives is to be looked after next, in seconds since 1970."""
        return [(memory.due, keys.parse(memory.claim.key)) for memory in self._alive.values()]

    def last(self, key: Key) -> Observation | None:
        """An attempt as it was seen last, as long as it lives."""
        memory = self._alive.get(self._claims.name(key))
        return memory.seen if memory is not None else None

    def hurry(self, key: Key) -> None:
        """What an attempt waited for has come: the next look tries again."""
        if (memory := self._alive.get(self._claims.name(key))) is not None:
            memory.again_at = memory.due = 0.0

    def put_off(self, key: Key, seconds: float) -> None:
        """Look after an attempt later: it cannot be done now."""
        if (memory := self._alive.get(self._claims.name(key))) is not None:
            memory.due = time.time() + seconds

    # --- what there is ---

    def _wanted(self, asked: frozenset[Key] | None) -> list[tuple[str, Key | None]]:
        if asked is not None:
            named = [(self._claims.name(key), key) for key in asked]
            return [(name, key) for name, key in named if self._claims.is_live(name)]
        names_now = self._claims.names()
        for memory in (self._alive, self._ended, self._unread):
            for name in [name for name in list(memory) if name not in set(names_now)]:
                memory.pop(name, None)
        return [(name, None) for name in names_now]

    def _known(self, name: str, key: Key | None) -> Observation | _Memory | None:
        """What is known of a claim without the engine: its end, or that it lives."""
        if (ended := self._ended.get(name)) is not None:
            return ended
        if (memory := self._alive.get(name)) is not None and not memory.claim.cleaned():
            return memory
        try:
            claim = self._claims.listed(name)
            if claim is None:
                return None
            claim.demand_known()
        except Unreadable as error:
            return self._shown(name, key, error)
        self._unread.pop(name, None)
        memory = self._alive[name] = _Memory(claim)
        return memory

    def _shown(self, name: str, key: Key | None, error: Unreadable) -> Observation:
        """What stands for a claim that cannot be read: its run may be alive, so it must not look absent or ended."""
        if self._unread.get(name) != error.message:
            self._unread[name] = error.message
            log.warning("a claim cannot be read", claim=name, reason=error.message)
        key = key or self._claims.key_of(name)
        if key is None:
            raise error  # a look at everything would prove its key absent, whichever that is
        return Observation(key, Phase.RUNNING, message=error.message)

    # --- what lives ---

    async def _looked_after(self, alive: Sequence[_Memory]) -> list[Observation]:
        if not alive:
            return []
        open_ones = [memory for memory in alive if not memory.claim.ended()]
        listed = await self._listing() if open_ones else {}
        found: list[Observation] = []
        failures: list[Exception] = []
        limit = anyio.CapacityLimiter(AT_ONCE)

        async def look(memory: _Memory) -> None:
            async with limit:
                try:
                    found.append(await self._look(memory, listed))
                except Exception as error:  # noqa: BLE001 -- raised below, when the others are done
                    failures.append(error)

        async with anyio.create_task_group() as tasks:
            for memory in alive:
                tasks.start_soon(look, memory)
        if failures:
            raise failures[0]
        return found

    async def _look(self, memory: _Memory, listed: Listed) -> Observation:
        claim = memory.claim
        waits = memory.waits and time.time() < memory.again_at and stop_of(claim) is None
        if not claim.ended() and not waits and has_work(claim, listed):
            await self._drive(memory, 0.0)
        if claim.ended():
            return await self._end(memory)
        await self._ask(memory)
        memory.seen = self._seen(memory)
        memory.due = self._next(memory)
        return memory.seen

    async def _drive(self, memory: _Memory, patience: float) -> bool:
        claim = memory.claim
        async with turn(claim.folder, patience) as mine:
            if not mine:
                return False
            if claim.cleaned():
                return True
            waits = [await self._driving.drive(replica) for replica in replicas_of(claim)]
            memory.waits = next(filter(None, waits), "")
            memory.pause = min(max(FIRST_PAUSE, 2 * memory.pause), LONGEST_PAUSE) if memory.waits else 0.0
            memory.again_at = time.time() + memory.pause
            await conclude(claim)
        return True

    async def _ask(self, memory: _Memory) -> None:
        """Ask containers of a service whether they are ready and, once they are, in use, where it is time to."""
        for replica in replicas_of(memory.claim):
            probe, run = replica.record["probe"], replica.read("run")
            if run is None or replica.read("exit") is not None:
                continue
            if probe is not None and time.time() >= self._probing.due(run["id"], run["at"], probe):
                await self._probing.ask(run["id"], probe)
            wanted = replica.record.get("activity") and self._ready(replica)
            if wanted and time.time() >= self._activity.due(run["id"]):
                await self._activity.ask(replica, run["id"])

    def _seen(self, memory: _Memory) -> Observation:
        claim = memory.claim
        states = [state_of(replica, ready=self._ready(replica)) for replica in replicas_of(claim)]
        found = verdict.observation(claim.record, states)
        runs = {replica.name: replica.read("run") for replica in replicas_of(claim)}
        images = {name: run["image"] for name, run in runs.items() if run is not None and run.get("image")}
        waits = memory.waits if found.phase is not Phase.ENDED else ""
        return replace(found, images=images, message=found.message or waits)

    def _ready(self, replica: Replica) -> bool:
        run = replica.read("run")
        if run is None:
            return False
        if replica.record["probe"] is not None:
            return self._probing.ready(run["id"])
        return time.time() >= _steady(replica, run)

    def _next(self, memory: _Memory) -> float:
        due = next_due(memory.claim, self._questions)
        return min(due, memory.again_at) if memory.waits else due

    def _questions(self, replica: Replica, run: Mapping[str, Any]) -> list[float]:
        """When a container is to be asked something."""
        probe, found = replica.record["probe"], []
        if probe is not None:
            found.append(self._probing.due(run["id"], run["at"], probe))
        if replica.record.get("activity") and (probe is None or self._probing.ready(run["id"])):
            found.append(max(self._activity.due(run["id"]), _steady(replica, run)))
        return found

    # --- what has ended ---

    async def _end(self, memory: _Memory) -> Observation:
        claim = memory.claim
        found = await anyio.to_thread.run_sync(
            lambda: artifacts.with_left(claim.record.get("attempt", ""), self._seen(memory))
        )
        if found.phase is Phase.ENDED:
            self._ended[claim.folder.name] = found
            self._alive.pop(claim.folder.name, None)
            for run in filter(None, (replica.read("run") for replica in replicas_of(claim))):
                self._probing.forget(run["id"])
                self._activity.forget(run["id"])
        return found


def _steady(replica: Replica, run: Mapping[str, Any]) -> float:
    """When a service that has no probe counts as ready, in seconds since 1970."""
    return float(run["at"]) + float(replica.claim.record["steady"] or 0)
