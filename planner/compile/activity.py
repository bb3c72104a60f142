"""How a service that may be culled says that it is in use (reference, section 10.2): by HTTP, else by a command.

Decides what is asked, never when a service is idle: that is planned on what was answered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from planner.canon import Json
from planner.model.desired import CompiledOperation, Leaf
from planner.model.gang import Activity, Lifetime
from planner.spec.component import Component
from planner.spec.run import Service
from planner.spec.termination import HttpProbe, Termination

__all__ = ["activity_of", "culled_after", "unculled"]

_PATH = "/api/status"
_MOST, _LEAST = 60.0, 1.0
"""Seconds between two looks, whatever the timeout."""


def culled_after(operation: CompiledOperation) -> float | None:
    """Seconds without activity after which a service is stopped; None for never."""
    found = _section(operation.section("termination"), "culling").get("timeout")
    always = isinstance(operation.body, Leaf) and operation.body.gang.lifetime is Lifetime.ALWAYS
    return float(found) if always and isinstance(found, int) and not isinstance(found, bool) else None


def activity_of(operation: CompiledOperation) -> Activity | None:
    """What a service is asked; None where nobody wants to know."""
    timeout, leaf = culled_after(operation), operation.body
    if timeout is None or not isinstance(leaf, Leaf):
        return None
    period = max(_LEAST, min(_MOST, timeout / 5))
    probe = _section(operation.section("termination"), "probe")
    command = _section(probe, "exec").get("command")
    if isinstance(command, list | tuple):
        return Activity(command=tuple(map(str, command)), period=period)
    http, ports = _section(probe, "http"), leaf.gang.ports
    port = http.get("port", ports[0] if ports else None)
    if port not in ports:
        return None  # refused, or a port that only the start knows: whoever cannot be asked counts as in use
    return Activity(http_path=str(http.get("path") or _PATH), port=ports.index(int(str(port))), period=period)


def unculled(component: Component) -> Iterator[str]:
    """Why nobody can find out whether a service is idle that is to be culled then."""
    said, run = component.termination, component.run
    if not isinstance(said, Termination) or said.culling is None or not isinstance(run, Service):
        return
    if isinstance(said.culling.timeout, str):
        yield "when it is idle must be known when it is read (`termination.culling.timeout`)"
    probe = said.probe
    if probe is not None and probe.exec is not None:
        return
    http = probe.http if probe is not None else None
    if http is not None and (http.host or http.scheme == "HTTPS" or http.http_headers):
        yield "activity is asked for at a port of the service itself, by plain HTTP (`termination.probe.http`)"
    yield from _portless(run, http)


def _portless(run: Service, http: HttpProbe | None) -> Iterator[str]:
    own = run.container.ports if run.container is not None else None
    if not run.ports and not own:
        yield "nobody can ask whether it is idle: give the service `ports`, or `termination.probe.exec`"
    elif isinstance(run.ports, tuple) and http is not None and http.port is not None and http.port not in run.ports:
        yield f"`termination.probe.http.port` {http.port} is none of the `ports` of the service"


def _section(said: Mapping[str, Json], name: str) -> Mapping[str, Json]:
    found = said.get(name)
    return found if isinstance(found, Mapping) else {}
