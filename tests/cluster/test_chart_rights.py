"""The rights of the chart are just what the daemon asks for: the audit log of the API server says so."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.backends.kubernetes import names
from tests.cluster.cluster import OwnCluster
from tests.cluster.release import PATIENCE, InCluster, attempts
from tests.cluster.rights import asked, granted
from tests.cluster.specs import FLOW, MAKE
from tests.e2e.harness import environment, until

pytestmark = pytest.mark.cluster

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
    made = InCluster(own_cluster, namespace, tmp_path / "place", runs=f"{namespace}-runs")
    yield made
    made.close()


def test_every_right_is_used_and_none_is_missing(place):
    route = {"host": "{service}.ml.example.org"}
    values = place.values(backends={"kubernetes": {"route": route, "serviceAccounts": ["nobody"]}})
    values["rbac"] = {"planServer": True}
    flow = {"flow/flow.yaml": place.spec(FLOW, seconds=0), "flow/make.py": MAKE}
    others = {"web.yaml": place.spec(WEB), "long.yaml": place.spec(LONG), "nobodys.yaml": place.spec(NOBODYS)}
    place.push({**flow, **others})
    place.install(values)
    place.becomes("flow", "succeeded")
    place.becomes("web", "ready")
    until(lambda: place.get("/v1/logs", run="flow@g1/make"), "a log is there", PATIENCE)
    assert place.get("/v1/open", run="web")["url"].endswith(".ml.example.org/")
    _a_plan_asks(place)
    _events_are_asked_for(place)
    _a_person_stops_and_tries_again(place)
    place.push({"web.yaml": None})
    until(lambda: _cleaned(place, "web@g1#1"), "the service is cleaned", PATIENCE)
    _an_hour_passes(place)
    until(lambda: "web@g1#1" not in dict(attempts(place)), "its name is free", PATIENCE)
    until(lambda: not _ways(place), "the way to it is gone", PATIENCE)

    used, denied = asked(place)
    assert not denied, "nothing that it asks for is missing"
    assert granted(place) - used == set(), "nothing that it has is not used"


def _ways(place: InCluster) -> list[Any]:
    return place.items("/apis/networking.k8s.io/v1", "ingresses", namespace=place.runs_namespace)


def _a_plan_asks(place: InCluster) -> None:
    """As if: of a service that changes, and of a job that is new."""
    written = {"new.yaml": place.spec(LONG).replace("name: long", "name: new"), "web.yaml": place.spec(WEB) + "\n"}
    written["web.yaml"] = written["web.yaml"].replace("exec httpd", "echo; exec httpd")
    for name, text in written.items():
        (place.work / name).write_text(text)
    env = {**environment(), "PLUMBLINE_STATE": str(place.state)}
    words = [sys.executable, "-m", "reconciler.cli", "plan", "--server"]
    done = subprocess.run(words, cwd=place.work, env=env, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "  ? " not in done.stdout, "nothing is unknown"
    (place.work / "new.yaml").unlink()


def _events_are_asked_for(place: InCluster) -> None:
    """No pod can be made for the account that is not there, which only events say."""
    until(lambda: 'serviceaccount "nobody"' in str(place.get("/v1/status")), "it says why it does not start", PATIENCE)


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
    """For what is cleaned, which says when that was, and for the daemon, which looks again when it starts."""
    past = (datetime.now(UTC) - timedelta(hours=2)).isoformat()
    for _, item in attempts(place):
        if names.CLEANED in item["metadata"]["labels"]:
            base, plural = (
                ("/apis/apps/v1", "deployments") if "replicas" in item["spec"] else ("/apis/batch/v1", "jobs")
            )
            path = f"{base}/namespaces/{place.runs_namespace}/{plural}/{item['metadata']['name']}"
            place.cluster.api.merge(path, {"metadata": {"annotations": {names.CLEANED: past}}})
    (pod,) = place.daemons_pods()
    place.cluster.api.delete(f"/api/v1/namespaces/{place.namespace}/pods/{pod['metadata']['name']}")
