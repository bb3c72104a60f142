"""Parts of the cluster are killed, or fall silent, in the middle of a graph: it comes out as if they had not."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.cluster.cluster import OwnCluster
from tests.cluster.faults.outcome import differences, reference
from tests.cluster.faults.plan import Script
from tests.cluster.faults.point import Point, Shared, World
from tests.cluster.faults.workloads import WAITS, WORKLOADS, job

pytestmark = [pytest.mark.cluster, pytest.mark.crashes, pytest.mark.prove]


@pytest.fixture(scope="module")
def shared(cluster: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    made = Shared(cluster, tmp_path_factory.mktemp("killed"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def wanted(shared: Shared) -> World:
    """What the graph comes to where nothing happens."""
    return reference(shared, "slow", "slow-ref")[0]


def killed(component: str) -> Callable[[OwnCluster, Point], None]:
    return lambda cluster, _: cluster.restart(component, signal.SIGKILL)


def silent(component: str) -> Callable[[OwnCluster, Point], None]:
    """Stopped with its connections open, until the daemon has given up on it."""

    def act(cluster: OwnCluster, point: Point) -> None:
        cluster.send(component, signal.SIGSTOP)
        try:
            point.until(lambda point: "cannot be reached" in point.place.log.read_text(), "the daemon has noticed")
        finally:
            cluster.send(component, signal.SIGCONT)

    return act


def away(cluster: OwnCluster, point: Point) -> None:
    """The API server ends, the daemon is killed and starts without one, and it comes back."""
    cluster.stop("kube-apiserver", signal.SIGKILL)
    point.place.daemons[-1].kill()
    point.place.start()
    cluster.begin("kube-apiserver")


HAPPENS = {
    "api-server-killed": killed("kube-apiserver"),
    "api-server-silent": silent("kube-apiserver"),
    "api-server-and-daemon": away,
    "kubelet-killed": killed("kubelet"),
    "etcd-killed": killed("etcd"),
}


@pytest.mark.parametrize("name", HAPPENS)
def test_a_graph_goes_on(own_cluster, shared, wanted, name):
    point = Point(shared, name, Script())
    try:
        point.place.start()
        WORKLOADS["slow"].act(point)
        point.begun("flow@g1/second")
        HAPPENS[name](own_cluster, point)
        seen: list[World] = [{}]

        def same(point: Point) -> bool:
            seen[0] = point.world()
            return seen[0] == wanted

        try:
            point.until(same, "the world is as it should be")
        except AssertionError as error:
            pytest.fail("\n".join((str(error), *differences(seen[0], wanted), point.place.log.read_text()[-3000:])))
        assert "Traceback" not in point.place.log.read_text()
    finally:
        point.close()


def test_an_earlier_state_of_etcd(own_cluster, shared, tmp_path):
    """What was made since is lost and made anew; what was there goes on, and is seen though versions begin lower."""
    data, kept = own_cluster.instance.folder / "etcd", tmp_path / "etcd"
    point = Point(shared, "restored", Script())
    try:
        point.place.start()
        _begin(point, "before")
        own_cluster.stop("etcd")
        shutil.copytree(data, kept)
        own_cluster.begin("etcd")
        _begin(point, "since")
        for component in ("kube-apiserver", "etcd"):
            own_cluster.stop(component, signal.SIGKILL)
        shutil.rmtree(data)
        shutil.copytree(kept, data)
        for component in ("etcd", "kube-apiserver"):
            own_cluster.begin(component)
        for component in ("kube-controller-manager", "kube-scheduler", "kubelet"):  # they believe what they have seen
            own_cluster.restart(component, signal.SIGKILL)
        point.until(lambda point: point.starts()["since@g1"] == [1, 1], "what was made since runs again")
        point.push({"before.yaml": None})
        point.until(lambda point: point.state_of("before") in {"", "removed", "stopped"}, "what was there is stopped")
        assert point.starts()["before@g1"] == [1]
        assert point.place.get("/v1/status")["holds"] == []
        assert [one["reason"] for one in point.place.run("since@g1")["attemptList"]][:1] == ["lost"]
        assert "Traceback" not in point.place.log.read_text()
    finally:
        point.close()


def _begin(point: Point, name: str) -> None:
    point.push({f"{name}.yaml": job(point, name, WAITS, termination={"maxRetries": 1})})
    point.begun(f"{name}@g1")
    point.until(lambda point: point.state_of(name) == "running", f"the daemon has seen {name} run")
