"""The network policy of the chart, where it is enforced: who has to reach the daemon does, and nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import firewall
from tests.cluster.api import RefusalError
from tests.cluster.cluster import OwnCluster
from tests.cluster.given import VARIABLE, GivenCluster
from tests.cluster.release import PATIENCE, InCluster
from tests.cluster.specs import FLOW, MAKE
from tests.e2e.harness import until

pytestmark = [pytest.mark.cluster, pytest.mark.prove]

NAMESPACE = "release"
RUN = {"app.kubernetes.io/managed-by": "plumbline", "app.kubernetes.io/part-of": "plumbline-runs"}
PROMETHEUS = {"app": "prometheus"}
PORTS = (8060, 8090)
ASKS = """
ask() {
  said=$(timeout 3 wget -O - "http://$1:$2$3" 2>&1)
  case "$said" in *HTTP/1.1*|*HELP*) echo "$2 yes";; *) echo "$2 no";; esac
}
while :; do ask $0 8060 /metrics; ask $0 8090 /; sleep 0.5; done
"""
"""A page, or an error of the server, is an answer; a connection that is refused or silent is none."""
ROUNDS = 5


@pytest.fixture
def place(tmp_path: Path) -> Iterator[InCluster]:
    if GivenCluster.of_environment(tmp_path) is not None:
        pytest.skip(f"NOT RUN: it enforces policies on a cluster of its own, and {VARIABLE} names another")
    with OwnCluster.start() as cluster:
        firewall.enforce(cluster)
        cluster.api.create("/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
        made = InCluster(cluster, NAMESPACE, tmp_path / "place", runs=f"{NAMESPACE}-runs")
        yield made
        made.close()


def test_who_has_to_reach_the_daemon_does_and_nobody_else(place):
    """Probes and agents are let through, or nothing would ever be ready or succeed."""
    place.push({"flow/flow.yaml": place.spec(FLOW, seconds=0), "flow/make.py": MAKE})
    beyond = place.cluster.instance.address("0.0/24")  # the node, which has the API server and names, and the forge
    egress = [{"to": [{"ipBlock": {"cidr": beyond}}]}]
    peers = [{"podSelector": {"matchLabels": PROMETHEUS}}]
    place.install(place.values(), {"networkPolicy": {"metricsFrom": peers, "egress": egress}})
    place.becomes("flow", "succeeded")
    (daemon,) = place.daemons_pods()
    address, elsewhere = daemon["status"]["podIP"], place.runs_namespace
    asking = {
        "a run": (_ask(place, address, elsewhere, RUN), [8090]),
        "a run of another namespace": (_ask(place, address, place.namespace, RUN), []),
        "prometheus": (_ask(place, address, place.namespace, PROMETHEUS), [8060]),
        "prometheus of another namespace": (_ask(place, address, elsewhere, PROMETHEUS), []),
        "anybody": (_ask(place, address, elsewhere, {}), []),
    }
    for who, (log, through) in asking.items():
        heard = until(lambda log=log, through=through: _heard(place, log, through), f"{who} is answered", PATIENCE)
        assert {port for port in PORTS if f"{port} yes" in heard} == set(through), who


def _heard(place: InCluster, log: str, through: list[int]) -> list[str]:
    """What a pod heard, when it has asked often, and was let through where it has to be."""
    try:
        heard = place.cluster.api.text(log).splitlines()
    except RefusalError:  # it has not begun
        return []
    enough = len(heard) >= ROUNDS * len(PORTS) and all(f"{port} yes" in heard for port in through)
    return heard if enough else []


def _ask(place: InCluster, address: str, namespace: str, labels: dict[str, str]) -> str:
    """Start a pod that asks the daemon for ever; the path of its log."""
    security: dict[str, Any] = {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}}
    container = {
        "name": "ask",
        "image": place.images["busybox"],
        "command": ["sh", "-c", ASKS, address],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    spec = {"containers": [container], "securityContext": security, "automountServiceAccountToken": False}
    path = f"/api/v1/namespaces/{namespace}/pods"
    made = place.cluster.api.create(path, {"metadata": {"generateName": "ask-", "labels": labels}, "spec": spec})
    return f"{path}/{made['metadata']['name']}/log"
