"""An attempt before its claim exists: its processes, their folders, and what is put in place for them. Pure.

What each process is to a backend is the backend's; what all of them agree on is here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from planner.canon import Json
from planner.keys import Key
from planner.model.gang import Container, Gang, Replica
from planner.model.run import Stamp
from reconciler.backends import contract
from reconciler.backends.machine.own import Own
from reconciler.errors import Refused
from reconciler.ports import Order

__all__ = [
    "Draft",
    "Member",
    "activity_of",
    "attempt_globals",
    "attempt_of",
    "check_members",
    "check_owner",
    "inits",
    "inits_of",
    "members_of",
    "probe_of",
    "stamp_record",
]


@dataclass(frozen=True, slots=True)
class Member:
    """One process of a gang, with its place on disk.

    Attributes:
        role, index, count: which one of how many of its role.
        container: what it runs.
        base: its own folder, with `work`, `io`, `lib` and `context.json`.
        artifacts: the run's folder, the same for all members and attempts.
        slots: indexes of countable resources that are its own.
    """

    role: str
    index: int
    count: int
    container: Container
    base: Path
    artifacts: Path
    slots: Mapping[str, tuple[int, ...]]

    @property
    def name(self) -> str:
        """Its name in the claim: role and index."""
        return f"{self.role}-{self.index}"


@dataclass(frozen=True, slots=True)
class Draft:
    """A claim before it exists.

    Attributes:
        record: what claim.json will say.
        members: the processes.
        contexts: context file of each member.
        attempt: folder of the attempt's files, its name never used before.
        init: by role, what is put in place before the programs start, beside code of the repository.
        runs: the folder of all runs.
        own: the run's artifacts folder, and what it starts with.
    """

    record: dict[str, Any]
    members: tuple[Member, ...]
    contexts: tuple[Mapping[str, Json], ...]
    attempt: Path
    init: Mapping[str, Sequence[Json]]
    runs: Path
    own: Own

    @property
    def entries(self) -> Sequence[Json]:
        """All entries of `init`, of whatever role."""
        return [entry for entries in self.init.values() for entry in entries]


def stamp_record(stamp: Stamp) -> dict[str, Json]:
    """The stamp as claims carry it."""
    return {
        "ledger": stamp.ledger,
        "sequence": stamp.sequence,
        "instance": stamp.instance,
        "project": stamp.project,
    }


def check_owner(mine: Stamp, theirs: Stamp) -> None:
    """An order of another instance or project must never come here.

    Raises:
        ValueError: this is one.
    """
    if (mine.instance, mine.project) != (theirs.instance, theirs.project):
        raise ValueError(f"an order of {theirs.instance}/{theirs.project} at {mine.instance}/{mine.project}")


def attempt_of(home: Path, key: Key, token: str) -> Path:
    """The folder of an attempt, by the token of its claim."""
    return home / f"a{key.attempt}-{token[:8]}"


def attempt_globals(order: Order, artifacts: Path) -> dict[str, Json]:
    """What of `globals.*` only a backend of one machine knows."""
    return contract.attempt_globals(str(artifacts.parent.parent), str(artifacts), order.leases.ports)


def inits_of(gang: Gang) -> dict[str, Sequence[Json]]:
    """By role, what is put in place before the programs start, beside code of the repository."""
    return {group.role: _init(group) for group in gang.replicas}


def inits(gang: Gang) -> bool:
    """Whether something is put in place before the programs of `gang` start, beside code of the repository."""
    return any(_init(group) for group in gang.replicas)


def _init(group: Replica) -> Sequence[Json]:
    entries = group.pod.get("init")
    return entries if isinstance(entries, list | tuple) else ()


def members_of(order: Order, attempt: Path, artifacts: Path) -> Iterator[Member]:
    """The processes in order, each with its share of the leased slots."""
    left = {name: list(indexes) for name, indexes in order.leases.slots.items()}
    for group in order.run.gang.replicas:
        for index in range(group.count):
            base = attempt / f"{group.role}-{index}"
            yield Member(group.role, index, group.count, group.container, base, artifacts, _share(group, left))


def _share(group: Replica, left: dict[str, list[int]]) -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    for name, free in left.items():
        amount = group.container.resources.get(name, "")
        if amount.isdigit() and int(amount):
            found[name] = tuple(free[: int(amount)])
            del free[: int(amount)]
    return found


def check_members(gang: Gang, members: Sequence[Member], leased: Sequence[int]) -> None:
    """Whether the processes of a gang can be told apart and share this machine.

    Raises:
        Refused: they cannot.
    """
    for member in members:
        if not member.role.replace("-", "").replace("_", "").isalnum():
            raise Refused(f"role {member.role!r} cannot name a folder")
    if len({member.name for member in members}) != len(members):
        raise Refused("two replica groups have the same role")
    if gang.decider not in {member.role for member in members}:
        raise Refused(f"no replica has the role {gang.decider!r}, whose exit decides the outcome")
    if leased and any(group.count > 1 for group in gang.replicas):
        raise Refused(
            "all replicas would listen on the same port of this machine: set run.replicas to 1, or declare no run.ports"
        )


def probe_of(order: Order) -> dict[str, Json] | None:
    """How a service of this machine is asked whether it is ready, at the port that it leases.

    Raises:
        Refused: it has no such port.
    """
    probe, ports = order.run.gang.probe, order.leases.ports
    if probe is None:
        return None
    if not probe.command and not 0 <= probe.port < len(ports):
        raise Refused(f"the readiness probe looks at port {probe.port}, but the run has {len(ports)} ports")
    return {
        "path": probe.http_path,
        "port": 0 if probe.command else ports[probe.port],
        "command": list(probe.command),
        "period": probe.period,
        "timeout": probe.timeout,
        "failures": probe.failures,
        "delay": probe.delay,
    }


def activity_of(order: Order) -> dict[str, Json] | None:
    """How it is asked whether it is in use; None where nobody asks, or it has no such port."""
    activity, ports = order.run.activity, order.leases.ports
    if activity is None or (not activity.command and not 0 <= activity.port < len(ports)):
        return None
    return {
        "path": activity.http_path,
        "port": 0 if activity.command else ports[activity.port],
        "command": list(activity.command),
        "period": activity.period,
        "timeout": activity.timeout,
        "delay": 0,
    }
