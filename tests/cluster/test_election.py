"""Two daemons, one Lease of a real cluster and one ledger in PostgreSQL: one leads, and the other one follows it."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from reconciler.backends.kubernetes import names
from tests.cluster.replicas import LEASE, TIMES, Replicas
from tests.cluster.test_daemon import FLOW, MAKE, PATIENCE
from tests.e2e.harness import until

pytestmark = pytest.mark.cluster


@pytest.fixture
def pair(cluster: Any, namespace: str, tmp_path: Path, database: str) -> Iterator[Replicas]:
    made = Replicas(cluster, namespace, tmp_path, database)
    yield made
    made.close()


def test_one_stands_by_until_the_other_lets_go(pair):
    pair.place.push({"flow/flow.yaml": pair.place.spec(FLOW, seconds=0), "flow/make.py": MAKE})
    first, second = pair.start()
    assert second.ready() == {"status": "standing by", "leader": pair.holder()}
    said = second.plumbline("status")
    assert said.returncode == 3
    assert f"this replica stands by: {pair.holder()} leads since " in said.stderr
    told = json.loads(second.plumbline("status", "-o", "json").stdout)
    since = pair.lease()["spec"]["acquireTime"]
    assert (told["standingBy"], told["election"]["leads"]) == (True, False)
    assert (told["election"]["leader"], told["election"]["since"]) == (pair.holder(), since)
    lease = f"{pair.namespace}/{LEASE}"
    said = first.plumbline("status")
    assert f"this replica leads since {since}: {pair.holder()}, by the lease {lease}" in said.stdout
    told = json.loads(first.plumbline("status", "-o", "json").stdout)["election"]
    assert (told["leads"], told["lease"], told["replica"]) == (True, lease, pair.holder())
    first.place.becomes("flow", "succeeded")
    assert first.daemon.end() == 0
    second.leads()
    assert "plumbline_leader 1.0" in second.metrics()
    assert pair.lease()["spec"]["leaseTransitions"] == 1
    assert second.place.state_of("flow") == "succeeded"
    assert first.launch().stands_by().daemon.end() == 0
    assert second.daemon.end() == 0
    assert pair.holder() == ""


def test_a_ledger_that_comes_from_another_cluster_is_taken_over(pair, database):
    """There versions were greater: the leader goes above the term that the ledger has seen."""
    pair.place.push({"readme": "empty"})
    first = pair.launch(pair.places[0]).leads()
    assert first.daemon.end() == 0
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("UPDATE meta SET term = 1000000000000")
    second = pair.launch(pair.places[1]).leads()
    assert second.daemon.end() == 0
    third = pair.launch(pair.places[0]).leads()
    with psycopg.connect(database, autocommit=True) as connection:
        assert connection.execute("SELECT term FROM meta").fetchone() == (1000000000002,)
    assert third.daemon.end() == 0


@pytest.mark.parametrize("how", [signal.SIGKILL, pytest.param(signal.SIGSTOP, marks=pytest.mark.prove)])
def test_a_leader_that_is_gone_in_the_middle_of_a_graph_changes_nothing_of_its_end(pair, how):
    """Pods ask whoever leads; every program starts once, and what the first leader was sent comes again."""
    flow = pair.place.spec(FLOW, seconds=2 * TIMES["duration"])
    commit = pair.place.push({"flow/flow.yaml": flow, "flow/make.py": MAKE})
    first, second = pair.start()
    until(lambda: _running(pair, "use"), "the second node runs", PATIENCE)
    first.daemon.send(how)
    second.leads()
    if how == signal.SIGSTOP:
        first.daemon.send(signal.SIGCONT)
    assert first.daemon.wait(PATIENCE) == (3 if how == signal.SIGSTOP else -signal.SIGKILL)
    second.place.becomes("flow", "succeeded")
    assert second.place.settled(commit, PATIENCE)["state"] == "success"
    assert _attempts(pair) == ["flow@g1/make#1", "flow@g1/use#1"]
    assert second.place.run("flow@g1/use")["outputs"] == {"twice": "42"}
    assert pair.place.notes()[commit]["plumbline/default/flow"][0] == "success"
    if how == signal.SIGSTOP:
        # By the loop, or by the thread beside it, whichever goes on first.
        said = first.place.log.read_text()
        assert "this daemon leads no more, and ends" in said or "is lost, and this daemon did not end in time" in said


@pytest.mark.crashes
@pytest.mark.prove
def test_an_api_server_that_is_away_for_a_moment_costs_nobody_its_place(pair, own_cluster):
    for place in pair.places:
        place.configure(election={**place.settings["election"], "duration": 90, "renew": 80})
    pair.place.push({"readme": "empty"})
    first, _ = pair.start()
    holder = pair.holder()
    own_cluster.restart("kube-apiserver", signal.SIGKILL)
    before = pair.lease()["spec"]["renewTime"]
    until(lambda: pair.lease()["spec"]["renewTime"] != before, "it is renewed again", PATIENCE)
    assert pair.holder() == holder
    assert not first.ended()


def test_what_the_cluster_does_not_allow_is_said_and_waited_for(pair, own_cluster):
    """No right, then no namespace's Lease: a sentence, no traceback, and it goes on when it may."""
    place = pair.places[0]
    user = own_cluster.kubeconfig_for("nobody-much")
    said = place.settings["backends"]["kubernetes"]
    place.configure(backends={"kubernetes": {**said, "kubeconfig": str(user)}})
    replica = pair.launch(place)
    words = f'leases.coordination.k8s.io "{LEASE}" is forbidden: User "nobody-much"'
    until(lambda: words in str(replica.ready().get("reasons")), "it says why it cannot stand by", PATIENCE)
    assert replica.daemon.end() == 0
    assert "Traceback" not in place.log.read_text()


def _running(pair: Replicas, node: str) -> bool:
    path = f"/api/v1/namespaces/{pair.namespace}/pods"
    pods = pair.cluster.api.get(path, labelSelector=names.OBJECT)["items"]
    return any(f"/{node}#" in pod["metadata"]["annotations"][names.KEY] and _up(pod) for pod in pods)


def _up(pod: dict[str, Any]) -> bool:
    return bool(pod["status"].get("phase") == "Running")


def _attempts(pair: Replicas) -> list[str]:
    return sorted(one["annotations"][names.KEY] for one in pair.place.listed("/apis/batch/v1", "jobs"))
