"""The container of the program: its command, variables, resources, ports and probes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from planner.canon import Json
from planner.model.gang import Container, Gang, Lifetime, Probe, Replica
from reconciler.backends import contract
from reconciler.backends.contract import Where
from reconciler.backends.kubernetes import layout
from reconciler.backends.kubernetes.render.fields import CONTAINER, Use
from reconciler.backends.kubernetes.render.parts import Object, Part, filled, objects
from reconciler.backends.kubernetes.render.security import container_context
from reconciler.backends.kubernetes.render.texts import literal
from reconciler.backends.kubernetes.settings import KubernetesSettings
from reconciler.errors import Refused
from reconciler.ports import Order

__all__ = ["port_name", "program", "variables"]

_SAID = frozenset({"env", "envFrom", "ports", "readinessProbe", "resources", "securityContext", "volumeMounts"})
"""Fields of a container that are made of more than what a spec says."""
_OWN_PATH = "PLUMBLINE_PYTHONPATH"


def program(order: Order, settings: KubernetesSettings, around: Part) -> Object:
    """The container `main`.

    Args:
        order: of the attempt.
        settings: of the backend.
        around: what else the pod gives it: volumes, variables.
    """
    gang = order.run.gang
    group = gang.replicas[0]
    rest = _rest(group)
    said = {name: value for name, value in rest.items() if name not in _SAID and CONTAINER[name].use is not Use.UNUSED}
    if not settings.agent.image:  # then the termination message is the output file
        said |= {"terminationMessagePath": layout.MESSAGE, "terminationMessagePolicy": "File"}
    box = group.container
    looked_up = {str(entry["name"]) for entry in objects(rest.get("env"))}
    found = filled(
        name=layout.MAIN,
        image=box.image,
        imagePullPolicy=settings.image_pull_policy,
        command=[literal(word, looked_up) for word in box.command],
        args=[literal(word, looked_up) for word in box.args],
        workingDir=_working_dir(gang, group),
        env=list(around.env),
        envFrom=[*objects(rest.get("envFrom")), *around.env_from],
        resources=_resources(box, rest),
        ports=list(_ports(gang, rest)),
        readinessProbe=_readiness(gang, rest),
        securityContext=container_context(rest.get("securityContext"), settings.rules),
        volumeMounts=[*objects(rest.get("volumeMounts")), *around.mounts],
    )
    return {**found, **said}


def _rest(group: Replica) -> Mapping[str, Any]:
    found = group.pod.get("container")
    return found if isinstance(found, Mapping) else {}


def _working_dir(gang: Gang, group: Replica) -> str:
    """Where it starts: the image decides that where it decides the command, and nothing is put in place."""
    said = group.container.working_dir
    if said.startswith("/"):
        return said
    if said:
        return f"{layout.WORK}/{said}"
    bare = not (group.container.command or gang.code or group.pod.get("init"))
    return "" if bare else layout.WORK


# Variables


def variables(order: Order, settings: KubernetesSettings, place: Where) -> Part:
    """The variables of a program: the configuration's, the spec's, and the contract's over both."""
    group = order.run.gang.replicas[0]
    found = objects(_rest(group).get("env"))
    looked_up = {str(entry["name"]) for entry in found}
    texts = {**contract.traced_by(order, place), **settings.env, **group.container.env}
    if not any("gpu" in name for name in group.container.resources):
        texts.setdefault("NVIDIA_VISIBLE_DEVICES", "none")  # some images see all GPUs of a node otherwise
    if settings.rules.user is not None:
        texts.setdefault("HOME", layout.HOME)  # a user whom the image does not know has none
    own = contract.variables(order, place)
    env: list[Object] = [
        {"name": "PLUMBLINE_POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "PLUMBLINE_NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
        *({"name": name, "value": literal(text, looked_up)} for name, text in texts.items() if name not in looked_up),
        *(entry for entry in found if entry["name"] not in {*own, "PYTHONPATH"}),
        *_python_path(group, found, settings),
        *({"name": name, "value": literal(text)} for name, text in own.items()),
    ]
    return Part(env=tuple(env))


def _python_path(group: Replica, found: Sequence[Object], settings: KubernetesSettings) -> Iterator[Object]:
    """Our folder comes first; what Kubernetes looks up follows it by way of another variable."""
    looked_up = next((entry for entry in found if entry["name"] == "PYTHONPATH"), None)
    after = [group.container.env.get("PYTHONPATH", ""), settings.env.get("PYTHONPATH", "")]
    paths = [layout.LIB, *(literal(path) for path in dict.fromkeys(after) if path)]
    if looked_up is not None:
        yield {**looked_up, "name": _OWN_PATH}
        paths = [layout.LIB, f"$({_OWN_PATH})"]
    yield {"name": "PYTHONPATH", "value": ":".join(paths)}


# Resources, ports and probes


def _resources(box: Container, rest: Mapping[str, Any]) -> Object:
    """Requests and limits. What Kubernetes does not overcommit has the same of both."""
    limits = dict(box.limits)
    for name, amount in box.resources.items():
        if name not in limits and (name.startswith("hugepages-") or _is_extended(name)):
            limits[name] = amount
    claims = (rest.get("resources") or {}).get("claims")
    return filled(requests=dict(box.resources), limits=limits, claims=claims)


def _is_extended(name: str) -> bool:
    domain, slash, _ = name.partition("/")
    return bool(slash) and domain != "kubernetes.io"


def port_name(index: int) -> str:
    """Name of the port at `index` of those that a service declares: a Service finds it by this, whatever its number."""
    return f"port-{index}"


def _ports(gang: Gang, rest: Mapping[str, Any]) -> Iterator[Object]:
    """The declared ports, and those of the container beside them."""
    said = objects(rest.get("ports"))
    by_number = {port.get("containerPort"): port for port in said if port.get("protocol", "TCP") == "TCP"}
    for index, number in enumerate(gang.ports):
        other = by_number.get(number, {})
        yield {**other, "name": port_name(index), "containerPort": number, "protocol": "TCP"}
    yield from (port for port in said if port not in by_number.values() or port["containerPort"] not in gang.ports)


def _readiness(gang: Gang, rest: Mapping[str, Any]) -> Json:
    if gang.lifetime is Lifetime.ONCE:
        return None  # a job has no readiness; the pod's would only delay what waits for it
    if gang.probe is None:
        return rest.get("readinessProbe")
    return {**_way(gang.probe, gang.ports), **_times(gang.probe)}


def _way(probe: Probe, ports: Sequence[int]) -> Object:
    if probe.command:
        return {"exec": {"command": list(probe.command)}}
    if not 0 <= probe.port < len(ports):
        raise Refused(f"the readiness probe looks at port {probe.port}, but the run has {len(ports)} ports")
    port = ports[probe.port]
    if probe.http_path is None:
        return {"tcpSocket": {"port": port}}
    return {"httpGet": {"path": probe.http_path, "port": port}}


def _times(probe: Probe) -> Object:
    """Whole seconds, as Kubernetes counts."""
    found = {
        "periodSeconds": max(1, math.ceil(probe.period)),
        "timeoutSeconds": max(1, math.ceil(probe.timeout)),
        "failureThreshold": max(1, probe.failures),
    }
    return found | ({"initialDelaySeconds": math.ceil(probe.delay)} if probe.delay else {})
