"""When a run is tried again, when it is cut off, and when it counts as idle (reference, section 10.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import PlainValidator, WithJsonSchema

from planner.spec.filled import Filled
from planner.spec.kubernetes import Kubernetes
from planner.spec.shape import TEMPLATE, Arguments, CountOrTemplate, Section, WholeOrTemplate, fault, is_template
from planner.spec.words import kind_of

__all__ = ["ActivityProbe", "Culling", "ExecProbe", "HttpProbe", "Termination"]


class Culling(Section, live="timeout"):
    """Stops a service that nobody uses."""

    timeout: CountOrTemplate | None = None
    """Seconds without activity after which the service is stopped; never by default."""


def _port(value: object) -> int | str:
    if isinstance(value, str) and is_template(value):
        return value
    if isinstance(value, bool) or not isinstance(value, int):
        raise fault("PL-203", f"{{field}} must be a port number, not {kind_of(value)}")
    if not 1 <= value <= 65_535:
        raise fault("PL-204", f"{value} is not a port", "use 1 to 65535")
    return value


_PORT = WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1, "maximum": 65_535}, TEMPLATE]})


class HttpProbe(Section, live="path port host scheme http_headers"):
    """Activity by HTTP: GET answers JSON whose `last_activity` is an instant."""

    path: str | None = None
    """Path that is asked for; `/api/status` by default."""
    port: Annotated[int | str, PlainValidator(_port), _PORT] | None = None
    """Port of the service; its first one by default."""
    host: str | None = None
    """Host that is asked; the service itself by default."""
    scheme: Literal["HTTP", "HTTPS"] | None = None
    """`HTTP` or `HTTPS`; `HTTP` by default."""
    http_headers: Annotated[tuple[Any, ...] | str, Kubernetes("HTTPHeader[]")] | None = None
    """Headers that are sent along."""


class ExecProbe(Section, live="command"):
    """Activity by a command: it ends with 0 while the service is in use."""

    command: Annotated[Arguments, Filled("name the command")]
    """The command and its words."""


class ActivityProbe(Section, live="http exec"):
    """How a service says that it is in use."""

    http: HttpProbe | None = None
    """Asked by HTTP."""
    exec: ExecProbe | None = None
    """Asked by a command."""


class Termination(Section, live="max_retries ttl timeout culling probe pod_failure_policy"):
    """Retries and limits. Values are whole numbers, or text with a template."""

    max_retries: WholeOrTemplate | None = None
    """Further attempts after a failed one; none by default."""
    ttl: WholeOrTemplate | None = None
    """Seconds for which what a backend holds of a run stays after its end; 0 by default."""
    timeout: CountOrTemplate | None = None
    """Seconds from the first start over all attempts; no limit by default."""
    culling: Culling | None = None
    """Stops a service that nobody uses; services only."""
    probe: ActivityProbe | None = None
    """How a service says that it is in use; services only."""
    pod_failure_policy: Annotated[Mapping[str, Any] | str, Kubernetes("PodFailurePolicy")] | None = None
    """Which ends of a pod fail a run, count as an attempt or are ignored: Kubernetes' PodFailurePolicy; jobs only."""
