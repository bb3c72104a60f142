"""Makes an order into a claim: every container as it is to be made, with its folders. Pure but for the clock and dice.

It refuses what can never run here, before anything exists on disk or in the engine.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from planner.model.gang import Gang, Lifetime, Replica
from reconciler.backends import contract
from reconciler.backends.engine import names, render
from reconciler.backends.engine.render import Place
from reconciler.backends.engine.settings import EngineSettings
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
from reconciler.backends.machine.own import Runs, artifacts_of, home_of, own_of
from reconciler.backends.machine.records import FORMAT
from reconciler.backends.machine.restoring import named_by, read_of
from reconciler.errors import Refused
from reconciler.ports import Order

__all__ = ["Site", "write"]


@dataclass(frozen=True, slots=True)
class Site:
    """Where claims are made.

    Attributes:
        settings: of the backend.
        account: whom containers run as.
        boot: id of this boot.
        logs: folder of the kept logs of this instance and project.
        scope: name of the instance and project.
        kind: `podman` or `docker`.
    """

    settings: EngineSettings
    account: Account
    boot: str
    logs: Path
    scope: str
    kind: str


def write(order: Order, site: Site) -> Draft:
    """The draft of `order`.

    Raises:
        Refused: it can never run on this backend.
    """
    render.check(order, site.settings)
    token = os.urandom(16).hex()
    stamp, key, gang, runs = order.stamp, order.key, order.run.gang, site.settings.runs
    attempt = attempt_of(home_of(key, stamp, runs), key, token)
    own = own_of(key, order.run.earlier, stamp, runs)
    members = tuple(members_of(order, attempt, own.folder))
    check_members(gang, members, order.leases.ports)
    _check_gpus(members, site.kind)
    others = [str(artifacts_of(runs / name)) for name in read_of(order, stamp, Runs(runs), named_by(order, runs))]
    record: dict[str, Any] = {
        "version": FORMAT,
        "key": str(key),
        "token": token,
        "stamp": stamp_record(stamp),
        "boot": site.boot,
        "made_at": time.time(),
        "maker": os.getpid(),
        "attempt": str(attempt),
        "service": gang.lifetime is Lifetime.ALWAYS,
        "decider": gang.decider,
        "grace": order.run.grace,
        "timeout": order.run.timeout,
        "ports": list(order.leases.ports),
        "steady": site.settings.steady if gang.lifetime is Lifetime.ALWAYS and gang.probe is None else None,
        "replicas": [_replica(order, member, site, (token, others)) for member in members],
    }
    contexts = tuple(contract.context(order, render.where(order, member, site.settings)) for member in members)
    return Draft(record, members, contexts, attempt, inits_of(gang), runs, own)


def _replica(order: Order, member: Member, site: Site, found: tuple[str, list[str]]) -> dict[str, Any]:
    token, others = found
    account = site.account
    place = Place(
        token=token,
        scope=site.scope,
        user=f"{account.uid}:{account.gid}",
        base=str(member.base),
        artifacts=str(member.artifacts),
        others=[folder for folder in others if Path(folder).is_dir()],
    )
    name = names.container_name(order.key, order.stamp, member.name)
    folder = order.key.dns_name(order.stamp.instance, order.stamp.project)
    return {
        "name": member.name,
        "role": member.role,
        "called": name,
        "base": str(member.base),
        "container": render.container(order, member, place, site.settings),
        "pull": _pull(order.run.gang, member.role, site.settings.pull),
        "probe": probe_of(order),
        "activity": activity_of(order),
        "log": str(site.logs / folder / f"{member.name}.log"),
    }


def _check_gpus(members: tuple[Member, ...], kind: str) -> None:
    if kind == "podman" and any(render.GPU in member.container.resources for member in members):
        raise Refused("GPUs are asked for by Docker's device requests, which Podman does not take: use Docker for them")


def _pull(gang: Gang, role: str, otherwise: str) -> str:
    group: Replica = next(group for group in gang.replicas if group.role == role)
    container = group.pod.get("container")
    said = container.get("imagePullPolicy") if isinstance(container, dict) else None
    return {"Always": "always", "IfNotPresent": "missing", "Never": "never"}.get(str(said), otherwise)
