"""A whole daemon whose jobs wait in a queue of a real Kueue: what people are told, and what counts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.backends.kubernetes import names
from tests.cluster.cluster import OwnCluster
from tests.cluster.kueue import Kueue
from tests.cluster.test_daemon import PATIENCE, ClusterPlace
from tests.cluster.world import let_go
from tests.e2e.harness import Nursery, until

pytestmark = [pytest.mark.cluster, pytest.mark.prove]

WAITS = """\
version: 1.1
kind: operation
name: {name}
queue: gold
termination: {{maxRetries: 0}}
component:
  run:
    kind: job
    environment: {{priorityClassName: {priority}}}
    container: {{image: "{busybox}", command: [sh, -c, 'trap "exit 143" TERM; sleep 1000 & wait']}}
"""


@pytest.fixture
def place(own_cluster: OwnCluster, namespace: str, tmp_path: Path) -> Iterator[ClusterPlace]:
    kueue, nursery = Kueue(own_cluster), Nursery()
    kueue.mind(namespace, "team-gold")
    made = ClusterPlace(own_cluster, namespace, tmp_path / "place", nursery)
    kubernetes = {**made.settings["backends"]["kubernetes"], "localQueues": {"gold": "team-gold"}}
    made.configure(queues={"gold": {}}, backends={"kubernetes": kubernetes})
    for name, value in (("low", 10), ("high", 1000)):
        body = {"metadata": {"name": f"{namespace}-{name}"}, "value": value}
        own_cluster.api.create("/apis/scheduling.k8s.io/v1/priorityclasses", body)
    yield made
    nursery.close()
    let_go(own_cluster, namespace)
    kueue.leave(namespace)
    for name in ("low", "high"):
        own_cluster.api.delete(f"/apis/scheduling.k8s.io/v1/priorityclasses/{namespace}-{name}")


def test_who_waits_says_why_and_whose_place_was_taken_goes_on(place):
    place.push({"low.yaml": _spec(place, "low")})
    place.start()
    place.becomes("low", "running")
    place.push({"other.yaml": _spec(place, "other", "low")})
    _explains(place, "other", "it waits for its queue: ", "insufficient unused quota for pods")
    assert place.state_of("other") != "running"
    place.push({"high.yaml": _spec(place, "high")})
    place.becomes("high", "running")
    _explains(place, "low", "it waits for its queue: ")
    place.push({"other.yaml": None})
    until(lambda: not _waits(place, "other"), "what is removed while it waits is over", PATIENCE)
    place.ask("stop", "high")
    place.becomes("low", "running")
    (run,) = place.get("/v1/runs", root="low")["runs"]
    attempts = place.get("/v1/run", run=run["key"])["attemptList"]
    assert [one["reason"] for one in attempts] == ["preempted", None], "not one of its retries, of which it has none"
    assert not [pod for pod in _pods(place) if pod["labels"]["app.kubernetes.io/name"] == "other"], "it never began"


def _spec(place: ClusterPlace, name: str, priority: str = "") -> str:
    return place.spec(WAITS, name=name, priority=f"{place.namespace}-{priority or name}")


def _explains(place: ClusterPlace, name: str, *words: str) -> None:
    def told() -> bool:
        said = place.plumbline("explain", name)
        return all(word in said for word in words)

    try:
        until(told, f"{name} says {words}", PATIENCE)
    except AssertionError as error:
        raise AssertionError(f"{error}; it says {place.plumbline('explain', name)}") from None
    shown = place.plumbline("status")
    assert words[0] in shown, shown


def _waits(place: ClusterPlace, name: str) -> bool:
    jobs = place.listed("/apis/batch/v1", "jobs")
    return any(one["labels"]["app.kubernetes.io/name"] == name and names.CLEANED not in one["labels"] for one in jobs)


def _pods(place: ClusterPlace) -> list[dict[str, Any]]:
    return place.listed("/api/v1", "pods")
