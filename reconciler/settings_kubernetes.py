"""Runs on a cluster: part of the configuration. Nothing here opens what it names."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from planner.model.cluster import Allow, ClusterRules
from planner.spec.clashes import fault
from planner.spec.container import EnvVar
from planner.spec.shape import Section, Whole

__all__ = ["Agent", "KubernetesBackend", "Route"]

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_CONTACT = re.compile(r"https?://[^\s/?#@]+")


def _namespace(value: str) -> str:
    if not _LABEL.fullmatch(value):
        raise fault("PL-204", "{field} must be the name of a namespace", "lower-case letters, digits and `-`")
    return value


def _contact(value: str) -> str:
    if not _CONTACT.fullmatch(value):
        raise fault("PL-204", "{field} must be a URL without a path", "such as http://plumbline.ml.svc:8090")
    return value


def _variable(value: str) -> str:
    EnvVar(name=value)
    return value


Namespace = Annotated[str, AfterValidator(_namespace)]


class Agent(Section):
    """What stands beside a run's program in its pod."""

    image: str
    """Image of Plumbline, best by digest."""
    pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    contact: Annotated[str, AfterValidator(_contact)] | None = None
    """URL by which pods reach the daemon, for code and artifacts; without it pods have neither."""
    listen: str | None = None
    """Address that the daemon answers pods on, such as 0.0.0.0:8090."""
    token_key_file: Path | None = None
    """File with the secret of pods' tokens, the same for all replicas; made in the state folder when left out."""
    resources: dict[Literal["requests", "limits"], dict[str, str]] | None = None
    """Of each of its containers; a twentieth of a core and 64Mi, one core and 512Mi at most, when left out."""
    user: Whole = 65_532
    """The user that it runs as where the pod has none."""


class Route(Section):
    """The way to services from outside the cluster."""

    kind: Literal["Ingress", "HTTPRoute"] = "Ingress"
    host: str
    """Host of a service, with `{service}` and `{namespace}`: `{service}.ml.example.org`."""
    ingress_class: str = ""
    tls_secret: str = ""
    """Secret with the certificate of an Ingress."""
    gateways: tuple[dict[str, Any], ...] = ()
    """Parents of an HTTPRoute, as the Gateway API has them."""
    annotations: dict[str, str] = Field(default_factory=dict)


class KubernetesBackend(Section):
    """Runs as Jobs and Deployments of a cluster."""

    kubeconfig: Path | None = None
    """The file that leads to the cluster; the service account of the daemon's own pod when left out."""
    context: str | None = None
    """Context of that file; its current one when left out."""
    namespace: Namespace = "default"
    """Where runs go whose operation names no namespace."""
    run_namespaces: tuple[Namespace, ...] = ()
    """Further namespaces that operations may name."""
    state: Path | None = None
    """Folder of what pods bring and of kept logs; `kubernetes` in the state folder when left out."""
    service_account: str = ""
    """Account of run pods that name none. Its token is not mounted."""
    service_accounts: tuple[str, ...] = ()
    """Accounts that operations may name."""
    agent: Agent | None = None
    allow: tuple[Allow, ...] = tuple(sorted(ClusterRules().allow))
    """What specs may ask for beyond the pod security level *restricted*."""
    secrets: tuple[str, ...] | None = None
    """Globs of the secrets and config maps that specs may name; all but Plumbline's own when left out."""
    annotations: tuple[str, ...] | None = None
    """Globs of the annotations that specs may set; all but those that controllers go by when left out."""
    user: Whole | None = 65_532
    """User that programs run as whose spec has none; null for the image's own, which must be a number."""
    group: Whole | None = 65_532
    """Group that owns the volumes of a pod."""
    node_selector: dict[str, str] = Field(default_factory=dict)
    """Labels of nodes for every run."""
    tolerations: tuple[dict[str, Any], ...] = ()
    """Taints that do not matter to any run, as Kubernetes has them."""
    image_pull_secrets: tuple[str, ...] = ()
    """Secrets that images of all runs are pulled with."""
    # In the order of planner.spec.plugins: Python keeps one union of equal ones, the first, and docs/spec shows it.
    image_pull_policy: Literal["IfNotPresent", "Always", "Never"] | None = None
    priority_class: str = ""
    """Class of the priority of runs that name none."""
    local_queues: dict[str, str] = Field(default_factory=dict)
    """By the name of a queue of this configuration, the LocalQueue of Kueue that its jobs wait in."""
    route: Route | None = None
    env: dict[Annotated[str, AfterValidator(_variable)], str] = Field(default_factory=dict)
    """Further variables of every program."""
    scratch: str = ""
    """The most that the working folder and outputs of a pod may take, such as 20Gi."""
    runs_at_once: Whole | None = None
    """Attempts that may be alive at once."""
    log_megabytes: Whole = 64
    """Size at which a kept log is cut, with as much before it in a second file."""
