"""From an order to what the engine is asked to make: the body of `POST /containers/create`. Pure.

A container gets what level *restricted* of Kubernetes would leave it: no capability, no new privileges, no socket of
the engine. What a spec asks for beyond, the rules of the configuration must allow; they are held against bound values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Any

from planner.canon import Json, plain
from planner.compile import engined
from planner.model.gang import Replica
from planner.spec.queues import amount
from reconciler.backends import contract
from reconciler.backends.contract import Where
from reconciler.backends.engine import names
from reconciler.backends.engine.mounts import Object, bind, mounts_of
from reconciler.backends.engine.settings import EngineSettings
from reconciler.backends.machine.draft import Member
from reconciler.errors import Refused
from reconciler.ports import Order

__all__ = ["GPU", "ROOT", "Place", "check", "container", "inner_ports", "moved", "where"]

ROOT = "/plumbline"
"""What is the attempt's own, in a container: `work`, `io`, `lib`, `context.json`."""
WORK = f"{ROOT}/work"
GPU = "nvidia.com/gpu"


@dataclass(frozen=True, slots=True)
class Place:
    """What of this machine a container has to do with.

    Attributes:
        token: of the claim.
        scope: of the instance and project.
        user: `uid:gid` that it runs as.
        base: the folder of the attempt's replica.
        artifacts: the run's folder, which has the same path inside.
        others: artifacts folders of other runs that it reads, likewise.
    """

    token: str
    scope: str
    user: str
    base: str
    artifacts: str
    others: Sequence[str] = ()


def check(order: Order, settings: EngineSettings) -> None:
    """Whether the configuration lets this run.

    Raises:
        Refused: it does not.
    """
    for reason in engined.engine_reasons(order.run.gang, settings.rules, settings.connections):
        raise Refused(reason)
    if settings.network == "none" and order.leases.ports:
        raise Refused("the service has ports, and containers have no network here (network: none of backends.engine)")


def container(order: Order, member: Member, place: Place, settings: EngineSettings) -> Object:
    """What the engine is to make of a replica.

    Raises:
        Refused: it can never run here.
    """
    group = next(group for group in order.run.gang.replicas if group.role == member.role)
    box, said = member.container, _section(group.pod, "container")
    ports = inner_ports(order, settings)
    bound = {f"{inner}/tcp": outer for inner, outer in zip(ports, order.leases.ports, strict=True)}
    published = bound if settings.network not in {"host", "none"} else {}
    host = {
        **_host(settings),
        **_security(_section(said, "securityContext"), settings),
        **_limits(box.limits),
        "PortBindings": {port: [{"HostIp": "127.0.0.1", "HostPort": str(outer)}] for port, outer in published.items()},
        "DeviceRequests": list(_gpus(member)),
        "Mounts": [
            # One by one: no program can put something else in the place of a folder that is read when it has ended.
            bind(f"{place.base}/work", WORK),
            bind(f"{place.base}/io", f"{ROOT}/io"),
            bind(f"{place.base}/lib", f"{ROOT}/lib", read_only=True),
            bind(f"{place.base}/context.json", f"{ROOT}/context.json", read_only=True),
            *(bind(folder, folder, read_only=True) for folder in place.others if folder != place.artifacts),
            bind(place.artifacts, place.artifacts),
            *mounts_of(group.pod, place.base, settings.connections),
        ],
    }
    return {
        "Image": box.image,
        "Entrypoint": list(box.command) or None,
        "Cmd": list(box.args) or None,
        "Env": [f"{name}={text}" for name, text in _variables(order, member, group, settings).items()],
        "WorkingDir": _working_dir(order, group),
        "User": place.user,
        "Labels": dict(names.labels_of(order, member.name, place.token, place.scope)),
        "ExposedPorts": {port: {} for port in published},
        "HostConfig": host,
    }


def moved(body: Mapping[str, Any], before: str, after: str, making: int) -> Object:
    """The same for a container that is made anew, whose folder has another name now."""
    host = body["HostConfig"]
    mounts = [{**one, "Source": _moved(str(one["Source"]), before, after)} for one in host["Mounts"] if "Source" in one]
    mounts += [one for one in host["Mounts"] if "Source" not in one]
    labels = {**body["Labels"], names.MAKING: str(making)}
    return {**body, "Labels": labels, "HostConfig": {**host, "Mounts": mounts}}


def _moved(path: str, before: str, after: str) -> str:
    return after + path[len(before) :] if path == before or path.startswith(f"{before}/") else path


def inner_ports(order: Order, settings: EngineSettings) -> tuple[int, ...]:
    """What the program listens on: the declared ports, or the leased ones where it shares the machine's addresses."""
    return order.leases.ports if settings.network == "host" else order.run.gang.ports[: len(order.leases.ports)]


