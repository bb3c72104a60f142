"""`service`: a program that stays up (reference, section 11.2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from planner.canon import Json
from planner.compile.code import code_of
from planner.compile.container import annotations_of, labels_of, lower_container, lower_probe, needs_gpu, ports_of
from planner.compile.given import ONE_MACHINE
from planner.compile.ground import Ground, known, left_to_trials, truth, whole
from planner.compile.pod import pod_of
from planner.model.gang import Container, Gang, Lifetime, Replica, Update
from planner.spec.container import ReadinessProbe
from planner.spec.plain import plain
from planner.spec.run import Service

__all__ = ["lower"]


def lower(said: Service, ground: Ground) -> Gang | None:
    """The gang of a service, its texts as written; None with a problem where it has no container.

    Args:
        said: the run.
        ground: where it is written, and what may be looked at.
    """
    code = code_of(said.init or (), ground)
    names = ports_of(said.container, ground)
    ports = _ports(said, names, ground)
    replicas = whole(said.replicas, 1, ground.origin.at("replicas"), (ground.scope, ground.report))
    container = lower_container(said.container, "a service", ground)
    if container is None:
        return None
    left = dict(_left(said, ground))
    probe = said.container.readiness_probe if said.container and "container" not in left else None
    if (isinstance(said.ports, str) or _waits(said)) and not ports:
        probe = None  # they are not known, so nothing can be said of it
    errors = ground.report.errors
    looked = lower_probe(probe, ports, ground, names)
    elsewhere = looked is not None and looked.port < 0 and not looked.command and ground.report.errors == errors
    return Gang(
        replicas=(Replica("main", replicas or 1, container, pod_of(said, alone=True, probed=elsewhere)),),
        lifetime=Lifetime.ALWAYS,
        ports=ports,
        probe=None if elsewhere else looked,  # of a port that is none of the service's: the pod alone knows it
        update=_update(ports, container, ground),
        code=code,
        labels=labels_of(said.environment),
        annotations=annotations_of(said.environment),
        external=truth(said.is_external, ground.origin.at("isExternal"), ground),
        rewrite_path=truth(said.rewrite_path, ground.origin.at("rewritePath"), ground),
        options=left,
    )


def _left(said: Service, ground: Ground) -> Iterator[tuple[str, Json]]:
    """What each run of a sweep has a value of its own for: the fields of a gang have no room for templates."""
    fields: Mapping[str, Json] = {
        "ports": plain(said.ports),
        "replicas": said.replicas,
        "isExternal": said.is_external,
        "rewritePath": said.rewrite_path,
    }
    for name, value in fields.items():
        left = left_to_trials(value, ground.scope, ground.report)
        if left is not None:
            yield name, left
    probe = said.container.readiness_probe if said.container else None
    if probe is not None and left_to_trials(_asked(probe, said), ground.scope, ground.report) is not None:
        yield "container", {"readinessProbe": plain(probe)}


def _asked(probe: ReadinessProbe, said: Service) -> list[Json]:
    """What must be known of a probe, and of the ports that it may look at."""
    ways = [way.port for way in (probe.http_get, probe.tcp_socket) if way is not None]
    times = [probe.period_seconds, probe.timeout_seconds, probe.failure_threshold, probe.initial_delay_seconds]
    return [*ways, *times, plain(said.ports), plain(said.container.ports if said.container else None)]


def _waits(said: Service) -> bool:
    """Whether its ports are those of its container, which a template may stand for."""
    return said.ports is None and said.container is not None and bool(said.container.ports)


def _ports(said: Service, names: Mapping[str, int], ground: Ground) -> tuple[int, ...]:
    if said.ports is None:
        return tuple(dict.fromkeys(names.values()))
    if not isinstance(said.ports, str):
        return said.ports
    origin = ground.origin.at("ports")
    errors = ground.report.errors
    found = known(said.ports, origin, ground.scope, ground.report)
    if ground.report.errors > errors or found is None:
        return ()
    ports = _numbers(found)
    if ports is None:
        ground.report.add(origin.problem("PL-203", "a list of different port numbers from 1 to 65535 is wanted here"))
    return ports or ()


def _numbers(value: Json) -> tuple[int, ...] | None:
    if not isinstance(value, list | tuple):
        return None
    found = tuple(item for item in value if type(item) is int and 1 <= item <= 65_535)
    return found if len(set(found)) == len(value) else None


def _update(ports: tuple[int, ...], container: Container, ground: Ground) -> Update:
    """What the policy says; else a service that holds something alone, a fixed port or a GPU, goes before the new one.

    A backend with addresses of its own for each replica has no fixed ports.
    """
    if ground.policy.update is not None:
        return ground.policy.update
    alone = needs_gpu(container) or (bool(ports) and ground.policy.backend in ONE_MACHINE)
    return Update.RECREATE if alone else Update.ROLLING
