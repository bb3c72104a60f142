"""The rights of the chart are just what the daemon asks for: the audit log of the API server says so."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.backends.kubernetes import names
from tests.cluster.cluster import OwnCluster
from tests.cluster.release import PATIENCE, InCluster, attempts
from tests.cluster.specs import FLOW, MAKE
from tests.cluster.world import let_go
from tests.e2e.harness import until

pytestmark = pytest.mark.cluster

Right = tuple[str, str, str]
"""Group, resource with its part, verb."""

WEB = """\
version: 1.1
kind: operation
name: web
component:
  run:
    kind: service
    ports: [8080]
    isExternal: true
    container: {{image: "{busybox}", command: [sh, -c, 'exec httpd -f -p 8080']}}
"""
LONG = """\
version: 1.1
kind: operation
name: long
component:
  run: {{kind: job, container: {{image: "{busybox}", command: [sh, -c, 'trap "exit 3" TERM; sleep 1000 & wait']}}}}
"""
NOBODYS = """\
version: 1.1
kind: operation
name: nobodys
component:
  run:
    kind: job
    environment: {{serviceAccountName: nobody}}
    container: {{image: "{busybox}", command: ["true"]}}
"""


@pytest.fixture
def place(own_cluster: OwnCluster, namespace: str, tmp_path: Path) -> Iterator[InCluster]:
    made = InCluster(own_cluster, namespace, tmp_path / "place")
    yield made
    made.close()
    let_go(own_cluster, namespace)


def test_every_right_is_used_and_none_is_missing(place):
    route = {"host": "{service}.ml.example.org"}
    values = place.values(backends={"kubernetes": {"route": route, "serviceAccounts": ["nobody"]}})
    flow = {"flow/flow.yaml": place.spec(FLOW, seconds=0), "flow/make.py": MAKE}
    others = {"web.yaml": place.spec(WEB), "long.yaml": place.spec(LONG), "nobodys.yaml": place.spec(NOBODYS)}
    place.push({**flow, **others})
    place.install(values)
    place.becomes("flow", "succeeded")
    place.becomes("web", "ready")
    until(lambda: place.get("/v1/logs", run="flow@g1/make"), "a log is there", PATIENCE)
    _events_are_asked_for(place)
    _a_person_stops_and_tries_again(place)
    place.push({"web.yaml": None})
    until(lambda: _cleaned(place, "web@g1#1"), "the service is cleaned", PATIENCE)
    _an_hour_passes(place)
    until(lambda: "web@g1#1" not in dict(attempts(place)), "its name is free", PATIENCE)
    until(lambda: not place.items("/apis/networking.k8s.io/v1", "ingresses"), "the way to it is gone", PATIENCE)

    used, denied = _asked(place)
    assert not denied, "nothing that it asks for is missing"
    assert _granted(place) - used == set(), "nothing that it has is not used"


def _events_are_asked_for(place: InCluster) -> None:
    """No pod can be made for the account that is not there, which only events say."""
    until(lambda: "nobody" in str(place.get("/v1/status")), "it says why it does not start", PATIENCE)


def _a_person_stops_and_tries_again(place: InCluster) -> None:
    until(lambda: place.state_of("long") == "running", "it runs", PATIENCE)
    place.ask("stop", "long")
    until(lambda: _cleaned(place, "long@g1#1"), "it is stopped", PATIENCE)
    place.ask("retry", "long")
    until(lambda: place.state_of("long") == "running", "it runs again", PATIENCE)


def _cleaned(place: InCluster, key: str) -> bool:
    found = dict(attempts(place)).get(key)
    return found is not None and names.CLEANED in found["metadata"]["labels"]


def _an_hour_passes(place: InCluster) -> None:
    """For everything that is cleaned: it says when that was."""
    past = (datetime.now(UTC) - timedelta(hours=2)).isoformat()
    for _, item in attempts(place):
        if names.CLEANED in item["metadata"]["labels"]:
            base, plural = (
                ("/apis/apps/v1", "deployments") if "replicas" in item["spec"] else ("/apis/batch/v1", "jobs")
            )
            path = f"{base}/namespaces/{place.namespace}/{plural}/{item['metadata']['name']}"
            place.cluster.api.merge(path, {"metadata": {"annotations": {names.CLEANED: past}}})


def _granted(place: InCluster) -> set[Right]:
    """What the roles of the release in its namespace let it do."""
    roles = place.items("/apis/rbac.authorization.k8s.io/v1", "roles", "app.kubernetes.io/name=plumbline")
    return {
        (group, resource, verb)
        for role in roles
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def _asked(place: InCluster) -> tuple[set[Right], list[Any]]:
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
