"""Every manifest of the chart is taken by a real API server, as a dry run, where only level *restricted* may run."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cluster import guests
from tests.cluster.cluster import OwnCluster
from tests.cluster.helm import one, rendered
from tests.cluster.monitoring import selector
from tests.cluster.release import RESTRICTED
from tests.cluster.test_chart import EVERYTHING

pytestmark = pytest.mark.cluster

PLACES = {
    "ConfigMap": "/api/v1/namespaces/{}/configmaps",
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
    "Ingress": "/apis/networking.k8s.io/v1/namespaces/{}/ingresses",
    "NetworkPolicy": "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies",
    "PersistentVolumeClaim": "/api/v1/namespaces/{}/persistentvolumeclaims",
    "PodDisruptionBudget": "/apis/policy/v1/namespaces/{}/poddisruptionbudgets",
    "Role": "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/roles",
    "RoleBinding": "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/rolebindings",
    "Service": "/api/v1/namespaces/{}/services",
    "ServiceAccount": "/api/v1/namespaces/{}/serviceaccounts",
}
ELSEWHERE = {"ServiceMonitor"}
"""Kinds of an operator that a cluster may have or not."""


@pytest.mark.parametrize("values", [{}, EVERYTHING], ids=["least", "everything"])
def test_a_server_takes_it_all(cluster: Any, namespace: str, values: dict[str, Any]) -> None:
    cluster.api.merge(f"/api/v1/namespaces/{namespace}", {"metadata": {"labels": RESTRICTED}})
    made = rendered(values, {"runNamespace": "", "runNamespaces": []} if values else {}, namespace=namespace)
    kinds = {item["kind"] for item in made}
    assert kinds <= {*PLACES, *ELSEWHERE}
    for item in made:
        if item["kind"] in ELSEWHERE:
            continue
        path = PLACES[item["kind"]].format(namespace)
        cluster.api.ask("POST", path, item, {"dryRun": "All", "fieldValidation": "Strict"})
        if item["kind"] == "Deployment":  # of a template that is beyond a level a server only warns
            template = item["spec"]["template"]
            pod = {"metadata": {**template["metadata"], "name": "daemon"}, "spec": template["spec"]}
            pod["spec"] = {**pod["spec"], "serviceAccountName": "default", "priorityClassName": ""}
            cluster.api.ask("POST", f"/api/v1/namespaces/{namespace}/pods", pod, {"dryRun": "All"})


def test_the_prometheus_operator_takes_its_part(own_cluster: OwnCluster, namespace: str) -> None:
    """By its own definition; and the one service that it then chooses has the port that it names."""
    api, monitoring = own_cluster.api, "/apis/monitoring.coreos.com/v1"
    made = rendered(EVERYTHING, {"runNamespace": "", "runNamespaces": []}, namespace=namespace)
    strict = {"fieldValidation": "Strict"}
    with guests.defined(api, "monitoring.coreos.com_servicemonitors.yaml"):
        path = f"{monitoring}/namespaces/{namespace}/servicemonitors"
        monitor = api.ask("POST", path, one(made, "ServiceMonitor"), strict)
        api.ask("POST", PLACES["Service"].format(namespace), one(made, "Service"), strict)
        api.create(
            PLACES["Service"].format(namespace), {"metadata": {"name": "other"}, "spec": {"ports": [{"port": 1}]}}
        )
        (chosen,) = api.get(PLACES["Service"].format(namespace), labelSelector=selector(monitor))["items"]
        assert chosen["metadata"]["name"] == "plumbline"
        ports = {port["name"] for port in chosen["spec"]["ports"]}
        assert {endpoint["port"] for endpoint in monitor["spec"]["endpoints"]} <= ports
