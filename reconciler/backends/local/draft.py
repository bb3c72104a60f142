"""Makes an order into a claim: every process with its command, variables and paths. Pure but for the clock and dice.

It refuses what can never run here, before anything exists on disk.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from planner.canon import Json, plain
from planner.model.gang import Lifetime
from reconciler.backends.local import environment
from reconciler.backends.local.settings import LocalSettings
from reconciler.backends.local.supervisor import FORMAT
from reconciler.backends.machine.account import Account
from reconciler.backends.machine.draft import (
    Draft,
    Member,
    activity_of,
    attempt_of,
    check_members,
    inits_of,
    members_of,
    probe_of,
    stamp_record,
)
from reconciler.backends.machine.own import home_of, own_of
from reconciler.errors import Refused
from reconciler.ports import Order

__all__ = ["Site", "write"]


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
    _check(members)
    check_members(gang, members, order.leases.ports)
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
    return Draft(record, members, contexts, attempt, inits_of(gang), site.settings.runs, own)


def _check(members: Sequence[Member]) -> None:
    for member in members:
        if not member.container.command:
            image = f"; it names only the image {member.container.image}" if member.container.image else ""
            raise Refused(f"the local backend runs processes and needs a command for {member.role}{image}")


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
        "probe": probe_of(order),
        "activity": activity_of(order),
    }


def _account(account: Account) -> Json:
    if not account.switched:
        return None
    return plain({"uid": account.uid, "gid": account.gid, "groups": account.groups})
