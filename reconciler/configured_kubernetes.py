"""What the settings of `backends.kubernetes` mean to the backend. Reads nothing and checks nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib import resources

from planner.model.cluster import ClusterRules
from planner.spec.catalogue import Connection
from reconciler.backends.kubernetes.settings import AgentSettings, KubernetesSettings, Route
from reconciler.settings_kubernetes import Agent, KubernetesBackend
from reconciler.settings_kubernetes import Route as SaidRoute

__all__ = ["kubernetes_of", "rules_of"]


def rules_of(said: KubernetesBackend) -> ClusterRules:
    """What specs may ask of the cluster."""
    return ClusterRules(
        allow=frozenset(said.allow),
        service_accounts=said.service_accounts,
        secrets=said.secrets,
        annotations=said.annotations,
        user=said.user,
        group=said.group,
        agent=said.agent is not None and said.agent.contact is not None,
    )


def kubernetes_of(said: KubernetesBackend, connections: Mapping[str, Connection]) -> KubernetesSettings:
    """How the backend runs what it is given."""
    return KubernetesSettings(
        namespace=said.namespace,
        run_namespaces=said.run_namespaces,
        service_account=said.service_account,
        agent=_agent_of(said.agent),
        rules=rules_of(said),
        node_selector=said.node_selector,
        tolerations=said.tolerations,
        image_pull_secrets=said.image_pull_secrets,
        priority_class=said.priority_class,
        connections=connections,
        local_queues=said.local_queues,
        route=_route_of(said.route),
        tracking=resources.files("reconciler").joinpath("tracking.py").read_text(),
        env=said.env,
        image_pull_policy=said.image_pull_policy or "",
        scratch=said.scratch,
    )


def _agent_of(said: Agent | None) -> AgentSettings:
    if said is None:
        return AgentSettings()
    agent = AgentSettings(said.image, said.pull_policy, said.contact or "", user=said.user)
    if said.resources is None:
        return agent
    resources = {str(kind): amounts for kind, amounts in said.resources.items()}
    return replace(agent, resources=resources)


def _route_of(said: SaidRoute | None) -> Route | None:
    if said is None:
        return None
    return Route(said.kind, said.host, said.ingress_class, said.tls_secret, said.gateways, said.annotations)
