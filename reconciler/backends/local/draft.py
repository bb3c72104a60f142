"""Makes an order into a claim: every process with its command, variables and paths. Pure but for the clock and dice.

It refuses what can never run here, before anything exists on disk.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from planner.canon import Json, plain
from planner.keys import Key
from planner.model.gang import Gang, Lifetime, Replica
from planner.model.run import Stamp
from reconciler.backends.local import environment
from reconciler.backends.local.account import Account
from reconciler.backends.local.environment import Member
from reconciler.backends.local.own import Own, home_of, own_of
from reconciler.backends.local.settings import LocalSettings
from reconciler.backends.local.supervisor import FORMAT
from reconciler.errors import Refused
from reconciler.ports import Order

__all__ = ["Draft", "Site", "attempt_of", "check_owner", "inits", "members_of", "stamp_record", "write"]


@dataclass(frozen=True, slots=True)
class Site:
    """Where claims are made.

    Attributes:
        settings: of the backend.
        account: whom runs run as.
        boot: id of this boot.
        listen: folder of the sockets of listening daemons.
        logs: folder of the logs of this instance and project.
    """

    settings: LocalSettings
    account: Account
    boot: str
    listen: Path
    logs: Path


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


def write(order: Order, site: Site) -> Draft:
    """The draft of `order`.

    Raises:
        Refused: it can never run on this backend.
    """
    token = os.urandom(16).hex()
    stamp, key, gang = order.stamp, order.key, order.run.gang
    home = home_of(key, stamp, site.settings.runs)
    attempt = attempt_of(home, key, token)
    own = own_of(key, order.run.earlier, stamp, site.settings.runs)
    members = tuple(members_of(order, attempt, own.folder))
    _check(gang, members)
    if order.leases.ports and any(group.count > 1 for group in gang.replicas):
        raise Refused(
            "all replicas would listen on the same port of this machine: set run.replicas to 1, or declare no run.ports"
        )
    name = key.dns_name(stamp.instance, stamp.project)
    replicas = [_replica(order, member, site, token) for member in members]
    for replica in replicas:
        replica["log"] = str(site.logs / name / f"{replica['name']}.log")
    record = {
        "version": FORMAT,
        "key": str(key),
        "token": token,
        "stamp": stamp_record(stamp),
        "boot": site.boot,
        "boot_path": str(site.settings.boot_id),
        "made_at": time.time(),
        "maker": os.getpid(),
        "attempt": str(attempt),
        "listen": str(site.listen),
        "service": gang.lifetime is Lifetime.ALWAYS,
        "decider": gang.decider,
        "grace": order.run.grace,
        "timeout": order.run.timeout,
        "ports": list(order.leases.ports),
        "steady": site.settings.steady if gang.lifetime is Lifetime.ALWAYS and gang.probe is None else None,
        "log_cap": max(site.settings.log_cap, 1 << 17),
        "account": _account(site.account),
        "replicas": replicas,
    }
    contexts = tuple(environment.context(order, member) for member in members)
    init = {group.role: _init(group) for group in gang.replicas}
    return Draft(record, members, contexts, attempt, init, site.settings.runs, own)


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


def _check(gang: Gang, members: tuple[Member, ...]) -> None:
    for member in members:
        if not member.container.command:
            image = f"; it names only the image {member.container.image}" if member.container.image else ""
            raise Refused(f"the local backend runs processes and needs a command for {member.role}{image}")
        if not member.role.replace("-", "").replace("_", "").isalnum():
            raise Refused(f"role {member.role!r} cannot name a folder")
    if len({member.name for member in members}) != len(members):
        raise Refused("two replica groups have the same role")
    if gang.decider not in {member.role for member in members}:
        raise Refused(f"no replica has the role {gang.decider!r}, whose exit decides the outcome")


def _replica(order: Order, member: Member, site: Site, token: str) -> dict[str, Any]:
    container = member.container
    env = environment.variables(order, member, site.settings, site.account)
    env["PLUMBLINE_CLAIM"] = f"{token}/{member.name}"  # by it a program is found whose supervisor was killed
    return {
        "name": member.name,
        "role": member.role,
        "argv": [*container.command, *container.args],
        "env": env,
        "cwd": str(member.base / "work" / container.working_dir),
        "output": str(member.base / "io" / "output"),
        "probe": _probe(order),
        "activity": _activity(order),
    }


def _probe(order: Order) -> dict[str, Json] | None:
    probe = order.run.gang.probe
    if probe is None:
        return None
    ports = order.leases.ports
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


def _activity(order: Order) -> dict[str, Json] | None:
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


def _account(account: Account) -> Json:
    if not account.switched:
        return None
    return plain({"uid": account.uid, "gid": account.gid, "groups": account.groups})
