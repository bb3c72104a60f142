"""Letting in: the claims of the ledger and the line of what is ready, brought before `planner.admit`.

A root is let in within its own transaction only. Whoever else's turn it is, is looked at next: a place that becomes
free costs the look at the line and the plans of those who get it, however many wait. This module decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from planner.admit import Granted, grant
from planner.desire.view import Ready, Wait
from planner.keys import Key
from planner.line import queue_name
from planner.model.facts import Intended
from planner.model.records import Claim
from planner.model.run import Snapshot
from planner.plan import RootPlan
from reconciler.core import Core

__all__ = ["Admitted", "Door", "waits_of"]

_WHOLE = "the first look at what was open when the daemon started"


@dataclass(frozen=True, slots=True)
class Admitted:
    """What a root gets.

    Attributes:
        intents: to be recorded with its plan.
        waits: why the rest waits.
        moved: whether something of it left the line, or waits for something else: others may have their turn.
    """

    intents: tuple[Intended, ...] = ()
    waits: tuple[Wait, ...] = ()
    moved: bool = False


class Door:
    """Lets in what is ready. Its calls for a root happen under `core.admission`."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def ask(self, name: str, plan: RootPlan, snapshot: Snapshot | None) -> Admitted:
        """Have `name` wait with what its plan has ready, and tell what of it is let in now."""
        core = self._core
        moved = core.line.put(name, plan.ready)
        if core.draining or not plan.ready:
            return Admitted(moved=moved)
        # What this plan saw end holds nothing any more, though the ledger learns of it only with the intents.
        granted = grant(
            core.line,
            [claim for claim in await core.ledger.claims() if not _is_over(plan, claim)],
            core.policy.limits,
            core.clock.now(),
            await self._taken_ports(name, plan.ready, snapshot),
        )
        own = {intent.key: intent for intent in granted.intents if intent.root == name}
        late = self._too_early(plan.ready) & own.keys() if core.unplanned - {name} else frozenset()
        waits = granted.waits([item for item in plan.ready if item.key not in late])
        waits += tuple(Wait(item.key.run, _WHOLE, item.since) for item in plan.ready if item.key in late)
        return Admitted(tuple(intent for key, intent in own.items() if key not in late), waits, moved)

    def _too_early(self, ready: Sequence[Ready]) -> frozenset[Key]:
        """What others may want too: until all of them were planned, nobody knows whose turn it is."""
        limits = self._core.policy.limits
        return frozenset(
            item.key
            for item in ready
            if limits.runs is not None
            or limits.of(queue_name(item.queue)).limited
            or any(amount and name in limits.slots for name, amount in item.requests.items())
        )

    def let_in(self, name: str, plan: RootPlan, admitted: Admitted) -> None:
        """Note that the intents of `admitted` are recorded: what is left of `name` goes on waiting."""
        started = {intent.key for intent in admitted.intents}
        self._core.line.put(name, [item for item in plan.ready if item.key not in started])

    async def step_aside(self, name: str) -> None:
        """Let others go before `name`, which could not be planned: it is in the line again when it can."""
        if self._core.line.put(name, ()):
            await self.call()

    async def call(self) -> None:
        """Have those looked at whose turn it is."""
        core = self._core
        if core.draining or not len(core.line):
            return
        for intent in (await self.granted()).intents:
            core.queue.add(f"root:{intent.root}")

    async def granted(self) -> Granted:
        """What the line gets as things are."""
        core = self._core
        return grant(core.line, await core.ledger.claims(), core.policy.limits, core.clock.now())

    async def planned(self, name: str) -> None:
        """Note that `name` was planned since the start, or cannot be: after the last one the line is whole."""
        core = self._core
        if name in core.unplanned:
            core.unplanned.discard(name)
            if not core.unplanned:
                await self.call()

    async def _taken_ports(self, name: str, ready: Sequence[Ready], snapshot: Snapshot | None) -> frozenset[int]:
        core = self._core
        taken: set[int] = set(snapshot.busy_ports) if snapshot is not None else set()
        if any(item.ports for item in ready):
            taken |= set((await core.backend.observe(())).busy_ports)
            roots = await core.ledger.roots()
            taken |= {port for other, record in roots.items() if other != name for port in record.ports.values()}
        return frozenset(taken)


def _is_over(plan: RootPlan, claim: Claim) -> bool:
    """Whether `plan` saw the end of what holds `claim`."""
    run = plan.state.runs.get(claim.key.run)
    return run is not None and any(one.number == claim.key.attempt and not one.live for one in run.attempts)


def waits_of(core: Core, root: str) -> tuple[Wait, ...]:
    """Why `root` waits, with the position of each of its runs in its queue as it is now."""
    places = {item.key.run: core.line.position(item.key) for item in core.line.of(root)}
    return tuple(_placed(wait, places.get(wait.key)) for wait in core.waits.get(root, ()))


def _placed(wait: Wait, place: tuple[int, int] | None) -> Wait:
    if not wait.queue or place is None:
        return wait
    position, waiting = place
    where = "" if f"queue {wait.queue} " in wait.reason else f" in queue {wait.queue}"
    return replace(wait, reason=f"{wait.reason}, position {position} of {waiting}{where}")
