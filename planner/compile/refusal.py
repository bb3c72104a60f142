"""Why a compiled leaf cannot execute on its backend: the one table (docs/language.md, "Can it run here?").

What changes what a program sees or does is refused with a reason; what only places it in a cluster is said once and
not used. A refused operation is valid: nothing here is a problem of the spec.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from planner.canon import Json
from planner.compile import clustered, engined
from planner.compile.given import ONE_MACHINE, CompileConfig
from planner.compile.ground import Ground
from planner.compile.imaged import with_built_image
from planner.compile.origin import info
from planner.compile.putting import unputtable
from planner.model.desired import Leaf
from planner.model.gang import Lifetime, Replica

__all__ = ["HANDLERS", "REFUSED", "refusal"]

_ELSEWHERE = "need a backend with Kubernetes"
REFUSED: Mapping[str, str] = {
    "sidecars": f"sidecars {_ELSEWHERE}",
    "volumes": f"volumes {_ELSEWHERE}",
    "connections": "the local backend has no connections to give to a run",
    "environment.hostAliases": f"names of hosts of a run's own (hostAliases) {_ELSEWHERE}",
    "environment.dnsPolicy": f"name servers of a run's own (dnsPolicy) {_ELSEWHERE}",
    "environment.dnsConfig": f"name servers of a run's own (dnsConfig) {_ELSEWHERE}",
    "container.envFrom": f"variables from secrets and config maps (envFrom) {_ELSEWHERE}",
    "container.env": f"variables that Kubernetes looks up (valueFrom) {_ELSEWHERE}",
    "container.volumeMounts": f"mounted volumes (volumeMounts) {_ELSEWHERE}",
    "container.volumeDevices": f"volumes as devices (volumeDevices) {_ELSEWHERE}",
    "container.lifecycle": f"commands at start and stop (lifecycle) {_ELSEWHERE}",
    "container.livenessProbe": f"liveness probes {_ELSEWHERE}",
    "container.startupProbe": f"startup probes {_ELSEWHERE}",
    "container.readinessProbe": "this readiness probe says what only Kubernetes can do: this backend looks at one "
    "of the `ports` of the service, or runs a command",
    "container.resources": f"claims of devices (resources.claims) {_ELSEWHERE}",
    "container.stdin": "this backend gives a run no input (stdin)",
    "container.stdinOnce": "this backend gives a run no input (stdinOnce)",
    "container.tty": "this backend gives a run no terminal (tty)",
}
"""By the field of a pod: what the program would see or do, and does not here."""

HANDLERS: Mapping[str, str] = {
    "container": f"init containers {_ELSEWHERE}",
}
"""By the field of an init entry that is not code of the repository: what cannot be done here."""


def refusal(leaf: Leaf, ground: Ground, kind: str = "") -> str:
    """Why the leaf cannot execute here, or ""; what of it is not used here goes to the report.

    Args:
        leaf: bound as far as can be.
        ground: where its run is written.
        kind: of the run, to be named.
    """
    if ground.policy.refused:
        return ground.policy.refused
    if ground.builds:
        leaf = replace(leaf, gang=with_built_image(leaf.gang))
    if ground.policy.backend == "kubernetes":
        told = clustered.refusal(leaf, ground.policy.config, kind)
        if not told:
            clustered.tell_unused(leaf.gang, ground)
        return told
    if ground.policy.backend not in ONE_MACHINE:
        return ""
    engine = ground.policy.backend == "engine"
    found = next(_of_machine(leaf, kind, ground.policy.config, engine=engine), "")
    if not found:
        _tell_unused(leaf, ground, engined.USED if engine else frozenset())
    return found


def _of_machine(leaf: Leaf, kind: str, config: CompileConfig, *, engine: bool) -> Iterator[str]:
    if any(group.role != "main" for group in leaf.gang.replicas):
        who = f"a run of kind {kind}" if kind else "a run of several groups"
        yield f"{who} needs a backend with Kubernetes"
        return
    done = engined.DONE if engine else frozenset()
    for group in leaf.gang.replicas:
        yield from (REFUSED[field] for field in _fields(group.pod) if field in REFUSED and field not in done)
        yield from _handlers(group.pod, config, "the engine's backend" if engine else "the local backend")
        if not group.container.command and not engine:
            image = group.container.image
            what = f"image {image} cannot be run without one" if image else "there is neither command nor image"
            yield f"the local backend needs a command; {what}"
        if leaf.gang.ports and group.count > 1:
            # All processes share the addresses of one machine, and a service leases each of its ports once.
            what = f"all {group.count} replicas would listen on the same port"
            yield f"{what} on this backend; set run.replicas to 1, or declare no run.ports"
    if engine:
        yield from engined.engine_reasons(leaf.gang, config.engine, config.connections)


def _handlers(pod: Mapping[str, Json], config: CompileConfig, who: str) -> Iterator[str]:
    said = pod.get("init", ())
    entries = said if isinstance(said, list | tuple) else ()
    containers = [
        one for one in entries if isinstance(one, Mapping) and any(one.get(name) is not None for name in HANDLERS)
    ]
    for one in containers:
        yield from (reason for name, reason in HANDLERS.items() if one.get(name) is not None)
    yield from unputtable((one for one in entries if one not in containers), config, who)


def _fields(pod: Mapping[str, Json]) -> Iterator[str]:
    """The fields that say something, those of a container and of an environment with a dot; false says nothing."""
    for name, value in pod.items():
        if name in {"container", "environment"} and isinstance(value, Mapping):
            yield from (f"{name}.{field}" for field, inner in value.items() if inner is not False)
        else:
            yield name


def _tell_unused(leaf: Leaf, ground: Ground, used: frozenset[str]) -> None:
    """One line for all that only a cluster would use."""
    unused = [name for group in leaf.gang.replicas for name in _unused(group, leaf.gang.lifetime) if name not in used]
    if unused:
        origin = ground.origin.at(*unused[0].split("."))
        message = f"not used on this backend: {', '.join(unused)}"
        ground.report.add(info(origin.problem("PL-701", message, "a backend with Kubernetes uses it")))


def _unused(group: Replica, lifetime: Lifetime) -> Iterator[str]:
    for field in _fields(group.pod):
        if (
            field not in REFUSED
            and field != "init"
            and not (field == "container.ports" and lifetime is Lifetime.ALWAYS)
        ):
            yield field