def where(order: Order, member: Member, settings: EngineSettings) -> Where:
    """Where a program finds what the run contract promises."""
    return Where(
        role=member.role,
        index=member.index,
        count=member.count,
        runs=str(member.artifacts.parent.parent),
        artifacts=str(member.artifacts),
        context=f"{ROOT}/context.json",
        output=f"{ROOT}/io/output",
        metrics=f"{ROOT}/io/metrics",
        ports=inner_ports(order, settings),
        traces=f"{ROOT}/lib/{contract.TRACES}",
    )


# Parts


def _host(settings: EngineSettings) -> Object:
    """What all containers have: they stay after their end, and the engine never starts one by itself."""
    megabytes = max(1, settings.log_cap >> 20)
    found: Object = {
        "NetworkMode": settings.network,
        "Init": settings.init,
        "AutoRemove": False,
        "RestartPolicy": {"Name": "no"},
        "LogConfig": {"Type": "json-file", "Config": {"max-size": f"{megabytes}m"}},
    }
    if settings.ulimits:
        limits = settings.ulimits.items()
        found["Ulimits"] = [{"Name": name, "Soft": soft, "Hard": hard} for name, (soft, hard) in limits]
    return found | ({"UsernsMode": settings.user_namespace} if settings.user_namespace else {})


def _security(said: Mapping[str, Any], settings: EngineSettings) -> Object:
    capabilities = _section(said, "capabilities")
    added = [str(name).removeprefix("CAP_") for name in capabilities.get("add") or ()]
    free = said.get("allowPrivilegeEscalation") is True or said.get("privileged") is True
    return {
        "Privileged": said.get("privileged") is True,
        "ReadonlyRootfs": said.get("readOnlyRootFilesystem") is True,
        "CapDrop": ["ALL"],
        "CapAdd": added,
        "SecurityOpt": [*(() if free else ("no-new-privileges",)), *settings.security_options],
    }


def _limits(limits: Mapping[str, str]) -> Object:
    found: Object = {}
    if cpus := amount(limits.get("cpu", "")):
        found["NanoCpus"] = int((cpus * 10**9).to_integral_value(ROUND_CEILING))
    if memory := amount(limits.get("memory", "")):
        found["Memory"] = found["MemorySwap"] = int(memory.to_integral_value(ROUND_CEILING))
    return found


def _gpus(member: Member) -> Iterator[Object]:
    """GPUs: those that are its own where the configuration counts them, else so many of whichever."""
    wanted = amount(member.container.resources.get(GPU, "")) or Decimal(0)
    if not wanted:
        return
    own = member.slots.get(GPU)
    which: Object = {"Count": int(wanted)} if own is None else {"DeviceIDs": [str(index) for index in own]}
    yield {"Driver": "", "Capabilities": [["gpu"]], **which}


def _variables(order: Order, member: Member, group: Replica, settings: EngineSettings) -> dict[str, str]:
    own = dict(member.container.env)
    brought: dict[str, str] = {}
    for name in group.pod.get("connections") or ():  # type: ignore[union-attr]
        connection = settings.connections.get(str(name))
        brought |= dict(connection.env or {}) if connection is not None else {}
    paths = (f"{ROOT}/lib", own.get("PYTHONPATH", ""), settings.env.get("PYTHONPATH", ""))
    gpus = {} if GPU in member.container.resources else {"NVIDIA_VISIBLE_DEVICES": "none"}
    return {
        "HOME": WORK,
        **gpus,
        **_slots(member),
        **contract.traced_by(order, where(order, member, settings)),
        **settings.env,
        **brought,
        **own,
        "PYTHONPATH": ":".join(filter(None, paths)),
        **contract.variables(order, where(order, member, settings)),
    }


def _slots(member: Member) -> dict[str, str]:
    """Leased slots that are no GPUs."""
    found = {}
    for name, indexes in member.slots.items():
        if name != GPU:
            plain_name = "".join(letter if letter.isalnum() else "_" for letter in name.upper())
            found[f"PLUMBLINE_SLOT_{plain_name}"] = ",".join(map(str, indexes))
    return found


def _working_dir(order: Order, group: Replica) -> str:
    """Where it starts: the image decides that where it decides the command, and nothing is put in place."""
    said = group.container.working_dir
    if said:
        return said if said.startswith("/") else f"{WORK}/{said}"
    bare = not (group.container.command or order.run.gang.code or group.pod.get("init"))
    return "" if bare else WORK


def _section(value: Json | Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = value.get(name) if isinstance(value, Mapping) else None
    return plain(found) if isinstance(found, Mapping) else {}  # type: ignore[return-value]
