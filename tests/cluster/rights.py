"""What a release of the chart may do, and what its daemon asked the API server for, by the server's own audit log."""

from __future__ import annotations

from typing import Any

from tests.cluster.release import InCluster

Right = tuple[str, str, str]
"""Group, resource with its part, verb."""


def granted(place: InCluster) -> set[Right]:
    """What the roles of the release let it do."""
    where = {place.namespace, place.runs_namespace}
    base, ours = "/apis/rbac.authorization.k8s.io/v1", "app.kubernetes.io/name=plumbline"
    return {
        (group, resource, verb)
        for namespace in where
        for role in place.items(base, "roles", ours, namespace)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def asked(place: InCluster) -> tuple[set[Right], list[Any]]:
    """What the account of the daemon asked for, and what of it was denied."""
    account = f"system:serviceaccount:{place.namespace}:plumbline"
    used, denied = set[Right](), []
    for record in place.cluster.audit():
        about = record.get("objectRef")
        if record["user"]["username"] != account or about is None:
            continue
        resource = "/".join(filter(None, (about.get("resource"), about.get("subresource"))))
        right = (about.get("apiGroup", ""), resource, record["verb"])
        code = record.get("responseStatus", {}).get("code")
        if code == 403:
            denied.append((right, record["responseStatus"].get("message")))
        used.add(right)
        if record["verb"] == "patch" and code == 201:  # server-side apply of what is not there needs both
            used.add((*right[:2], "create"))
    return used, denied
