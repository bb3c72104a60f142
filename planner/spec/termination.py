"""When a run is tried again, when it is cut off, and when it counts as idle (reference, section 10.2)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from planner.spec.shape import Arguments, CountOrTemplate, OrTemplate, Section, WholeOrTemplate

__all__ = ["ActivityProbe", "Culling", "ExecProbe", "HttpProbe", "Termination"]


class Culling(Section, live="timeout"):
    """Stops a service that nobody uses."""

    timeout: CountOrTemplate | None = None
    """Seconds without activity after which the service is stopped; never by default."""


class HttpProbe(Section, live="path port host scheme http_headers"):
    """Activity by HTTP: GET answers JSON whose `last_activity` is an instant."""

    path: str | None = None
    """Path that is asked for; `/api/status` by default."""
    port: int | str | None = None
    """Port of the service; its first one by default."""
    host: str | None = None
    """Host that is asked; the service itself by default."""
    scheme: str | None = None
    """`HTTP` or `HTTPS`; `HTTP` by default."""
    http_headers: tuple[dict[str, Any], ...] | None = None
    """Headers that are sent along."""


class ExecProbe(Section, live="command"):
    """Activity by a command: it ends with 0 while the service is in use."""

    command: Annotated[Arguments, Field(min_length=1)]
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
    pod_failure_policy: Annotated[dict[str, Any] | str, OrTemplate(dict[str, Any])] | None = None
    """Which ends of a pod fail a run, count as an attempt or are ignored: Kubernetes' PodFailurePolicy; jobs only."""
