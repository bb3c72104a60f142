"""What the Kubernetes backend is told: where runs go, as whom, and what specs may ask of a cluster.

It reads no environment and no file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from planner.canon import Json
from planner.model.cluster import Allow, ClusterRules
from planner.spec.catalogue import Connection

__all__ = ["AgentSettings", "KubernetesSettings", "Route"]

_HELPER = MappingProxyType(
    {
        "requests": MappingProxyType({"cpu": "50m", "memory": "64Mi"}),
        "limits": MappingProxyType({"cpu": "1", "memory": "512Mi"}),
    }
)


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """The agent beside a run's program: our own image, whose entry is `python3 /plumbline-agent.py`.

    Attributes:
        image: it, best by digest; "" for pods without the agent, which any image can have.
        pull_policy: when it is pulled.
        contact: URL by which pods reach the daemon, for code and artifacts; "" where they do not.
        resources: what each of its containers asks for: `requests` and `limits`.
        user: the numeric user that it runs as where the pod has none.
    """

    image: str = ""
    pull_policy: str = "IfNotPresent"
    contact: str = ""
    resources: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: _HELPER)
    user: int = 65_532


@dataclass(frozen=True, slots=True)
class Route:
    """How services are reached from outside the cluster.

    Attributes:
        kind: `Ingress`, or `HTTPRoute` of the Gateway API.
        host: with `{service}` and `{namespace}` for the names of the Service: `{service}.ml.example.org`.
        ingress_class: class of an Ingress; "" for the cluster's own.
        tls_secret: secret with the certificate of an Ingress; "" for none.
        gateways: of an HTTPRoute, its parents as the Gateway API has them: `name`, `namespace`, `sectionName`.
        annotations: of the object.
    """

    kind: str
    host: str
    ingress_class: str = ""
    tls_secret: str = ""
    gateways: tuple[Mapping[str, Json], ...] = ()
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KubernetesSettings:
    """Settings of the Kubernetes backend (`backends.kubernetes`).

    Attributes:
        namespace: where runs go that name none.
        run_namespaces: further namespaces that an operation may name.
        service_account: account of run pods that name none; "" for the namespace's default. Its token is not mounted.
        agent: the agent in run pods.
        rules: what specs may ask for, and whom programs run as.
        node_selector: labels of nodes for every run; a spec may add others.
        tolerations: taints that do not matter to any run.
        image_pull_secrets: names of the secrets that images of all runs are pulled with.
        priority_class: class of the priority of runs that name none; "" for the cluster's own.
        connections: the catalogue that specs name connections of, by name.
        local_queues: by the name of a queue of the configuration, the LocalQueue of Kueue that its jobs are put into;
            each namespace of runs has one of that name.
        route: how services are reached from outside; None for not at all.
        tracking: text of `plumbline_tracking.py` for pods without the agent; "" leaves it out.
        env: further variables of every program, below those of the spec.
        image_pull_policy: of programs whose spec has none; "" for what Kubernetes decides by the tag.
        scratch: the most that the working folder and outputs of a pod may take (`20Gi`); "" for no limit.
    """

    namespace: str = "default"
    run_namespaces: tuple[str, ...] = ()
    service_account: str = ""
    agent: AgentSettings = field(default_factory=AgentSettings)
    rules: ClusterRules = field(default_factory=ClusterRules)
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: tuple[Mapping[str, Json], ...] = ()
    image_pull_secrets: tuple[str, ...] = ()
    priority_class: str = ""
    connections: Mapping[str, Connection] = field(default_factory=dict)
    local_queues: Mapping[str, str] = field(default_factory=dict)
    route: Route | None = None
    tracking: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    image_pull_policy: str = ""
    scratch: str = ""

    @property
    def compile_rules(self) -> ClusterRules:
        """The rules as they are held against specs."""
        return replace(self.rules, agent=bool(self.agent.image and self.agent.contact))

    @property
    def mounts_tokens(self) -> bool:
        """Whether run pods get the token of their service account."""
        return Allow.TOKENS in self.rules.allow
