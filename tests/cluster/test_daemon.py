"""A whole daemon with a real cluster: what a push asks for runs there, and nothing of it is lost with the daemon."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.backends.kubernetes import names
from tests.cluster.specs import FLOW, IDLE, MAKE, TICK, WEB
from tests.cluster.world import let_go
from tests.e2e.harness import Nursery, Place, environment, until
from tests.ports import free_port

pytestmark = pytest.mark.cluster

PATIENCE = 180.0


class ClusterPlace(Place):
    """A repository and its daemons, whose runs go to a namespace of a cluster."""

    def __init__(self, cluster: Any, namespace: str, base: Path, nursery: Nursery) -> None:
        port = free_port(cluster.host)
        agent = {"image": cluster.image("agent"), "contact": f"http://{cluster.host}:{port}"}
        said = {
            "kubeconfig": str(cluster.kubeconfig),
            "namespace": namespace,
            "agent": {**agent, "listen": f"{cluster.host}:{port}"},
        }
        super().__init__(base, nursery, backend="kubernetes", resync=5, backends={"kubernetes": said}, firstSync="run")
        self.cluster, self.namespace = cluster, namespace
        self.images = {name: cluster.image(name) for name in ("busybox", "python")}

    def spec(self, text: str, **values: object) -> str:
        return text.format(**self.images, **values)

    def plumbline(self, *words: str) -> str:
        """What the command prints."""
        env = {**environment(), "PLUMBLINE_STATE": str(self.state)}
        command = [sys.executable, "-m", "reconciler.cli", *words]
        return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60).stdout

    def becomes(self, name: str, wanted: str) -> None:
        """Wait until an operation is in a state, and fail at once where it fails."""
        found = until(lambda: self._one_of(name, wanted, "failed"), f"{name} is {wanted}", PATIENCE)
        assert found == wanted, self.plumbline("explain", name)

    def _one_of(self, name: str, *wanted: str) -> str:
        return found if (found := self.state_of(name)) in wanted else ""

    def listed(self, base: str, plural: str) -> list[dict[str, Any]]:
        found = self.cluster.api.get(f"{base}/namespaces/{self.namespace}/{plural}")["items"]
        return [one["metadata"] for one in found]


@pytest.fixture
def place(cluster: Any, namespace: str, tmp_path: Path) -> Iterator[ClusterPlace]:
    nursery = Nursery()
    yield ClusterPlace(cluster, namespace, tmp_path / "place", nursery)
    nursery.close()
    let_go(cluster, namespace)


def test_a_push_runs_a_dag_a_service_and_a_schedule(place):
    web = place.spec(WEB, word="one")
    place.push({"flow/flow.yaml": place.spec(FLOW, seconds=0), "flow/make.py": MAKE, "web.yaml": web})
    place.push({"tick.yaml": place.spec(TICK)})
    place.start()
    place.becomes("flow", "succeeded")
    assert {one["key"] for one in place.get("/v1/runs", root="flow")["runs"]} >= {
        "flow@g1",
        "flow@g1/make",
        "flow@g1/use",
    }
    assert "made" in place.plumbline("logs", "flow@g1/make"), "kept though its pod is gone"
    assert "model.txt" in place.plumbline("artifacts", "ls", "flow@g1/make")
    assert "loss" in place.plumbline("metrics", "flow@g1/make")
    place.becomes("web", "ready")
    until(lambda: "succeeded" in place.plumbline("runs", "--root", "tick"), "a tick has run", PATIENCE)
    place.push({"web.yaml": place.spec(WEB, word="two")})
    until(lambda: _is_next(place.operation("web")), "the next generation is ready", PATIENCE)
    place.push({"web.yaml": None})
    until(lambda: not _deployments(place), "what is removed is gone", PATIENCE)


def test_a_service_that_somebody_changed_is_put_right(place):
    place.push({"web.yaml": place.spec(WEB, word="one")})
    place.start()
    place.becomes("web", "ready")
    ((name, made),) = [(one["name"], one) for one in _deployments(place)]
    path = f"/apis/apps/v1/namespaces/{place.namespace}/deployments/{name}"
    place.cluster.api.merge(path, {"metadata": {"labels": {"team": "b"}}, "spec": {"replicas": 3}})
    found = place.cluster.api.wait(path, lambda now: now["spec"]["replicas"] == 1)
    assert (found["metadata"]["uid"], found["metadata"]["labels"]["team"]) == (made["uid"], "b")
    until(lambda: place.operation("web")["state"] == "ready", "it is ready again", PATIENCE)


def test_a_service_that_is_idle_is_stopped_and_sleeps(place):
    place.push({"book.yaml": place.spec(IDLE)})
    place.start()
    place.becomes("book", "asleep")
    until(lambda: not _deployments(place), "nothing of it is left", PATIENCE)


def test_what_runs_goes_on_without_the_daemon(place):
    """Killed while a node of a DAG runs: the next life finds its end, and starts what comes after it, once."""
    place.push({"flow/flow.yaml": place.spec(FLOW, seconds=8), "flow/make.py": MAKE})
    first = place.start()
    until(lambda: "use" in " ".join(one["name"] for one in _jobs(place)), "the second node is there", PATIENCE)
    first.kill()
    place.start()
    place.becomes("flow", "succeeded")
    assert sorted(one["annotations"][names.KEY] for one in _jobs(place)) == ["flow@g1/make#1", "flow@g1/use#1"]


def _is_next(web: dict[str, Any]) -> bool:
    return web["generation"] == 2 and web["state"] == "ready"


def _jobs(place: ClusterPlace) -> list[dict[str, Any]]:
    return place.listed("/apis/batch/v1", "jobs")


def _deployments(place: ClusterPlace) -> list[dict[str, Any]]:
    found = place.listed("/apis/apps/v1", "deployments")
    return [one for one in found if names.CLEANED not in one["labels"]]
