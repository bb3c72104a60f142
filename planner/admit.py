"""Admission: which of the leaves that are ready start now, and what each of them holds.

One function over all that is ready and all that is claimed, so that two roots never get the same slot. Claims
come from intents, not from observed objects: an intent whose object nobody saw yet holds its slot.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from planner.desire.view import Ready, Wait
from planner.model.facts import Intended
from planner.model.records import Claim
from planner.model.run import Leases

__all__ = ["Admission", "Limits", "admit"]


GPU = "gpu"
"""What every resource name of a GPU holds. Where anything is counted, one that is not is never given out uncounted."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one queue may hold at once, and what the machine has.

    Attributes:
        runs: attempts alive at once; None for no limit.
        slots: how many there are of each countable resource that is leased (GPUs, licences).
        ports: first and last port that services get.
    """

    runs: int | None = None
    slots: Mapping[str, int] = field(default_factory=dict)
    ports: tuple[int, int] = (20000, 29999)


@dataclass(frozen=True, slots=True)
class Admission:
    """The answer: intents to record, and why the others wait."""

    intents: tuple[Intended, ...]
    waits: tuple[Wait, ...]


@dataclass(slots=True)
class _Room:
    limits: Limits
    runs: int
    slots: dict[str, set[int]]
    ports: set[int]


def admit(
    ready: Iterable[Ready],
    claims: Sequence[Claim],
    limits: Limits,
    now: datetime,
    taken_ports: frozenset[int] = frozenset(),
) -> Admission:
    """Decide for everything that is ready, oldest first.

    Args:
        ready: leaves that would start.
        claims: what live attempts hold.
        limits: of the queue and the machine.
        now: instant of the intents.
        taken_ports: ports that may not be leased: held by other programs, or by other roots' identities.
    """
    room = _room(claims, limits, taken_ports)
    held = {claim.key for claim in claims}
    intents: list[Intended] = []
    waits: list[Wait] = []
    for item in sorted(ready, key=lambda item: (item.since, item.key)):
        if item.key in held:
            continue
        lack = _lack(item, room)
        if lack:
            waits.append(Wait(item.key.run, lack, item.since))
            continue
        leases = _lease(item, room)
        held.add(item.key)
        intents.append(
            Intended(
                root=item.root,
                key=item.key,
                leases=leases,
                at=now,
                queue=item.queue,
                requests=dict(item.requests),
                ports=item.ports,
                lane=item.lane,
            )
        )
    return Admission(tuple(intents), tuple(waits))


def _room(claims: Sequence[Claim], limits: Limits, taken_ports: frozenset[int]) -> _Room:
    slots: dict[str, set[int]] = {name: set() for name in limits.slots}
    ports = set(taken_ports)
    for claim in claims:
        ports.update(claim.leases.ports)
        for name, indexes in claim.leases.slots.items():
            slots.setdefault(name, set()).update(indexes)
    return _Room(limits, len(claims), slots, ports)


def _lack(item: Ready, room: _Room) -> str:
    if room.limits.runs is not None and room.runs >= room.limits.runs:
        return f"a place in queue {item.queue or 'default'} ({room.limits.runs} of {room.limits.runs} taken)"
    for name, amount in sorted(item.requests.items()):
        if name in room.limits.slots:
            free = room.limits.slots[name] - len(room.slots.get(name, ()))
            if amount > free:
                return f"{amount} of {name} ({free} free)"
        elif amount and GPU in name and room.limits.slots:
            return f"{amount} of {name} (none in backends.local.slots)"
    return ""


def _lease(item: Ready, room: _Room) -> Leases:
    room.runs += 1
    slots = {
        name: _take(room.slots.setdefault(name, set()), room.limits.slots[name], amount)
        for name, amount in sorted(item.requests.items())
        if name in room.limits.slots
    }
    return Leases(ports=tuple(_port(item, wanted, room) for wanted in item.ports), slots=slots)


def _take(taken: set[int], count: int, amount: int) -> tuple[int, ...]:
    chosen = tuple(index for index in range(count) if index not in taken)[:amount]
    taken.update(chosen)
    return chosen


def _port(item: Ready, wanted: int, room: _Room) -> int:
    """The port that the identity had before, else the declared one, else the first free one of the range."""
    first, last = room.limits.ports
    candidates = [item.leased[wanted]] if wanted in item.leased else []
    candidates += [wanted] if not item.lane else []
    for port in itertools.chain(candidates, range(first, last + 1)):
        if port not in room.ports:
            room.ports.add(port)
            return port
    # The range is exhausted: the declared port is the honest choice; the program will say that it is taken.
    return wanted
