"""`plumbline plan --server` with a real cluster: what is refused, what rules set, what a service changes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.test_daemon import PATIENCE, WEB, ClusterPlace
from tests.cluster.world import let_go
from tests.e2e.harness import Nursery, environment

pytestmark = pytest.mark.cluster

ROOT = """\
version: 1.1
kind: operation
name: mighty
component:
  run:
    kind: job
    environment: {{hostNetwork: true}}
    container: {{image: "{busybox}", command: [id]}}
"""
TRAIN = """\
version: 1.1
kind: operation
name: train
component:
  run:
    kind: job
    container: {{image: "{busybox}", command: [echo, hello], resources: {{requests: {{cpu: 0.05}}}}}}
"""
MAIN = "/spec/containers/main"


@pytest.fixture
def place(cluster: Any, namespace: str, tmp_path: Path) -> Iterator[ClusterPlace]:
    nursery = Nursery()
    made = ClusterPlace(cluster, namespace, tmp_path / "place", nursery)
    said = made.settings["backends"]["kubernetes"]
    made.configure(
        backends={"kubernetes": {**said, "allow": ["hostNetwork", "nodeSelection", "priority", "schedulerName"]}}
    )
    yield made
    nursery.close()
    let_go(cluster, namespace)


def planned(place: ClusterPlace, files: dict[str, str], code: int = 0) -> tuple[dict[str, Any], str]:
    """What the cluster says of each operation that files of nobody's commit would start, and the same for people."""
    for name, text in files.items():
        (place.work / name).write_text(text)
    env = {**environment(), "PLUMBLINE_STATE": str(place.state)}
    told = []
    for form in ("json", "text"):
        words = [sys.executable, "-m", "reconciler.cli", "-c", str(place.config), "-o", form, "plan", "--server"]
        done = subprocess.run(
            words, cwd=place.work, env=env, capture_output=True, text=True, check=False, timeout=PATIENCE
        )
        assert done.returncode == code, done.stdout + done.stderr
        told.append(done.stdout)
    actions = json.loads(told[0])["actions"]
    return {action["root"]: action["rehearsed"] for action in actions}, told[1]


def fields(changes: list[dict[str, Any]]) -> dict[str, tuple[Any, Any]]:
    return {one["pointer"]: (one["before"], one["after"]) for one in changes}


def world(place: ClusterPlace) -> dict[str, list[str]]:
    """Every object of the namespace that could have been made."""
    core = dict.fromkeys(("pods", "services", "configmaps", "secrets"), "/api/v1")
    bases = {**core, "jobs": "/apis/batch/v1", "deployments": "/apis/apps/v1"}
    return {plural: sorted(one["uid"] for one in place.listed(base, plural)) for plural, base in bases.items()}


def test_what_the_cluster_says_is_in_the_plan_and_nothing_is_made(place):
    api, here = place.cluster.api, f"/api/v1/namespaces/{place.namespace}"
    place.push({"web.yaml": place.spec(WEB, word="one")})
    place.start()
    place.becomes("web", "ready")
    before = world(place)

    files = {"train.yaml": place.spec(TRAIN)}
    found, _ = planned(place, files)
    (train,) = found["train"]
    assert (train["refused"], train["admitted"], train["unknown"]) == ([], [], []), "defaults are no change"

    limit = {"type": "Container", "default": {"memory": "512Mi"}, "defaultRequest": {"memory": "64Mi"}}
    api.create(f"{here}/limitranges", {"metadata": {"name": "small"}, "spec": {"limits": [limit]}})
    namespaced = api.get(here)
    namespaced["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] = "baseline"
    api.ask("PUT", here, namespaced)

    changed = place.spec(WEB, word="two").replace(place.images["busybox"], place.images["python"])
    changed = changed.replace("      readinessProbe", "      env: [{name: COLOUR, value: green}]\n      readinessProbe")
    files |= {"web.yaml": changed, "mighty.yaml": place.spec(ROOT)}
    found, text = planned(place, files, code=2)

    (mighty,) = found["mighty"]
    assert [one for one in mighty["refused"] if 'violates PodSecurity "baseline' in one], mighty
    assert "! refused: Pod: " in text
    (train,) = found["train"]
    assert not train["refused"], train
    assert fields(train["admitted"]).get(f"Pod{MAIN}/resources/limits/memory") == (None, "512Mi"), train
    (web,) = found["web"]
    moved = fields(web["changes"])
    main = "Deployment/spec/template/spec/containers/main"
    assert moved.pop(f"{main}/image") == (place.images["busybox"], place.images["python"])
    assert moved.pop(f"{main}/env/COLOUR/value") == (None, "green")
    assert {at.rpartition("/")[0] for at in moved} <= {f"{main}/command", f"{main}/env/COLOUR"}, moved
    assert f'{main}/env/COLOUR/value: "green" (new)' in text

    assert world(place) == before
