"""The surroundings of a run's processes: where in a cluster they run, and as whom (reference, section 10.8)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from planner.spec.kubernetes import Kubernetes
from planner.spec.numbers import AnyWholeOrTemplate
from planner.spec.shape import BoolOrTemplate, Printed, Section

__all__ = ["Environment"]

RestartPolicy = Literal["Always", "OnFailure", "Never", "ExitCode"]
"""When a process that ended is started again in its place."""
_Object = dict[str, Any] | str
_Objects = list[Any] | str


class Environment(
    Section,
    identity="host_aliases security_context host_network host_pid host_ipc dns_policy dns_config",
    live="labels annotations node_selector affinity tolerations node_name service_account_name image_pull_secrets "
    "scheduler_name priority_class_name priority restart_policy",
):
    """Labels for people and clusters, placement, and what of its host a process sees."""

    labels: dict[str, Printed] | None = None
    """Labels of the run and of its objects; never identity."""
    annotations: dict[str, Printed] | None = None
    """Annotations of the run and of its objects; never identity."""
    node_selector: dict[str, Printed] | None = None
    """Labels that a node must have."""
    affinity: Annotated[_Object, Kubernetes("Affinity")] | None = None
    """Rules for nodes, and for pods that are near."""
    tolerations: Annotated[_Objects, Kubernetes("Toleration[]")] | None = None
    """Taints of nodes that do not matter."""
    node_name: str | None = None
    """The one node that it runs on."""
    service_account_name: str | None = None
    """The account that it has in the cluster; the configuration's by default."""
    host_aliases: Annotated[_Objects, Kubernetes("HostAlias[]")] | None = None
    """Further names of hosts: `ip` and `hostnames`."""
    security_context: Annotated[_Object, Kubernetes("PodSecurityContext")] | None = None
    """The user and group of all its containers."""
    image_pull_secrets: tuple[str, ...] | None = None
    """Names of the secrets that images are pulled with."""
    host_network: BoolOrTemplate | None = None
    """Whether it uses the network of its host; false by default."""
    host_pid: BoolOrTemplate | None = Field(default=None, alias="hostPID")
    """Whether it sees the processes of its host; false by default."""
    host_ipc: BoolOrTemplate | None = Field(default=None, alias="hostIPC")
    """Whether it shares memory and semaphores with its host; false by default."""
    dns_policy: Annotated[str, Kubernetes("|ClusterFirstWithHostNet|ClusterFirst|Default|None|")] | None = None
    """Whose names of hosts it knows; the cluster's by default."""
    dns_config: Annotated[_Object, Kubernetes("PodDNSConfig")] | None = None
    """Name servers and search domains."""
    scheduler_name: str | None = None
    """The scheduler that finds a node; the cluster's by default."""
    priority_class_name: str | None = None
    """The class of its priority."""
    priority: AnyWholeOrTemplate | None = None
    """Its priority as a number, where the cluster takes one."""
    restart_policy: RestartPolicy | None = None
    """When a process that ended is started again in its place; never by default, `OnFailure` in Kubeflow jobs."""
