"""Plugins: what is added to a run beside its program (reference, section 10.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from planner.spec.filled import Filled
from planner.spec.kubernetes import Kubernetes
from planner.spec.shape import BoolOrTemplate, OrTemplate, Section, WholeOrTemplate

__all__ = ["Notification", "NotificationTrigger", "Plugins", "Sidecar"]

NotificationTrigger = Literal[
    "created", "resuming", "on_schedule", "compiled", "queued", "scheduled", "starting", "running", "processing",
    "stopping", "failed", "stopped", "succeeded", "skipped", "warning", "unschedulable", "upstream_failed", "retrying",
    "unknown", "done",
]  # fmt: skip
"""Statuses that a notification may wait for; `done` is any end."""


class Notification(Section, live="connections trigger"):
    """Who is told of a run, and when."""

    connections: Annotated[tuple[str, ...], Filled()]
    """Connections that the message goes to."""
    trigger: NotificationTrigger | None = None
    """The status that it is sent at; `done`, which is any end, by default."""


class Sidecar(
    Section,
    live="image image_tag image_pull_policy sleep_interval sync_interval monitor_logs monitor_spec no_connections "
    "resources",
):
    """The container that collects logs and artifacts, where a backend has one."""

    image: str | None = None
    """Its image; the daemon's by default."""
    image_tag: str | None = None
    """Its tag; the daemon's by default."""
    image_pull_policy: Literal["IfNotPresent", "Always", "Never"] | None = None
    """When its image is pulled; `IfNotPresent` by default."""
    sleep_interval: WholeOrTemplate | None = None
    """Seconds between two looks at the run; 10 by default."""
    sync_interval: WholeOrTemplate | None = None
    """Seconds between two uploads; 10 by default, 60 for children of DAGs and sweeps."""
    monitor_logs: BoolOrTemplate | None = None
    """Whether it follows the logs; false by default."""
    monitor_spec: BoolOrTemplate | None = None
    """Whether it follows the state of the pod; false by default."""
    no_connections: BoolOrTemplate | None = None
    """Whether the run's own sidecars go without the connections of its container; false by default."""
    resources: Annotated[Mapping[str, Any] | str, Kubernetes("ResourceRequirements")] | None = None
    """What it asks for: `requests` and `limits` by resource."""


class Plugins(
    Section,
    identity="auth docker shm tmux sandbox ssh mount_artifacts_store external_host",
    live="collect_artifacts collect_logs collect_resources sync_statuses auto_resume log_level sidecar notifications",
):
    """Switches. What the program sees is identity; what is done around it is not."""

    auth: BoolOrTemplate | None = None
    """Whether the program is given access to the API; the daemon decides by default."""
    docker: BoolOrTemplate | None = None
    """Whether the program is given the host's Docker socket; false by default, and refused when true."""
    shm: BoolOrTemplate | None = None
    """Whether `/dev/shm` is in memory and large; true by default."""
    tmux: BoolOrTemplate | None = None
    """Whether `tmux` is put in place; false by default, and refused when true."""
    sandbox: BoolOrTemplate | None = None
    """Whether commands can be sent to the container; services only, false by default, and refused when true."""
    ssh: BoolOrTemplate | None = None
    """Whether the container can be entered by SSH; services only, false by default, and refused when true."""
    mount_artifacts_store: BoolOrTemplate | None = None
    """Whether the program is given the artifacts store; false by default."""
    collect_artifacts: BoolOrTemplate | None = None
    """Whether what the program puts into its outputs is kept; true by default."""
    collect_logs: BoolOrTemplate | None = None
    """Whether its logs are kept; true by default."""
    collect_resources: BoolOrTemplate | None = None
    """Whether what it uses of the machine is recorded; true by default."""
    sync_statuses: BoolOrTemplate | None = None
    """Whether its status is followed; true by default."""
    auto_resume: BoolOrTemplate | None = None
    """Whether a resumed run finds the artifacts of the attempt before; true by default."""
    log_level: str | None = None
    """Level of what the tools beside the program log, such as `INFO`."""
    external_host: BoolOrTemplate | None = None
    """Whether the program reaches the API by its public address; false by default."""
    sidecar: Annotated[Sidecar | str, OrTemplate(Sidecar)] | None = None
    """The container that collects."""
    notifications: Annotated[tuple[Notification, ...] | str, OrTemplate(tuple[Notification, ...])] | None = None
    """Who is told of this run."""
