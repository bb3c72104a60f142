"""Every manifest of the chart is taken by a real API server, as a dry run, where only level *restricted* may run."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cluster.helm import rendered
from tests.cluster.release import RESTRICTED
from tests.cluster.test_chart import EVERYTHING

pytestmark = pytest.mark.cluster

PLACES = {
    "ConfigMap": "/api/v1/namespaces/{}/configmaps",
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
    "NetworkPolicy": "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies",
    "PersistentVolumeClaim": "/api/v1/namespaces/{}/persistentvolumeclaims",
    "PodDisruptionBudget": "/apis/policy/v1/namespaces/{}/poddisruptionbudgets",
    "Role": "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/roles",
    "RoleBinding": "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/rolebindings",
    "Service": "/api/v1/namespaces/{}/services",
    "ServiceAccount": "/api/v1/namespaces/{}/serviceaccounts",
}
ELSEWHERE = {"ServiceMonitor"}
"""Kinds of an operator that the cluster does not have."""


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
