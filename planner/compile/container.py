"""Containers, probes, labels, annotations: what all leaves lower in the same way (reference, sections 10.10 and 11)."""

from __future__ import annotations

from collections.abc import Mapping

from planner.compile.ground import Ground
from planner.model.gang import Container, Probe
from planner.spec.container import Container as Written
from planner.spec.container import ReadinessProbe, Resources
from planner.spec.environment import Environment

__all__ = ["GPU", "annotations_of", "labels_of", "lower_container", "lower_probe", "needs_gpu"]

GPU = "gpu"
"""What every resource name of a GPU holds (reference, section 11.7)."""


def lower_container(said: Written | None, kind: str, ground: Ground) -> Container | None:
    """The container of a run, its texts as written; None with a problem where there is none."""
    if said is None:
        message = f"a {kind} needs a container"
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


def labels_of(said: Environment | None, handed: Mapping[str, str]) -> Mapping[str, str]:
    """Labels of a run; those that its DAG hands down win over its component's (reference, section 12.2)."""
    return {**((said.labels if said else None) or {}), **handed}


def annotations_of(said: Environment | None, handed: Mapping[str, str]) -> Mapping[str, str]:
    """Annotations of a run, by the rule of labels."""
    return {**((said.annotations if said else None) or {}), **handed}


def lower_probe(said: ReadinessProbe | None, ports: tuple[int, ...], ground: Ground) -> Probe | None:
    """The readiness probe of a service; a problem where it looks at a port that is not declared."""
    if said is None:
        return None
    way = said.http_get or said.tcp_socket
    index = -1
    if way is not None and way.port in ports:
        index = ports.index(way.port)
    elif way is not None:
        field = "httpGet" if said.http_get else "tcpSocket"
        origin = ground.origin.at("container", "readinessProbe", field, "port")
        hint = f"declare it: `ports: {[*ports, way.port]}`"
        ground.report.add(origin.problem("PL-204", f"{way.port} is not a port of this service", hint))
    default = Probe()
    return Probe(
        http_path=said.http_get.path if said.http_get else None,
        port=index,
        command=said.exec.command if said.exec else (),
        period=_or(said.period_seconds, default.period),
        timeout=_or(said.timeout_seconds, default.timeout),
        failures=default.failures if said.failure_threshold is None else said.failure_threshold,
        delay=_or(said.initial_delay_seconds, default.delay),
    )


def _or(seconds: int | None, default: float) -> float:
    return default if seconds is None else float(seconds)
