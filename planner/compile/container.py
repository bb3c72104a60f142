"""Containers, probes, labels, annotations: what all leaves lower in the same way (reference, sections 10.10 and 11)."""

from __future__ import annotations

from collections.abc import Mapping

from planner.canon import Json
from planner.compile.ground import Ground, known, whole
from planner.compile.origin import Origin
from planner.model.gang import Container, Probe
from planner.spec.container import Container as Written
from planner.spec.container import ReadinessProbe, Resources
from planner.spec.environment import Environment

__all__ = ["GPU", "annotations_of", "labels_of", "lower_container", "lower_probe", "needs_gpu", "ports_of"]

GPU = "gpu"
"""What every resource name of a GPU holds (reference, section 11.7)."""


def lower_container(said: Written | None, who: str, ground: Ground) -> Container | None:
    """The container of a run, its texts as written; None with a problem where there is none.

    Args:
        said: as written.
        who: whose it is, for the problem: `a job`.
        ground: where its run, or its group of one, is written.
    """
    if said is None:
        message = f"{who} needs a container"
        ground.report.add(ground.origin.problem("PL-202", message, "add `container` with an `image` and a `command`"))
        return None
    return Container(
        image=said.image or "",
        command=tuple(word for word in said.command or () if word),
        args=tuple(word for word in said.args or () if word),
        env=said.variables(),
        working_dir=said.working_dir or "",
        resources=_amounts(said.resources),
        limits=(said.resources.limits if said.resources else None) or {},
    )


def _amounts(said: Resources | None) -> Mapping[str, str]:
    """Requests, with limits where they say nothing (reference, section 11.7)."""
    return {} if said is None else {**(said.limits or {}), **(said.requests or {})}


def needs_gpu(container: Container) -> bool:
    """Whether it asks for a GPU."""
    return any(GPU in name and amount not in {"", "0"} for name, amount in container.resources.items())


def labels_of(said: Environment | str | None) -> Mapping[str, str]:
    """Labels of a run; a template that stands for its environment as a whole is known later."""
    return (said.labels if isinstance(said, Environment) else None) or {}


def annotations_of(said: Environment | str | None) -> Mapping[str, str]:
    """Annotations of a run, by the rule of labels."""
    return (said.annotations if isinstance(said, Environment) else None) or {}


# Ports and probes


def ports_of(said: Written | None, ground: Ground) -> Mapping[str, int]:
    """The ports of a container in their order, by name; those without a name by their number."""
    if said is None or not said.ports:
        return {}
    origin = ground.origin.at("container", "ports")
    listed = known(said.ports, origin, ground.scope, ground.report)
    found: dict[str, int] = {}
    for index, port in enumerate(listed if isinstance(listed, list | tuple) else ()):
        where = origin.at(index)
        value = known(port, where, ground.scope, ground.report)
        if isinstance(value, Mapping):
            number = known(value.get("containerPort"), where.at("containerPort"), ground.scope, ground.report)
            if type(number) is int:
                found[str(value.get("name") or number)] = number
    return found


def lower_probe(
    said: ReadinessProbe | None, ports: tuple[int, ...], ground: Ground, names: Mapping[str, int]
) -> Probe | None:
    """The readiness probe of a service; one that looks at a port of the program alone has the port -1.

    Args:
        said: as written.
        ports: of the service.
        ground: where its run is written.
        names: ports of its container, by name.
    """
    if said is None:
        return None
    probe = ground.origin.at("container", "readinessProbe")
    default = Probe()

    def number(value: int | str | None, name: str, otherwise: float) -> float:
        found = whole(value, 0, probe.at(name), (ground.scope, ground.report))
        return otherwise if found is None else found

    return Probe(
        http_path=said.http_get.path if said.http_get else None,
        port=_port(said, ports, ground, names),
        command=said.exec.command if said.exec else (),
        period=float(number(said.period_seconds, "periodSeconds", default.period)),
        timeout=float(number(said.timeout_seconds, "timeoutSeconds", default.timeout)),
        failures=int(number(said.failure_threshold, "failureThreshold", default.failures)),
        delay=float(number(said.initial_delay_seconds, "initialDelaySeconds", default.delay)),
    )


def _port(said: ReadinessProbe, ports: tuple[int, ...], ground: Ground, names: Mapping[str, int]) -> int:
    """The index of the port that is looked at; -1 without one."""
    way = said.http_get or said.tcp_socket
    if way is None:
        return -1
    field = "httpGet" if said.http_get else "tcpSocket"
    origin = ground.origin.at("container", "readinessProbe", field, "port")
    port = _number(known(way.port, origin, ground.scope, ground.report), names, origin, ground)
    if port is None:
        return -1
    return ports.index(port) if port in ports else -1


def _number(value: Json, names: Mapping[str, int], origin: Origin, ground: Ground) -> int | None:
    if isinstance(value, str) and value in names:
        return names[value]
    if isinstance(value, str):
        hint = f"the container has {', '.join(names)}" if names else "give a port of the container that `name`"
        ground.report.add(origin.problem("PL-204", f"no port of the container is named `{value[:60]}`", hint))
    elif value is not None and (type(value) is not int or not 1 <= value <= 65_535):
        ground.report.add(origin.problem("PL-203", "a port number or the name of a port is wanted here"))
    return value if type(value) is int and 1 <= value <= 65_535 else None
