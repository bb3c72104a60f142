"""Objects that vanish: a few are lost and start anew; more than anybody should believe wait for a person."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.backends.kubernetes import names
from tests.cluster.faults.plan import On, Script
from tests.cluster.faults.point import Point, Shared
from tests.cluster.faults.workloads import WAITS, job

pytestmark = pytest.mark.cluster

MANY = [f"train-{number}" for number in range(8)]
LOOKS = 3
"""At each of the attempts, after which a daemon is believed to do nothing about them."""


@pytest.fixture
def point(cluster: Any, tmp_path: Path) -> Iterator[Point]:
    shared = Shared(cluster, tmp_path)
    made = Point(shared, "lost", Script())
    made.place.start()
    made.push({f"{name}.yaml": job(made, name, WAITS, termination={"maxRetries": 1}) for name in MANY})
    for name in MANY:
        made.begun(f"{name}@g1")
    made.until(lambda point: states(point) == {"running"}, "the daemon has seen them run")
    yield made
    made.close()
    shared.close()


def states(point: Point) -> set[str]:
    return {point.state_of(name) for name in MANY}


def jobs(point: Point) -> list[dict[str, Any]]:
    found = point.shared.cluster.api.get(f"/apis/batch/v1/namespaces/{point.namespace}/jobs")["items"]
    return [item["metadata"] for item in found]


def vanish(point: Point, roots: list[str]) -> None:
    """As after a restore: between two looks objects are gone, finalizers and all, and their pods too."""
    api = point.shared.cluster.api
    point.place.daemons[-1].send(signal.SIGSTOP)
    for meta in jobs(point):
        if meta["annotations"][names.KEY].partition("@")[0] in roots:
            path = f"/apis/batch/v1/namespaces/{point.namespace}/jobs/{meta['name']}"
            api.merge(path, {"metadata": {"finalizers": None}})
            api.delete(path, propagationPolicy="Background", gracePeriodSeconds="0")
    point.place.daemons[-1].send(signal.SIGCONT)


def attempts(point: Point) -> dict[str, int]:
    return {name: point.place.run(f"{name}@g1")["attempts"] for name in MANY}


def holds(point: Point) -> list[Any]:
    return [hold["hold"] for hold in point.place.get("/v1/status")["holds"]]


def looks_again(point: Point) -> None:
    """Wait until the daemon has asked again and again for what is gone."""
    seen = point.script.seen[On.READ]
    point.until(lambda point: point.script.seen[On.READ] >= seen + LOOKS * len(MANY), "it looks again and again")


def test_most_of_a_cluster_gone_waits_for_a_person(point):
    vanish(point, MANY)
    point.until(lambda point: "lost" in holds(point), "it asks")
    (hold,) = point.place.get("/v1/status")["holds"]
    assert hold["reason"] == "8 of 8 live runs vanished at once"
    assert hold["release"] == "plumbline approve lost"
    for life in (1, 2):  # the next life sees the same, and does as little
        looks_again(point)
        assert jobs(point) == []
        assert attempts(point) == dict.fromkeys(MANY, 1)
        assert holds(point) == ["lost"]
        if life == 1:
            point.place.daemons[-1].kill()
            point.place.start()
            point.until(lambda point: "lost" in holds(point), "it asks again")
    assert point.place.ask("approve", "lost")["ok"]
    for name in MANY:
        point.until(lambda point: point.starts()[f"{name}@g1"] == [1, 1], f"{name} runs again")  # noqa: B023
    assert holds(point) == []
    assert attempts(point) == dict.fromkeys(MANY, 2)
    assert {point.place.run(f"{name}@g1")["attemptList"][0]["reason"] for name in MANY} == {"lost"}


def test_a_few_gone_of_many_are_lost_and_start_again(point):
    few = MANY[:3]
    vanish(point, few)
    for name in few:
        point.until(lambda point: point.starts()[f"{name}@g1"] == [1, 1], f"{name} runs again")  # noqa: B023
    assert holds(point) == []
    assert attempts(point) == {name: 2 if name in few else 1 for name in MANY}
    assert {name: len(found) for name, found in point.starts().items()} == {
        f"{name}@g1": 2 if name in few else 1 for name in MANY
    }


def test_what_comes_back_releases_the_hold(point):
    """It was led to another server for a while, that knows of nothing: nothing was lost, and nothing starts twice."""
    point.proxy.blank = True
    point.place.daemons[-1].kill()
    point.place.start()
    point.until(lambda point: "lost" in holds(point), "it asks")
    looks_again(point)
    assert attempts(point) == dict.fromkeys(MANY, 1)
    point.proxy.blank = False
    point.until(lambda point: holds(point) == [] and states(point) == {"running"}, "all is as it was")
    assert attempts(point) == dict.fromkeys(MANY, 1)
    assert point.starts() == {f"{name}@g1": [1] for name in MANY}
