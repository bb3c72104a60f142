"""The room that there is: what claims leave free of queues and of the machine, and what is kept for whoever is next.

Counts and nothing else: who is asked next is for `planner.admit`. What is not counted is never said to be free.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from planner.compile.amounts import amount_in, plain
from planner.desire.view import Ready
from planner.line import DEFAULT, QueueLimits, queue_name
from planner.model.facts import Intended
from planner.model.records import Claim
from planner.model.run import Leases

__all__ = ["Lack", "Limits", "Room", "Where", "amounts_of_claim", "used_of"]

GPU = "gpu"
"""What every resource name of a GPU holds. Where anything is counted, one that is not is never given out uncounted."""

_ZERO = Decimal(0)
_FREE = QueueLimits()


@dataclass(frozen=True, slots=True)
class Limits:
    """What queues may hold at once, and what the machine has.

    Attributes:
        runs: attempts alive at once on the machine; None for no limit.
        slots: how many there are of each countable resource that is leased (GPUs, licences).
        ports: first and last port that services get; None where each has its declared ports for itself.
        queues: by name; where there are none, any name is a queue without limits.
    """

    runs: int | None = None
    slots: Mapping[str, int] = field(default_factory=dict)
    ports: tuple[int, int] | None = (20000, 29999)
    queues: Mapping[str, QueueLimits] = field(default_factory=dict)

    def of(self, queue: str) -> QueueLimits:
        """Of a queue by name."""
        return self.queues.get(queue, _FREE)


class Where(StrEnum):
    """What something waits for."""

    QUEUE = "queue"
    MACHINE = "machine"
    NEVER = "never"
    """It asks for more than there ever is: nothing is kept for it, or everybody behind it would wait for ever."""


@dataclass(frozen=True, slots=True)
class Lack:
    """Why something does not start, as the end of "waiting for"."""

    where: Where
    reason: str


@dataclass(slots=True)
class _Used:
    runs: int = 0
    kept: int = 0
    amounts: dict[str, Decimal] = field(default_factory=dict)


_UNUSED = _Used()


class Room:
    """What is free, while it is given out. Lives for one decision."""

    def __init__(self, claims: Sequence[Claim], limits: Limits, taken_ports: frozenset[int] = frozenset()) -> None:
        self.limits = limits
        self._runs = len(claims)
        self._slots: dict[str, set[int]] = {name: set() for name in limits.slots}
        self._ports = set(taken_ports)
        self._kept: dict[str, int] = {}
        self._used: dict[str, _Used] = {}
        for claim in claims:
            self._ports.update(claim.leases.ports)
            for name, indexes in claim.leases.slots.items():
                self._slots.setdefault(name, set()).update(indexes)
            self._use(queue_name(claim.queue), amounts_of_claim(claim))

    def full(self) -> str:
        """Why nothing at all starts, or ""."""
        runs = self.limits.runs
        return (
            f"a place on the machine ({self._runs} of {runs} taken)" if runs is not None and self._runs >= runs else ""
        )

    def closed(self, queue: str) -> str:
        """Why nothing of `queue` starts, whatever it asks for, or ""."""
        limit, used = self.limits.of(queue).runs, self._used.get(queue, _UNUSED)
        if limit is None or used.runs + used.kept < limit:
            return ""
        kept = f", {used.kept} kept for the first of it" if used.kept else ""
        return f"a place in queue {queue} ({used.runs} of {limit} taken{kept})"

    def lack(self, item: Ready) -> Lack | None:
        """What there is too little of for `item`."""
        return self._lack_of_queue(item) or self._lack_of_machine(item)

    def _lack_of_queue(self, item: Ready) -> Lack | None:
        name = queue_name(item.queue)
        if self.limits.queues and name not in self.limits.queues and name != DEFAULT:
            return Lack(Where.NEVER, f"queue {name}, which is not in the configuration")
        if closed := self.closed(name):
            return Lack(Where.QUEUE, closed)
        used = self._used.get(name, _UNUSED).amounts
        for resource, most in sorted(self.limits.of(name).resources.items()):
            wanted, free = amount_in(item.amounts, resource), most - used.get(resource, _ZERO)
            if wanted > most:
                return Lack(
                    Where.NEVER, f"{plain(wanted)} of {resource} in queue {name}, which has {plain(most)} in all"
                )
            if wanted and wanted > free:
                left = plain(max(free, _ZERO))
                return Lack(
                    Where.QUEUE, f"{plain(wanted)} of {resource} in queue {name} ({left} of {plain(most)} free)"
                )
        return None

    def _lack_of_machine(self, item: Ready) -> Lack | None:
        if full := self.full():
            return Lack(Where.MACHINE, full)
        for name, amount in sorted(item.requests.items()):
            if name in self.limits.slots:
                free, kept = self._free(name), self._kept.get(name, 0)
                if amount > self.limits.slots[name]:
                    return Lack(Where.NEVER, f"{amount} of {name} (there are {self.limits.slots[name]} in all)")
                if amount and amount > free - kept:
                    said = f"{free} free, {kept} of them kept for who is first" if kept else f"{free} free"
                    return Lack(Where.MACHINE, f"{amount} of {name} ({said})")
            elif amount and GPU in name and self.limits.slots:
                return Lack(Where.NEVER, f"{amount} of {name} (none in `slots` of the backend)")
        return None

    def _free(self, name: str) -> int:
        return max(self.limits.slots[name] - len(self._slots[name]), 0)

    def keep(self, item: Ready, lack: Lack) -> None:
        """Keep for `item`, the first of its queue, what is free of all that it asks for.

        Of its own queue always; of the machine only where it waits for the machine, or what other queues could use
        would lie idle for as long as its own queue is full.
        """
        name = queue_name(item.queue)
        used = self._used.setdefault(name, _Used())
        used.kept += 1
        self._add(used, name, item.amounts)
        for slot, amount in item.requests.items() if lack.where is Where.MACHINE else ():
            if slot in self.limits.slots:
                kept = self._kept.get(slot, 0)
                self._kept[slot] = min(kept + amount, max(self._free(slot), kept))

    def give(self, item: Ready, now: datetime) -> Intended:
        """Give `item` what it asks for."""
        self._runs += 1
        self._use(queue_name(item.queue), item.amounts)
        slots = {
            name: self._take(name, amount)
            for name, amount in sorted(item.requests.items())
            if name in self.limits.slots
        }
        return Intended(
            root=item.root,
            key=item.key,
            leases=Leases(ports=tuple(self._port(item, wanted) for wanted in item.ports), slots=slots),
            at=now,
            queue=item.queue,
            requests=dict(item.requests),
            ports=item.ports,
            lane=item.lane,
            amounts={name: plain(one) for name, one in item.amounts.items() if one != item.requests.get(name)},
        )

    def _use(self, queue: str, amounts: Mapping[str, Decimal]) -> None:
        used = self._used.setdefault(queue, _Used())
        used.runs += 1
        self._add(used, queue, amounts)

    def _add(self, used: _Used, queue: str, amounts: Mapping[str, Decimal]) -> None:
        for resource in self.limits.of(queue).resources:
            used.amounts[resource] = used.amounts.get(resource, _ZERO) + amount_in(amounts, resource)

    def _take(self, name: str, amount: int) -> tuple[int, ...]:
        taken = self._slots[name]
        chosen = tuple(itertools.islice((i for i in range(self.limits.slots[name]) if i not in taken), amount))
        taken.update(chosen)
        return chosen

    def _port(self, item: Ready, wanted: int) -> int:
        """The port that the identity had before, else the declared one, else the first free one of the range."""
        if self.limits.ports is None:
            return wanted
        first, last = self.limits.ports
        candidates = [item.leased[wanted]] if wanted in item.leased else []
        candidates += [wanted] if not item.lane else []
        for port in itertools.chain(candidates, range(first, last + 1)):
            if port not in self._ports:
                self._ports.add(port)
                return port
        # The range is exhausted: the declared port is the honest choice; the program will say that it is taken.
        return wanted


def amounts_of_claim(claim: Claim) -> dict[str, Decimal]:
    """All that a live attempt asked for."""
    return {name: Decimal(whole) for name, whole in claim.requests.items()} | {
        name: Decimal(text) for name, text in claim.amounts.items()
    }


def used_of(claims: Iterable[Claim], limits: QueueLimits) -> dict[str, Decimal]:
    """How much of each limited resource `claims` hold together."""
    held = [amounts_of_claim(claim) for claim in claims]
    return {name: sum((amount_in(amounts, name) for amounts in held), _ZERO) for name in limits.resources}
