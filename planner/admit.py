"""Admission: which of the leaves that are ready start now, and what each of them holds.

One function over all that is ready and all that is claimed, so that two roots never get the same slot. Claims
come from intents, not from observed objects: an intent whose object nobody saw yet holds its slot. Whoever is first
of its queue and does not fit has what is free of it kept, so that small ones never pass a large one for ever.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from planner.desire.view import Ready, Wait
from planner.keys import Key
from planner.line import Line, queue_name
from planner.model.facts import Intended
from planner.model.records import Claim
from planner.room import Limits, Room, Where

__all__ = ["Admission", "Granted", "Limits", "admit", "grant"]


@dataclass(frozen=True, slots=True)
class Granted:
    """What a line gets.

    Attributes:
        intents: of those who start, in order.
        lacks: why those were not let in that were looked at.
        closed: by queue, why nobody else of it is.
        full: why nobody at all is, or "".
    """

    intents: tuple[Intended, ...]
    lacks: Mapping[Key, str]
    closed: Mapping[str, str]
    full: str

    def waits(self, ready: Iterable[Ready]) -> tuple[Wait, ...]:
        """Why those of `ready` wait that were not let in, in order of their turn."""
        started = {intent.key for intent in self.intents}
        left = [item for item in ready if item.key not in started]
        return tuple(
            Wait(item.key.run, self._reason(item), item.since, queue=queue_name(item.queue))
            for item in sorted(left, key=lambda item: (item.since, item.key))
        )

    def _reason(self, item: Ready) -> str:
        return self.lacks.get(item.key) or self.closed.get(queue_name(item.queue)) or self.full


@dataclass(frozen=True, slots=True)
class Admission:
    """The answer: intents to record, and why the others wait."""

    intents: tuple[Intended, ...]
    waits: tuple[Wait, ...]


def admit(
    ready: Sequence[Ready],
    claims: Sequence[Claim],
    limits: Limits,
    now: datetime,
    taken_ports: frozenset[int] = frozenset(),
) -> Admission:
    """Decide for everything that is ready, and say of each that waits why. See `grant`."""
    held = {claim.key for claim in claims}
    line = Line(item for item in ready if item.key not in held)
    granted = grant(line, claims, limits, now, taken_ports)
    waiting = {item.key: item for item in ready if item.key not in held}
    return Admission(granted.intents, granted.waits(waiting.values()))


def grant(
    line: Line,
    claims: Sequence[Claim],
    limits: Limits,
    now: datetime,
    taken_ports: frozenset[int] = frozenset(),
) -> Granted:
    """Decide for everybody in `line`, in the order of their turns. It ends where nobody else can get anything.

    Args:
        line: leaves that would start; none of them has a claim.
        claims: what live attempts hold.
        limits: of the queues and the machine.
        now: instant of the intents.
        taken_ports: ports that may not be leased: held by other programs, or by other roots' identities.
    """
    room = Room(claims, limits, taken_ports)
    held = {claim.key for claim in claims}
    closed = {name: why for name in line.queues if (why := room.closed(name))}
    intents: list[Intended] = []
    lacks: dict[Key, str] = {}
    first: set[str] = set()
    for item in () if room.full() else line.in_turn(limits.queues, closed):
        name = queue_name(item.queue)
        if item.key in held:
            continue
        if lack := room.lack(item):
            lacks[item.key] = lack.reason
            if name not in first and lack.where is not Where.NEVER:
                first.add(name)
                room.keep(item, lack)
        else:
            intents.append(room.give(item, now))
        if why := room.closed(name):
            closed[name] = why
        if room.full():
            break
    return Granted(tuple(intents), lacks, closed, room.full())
