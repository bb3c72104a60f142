"""The daemon in a cluster: two replicas from the chart, the ledger in PostgreSQL, and what is killed in the middle.

A push runs a graph, a service and a schedule. Whatever is killed meanwhile (leader, API server, kubelet), the
end is the one that nobody disturbed: the same runs with the same ends, each program started once, the same statuses.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.cluster import OwnCluster
from tests.cluster.layout import ROOT
from tests.cluster.pair import Pair, server_for
from tests.cluster.release import PATIENCE
from tests.e2e.harness import until

pytestmark = [pytest.mark.cluster, pytest.mark.prove]

LONG = 3 * PATIENCE
STEP = 12
"""Seconds that a step takes, in which something is killed."""
FLOW = """\
version: 1.1
kind: operation
name: flow
component:
  run:
    kind: dag
    operations:
      - name: make
        component:
          outputs: [{{name: answer, type: int}}]
          run:
            kind: job
            init: [{{git: {{}}}}]
            container: {{image: "{python}", command: [python3, flow/make.py]}}
      - name: use
        params: {{n: {{ref: ops.make, value: outputs.answer}}}}
        component:
          inputs: [{{name: n, type: int}}]
          outputs: [{{name: twice, type: int}}]
          run:
            kind: job
            container:
              image: "{busybox}"
              command: [sh, -c, '{count}; sleep {step}; echo "twice=$(( {{{{ n }}}} * 2 ))" >> $PLUMBLINE_OUTPUT']
      - name: show
        params: {{n: {{ref: ops.use, value: outputs.twice}}}}
        component:
          inputs: [{{name: n, type: int}}]
          run:
            kind: job
            init: [{{git: {{}}}}]
            container: {{image: "{busybox}", command: [sh, -c, '{count}; test {{{{ n }}}} = $(cat flow/wanted)']}}
"""
MAKE = """\
import os, urllib.request
urllib.request.urlopen("{tally}/" + os.environ["PLUMBLINE_RUN"])
import plumbline_tracking
plumbline_tracking.log_metric("loss", 0.5)
plumbline_tracking.output("answer", {version})
"""
WEB = """\
version: 1.1
kind: operation
name: web
component:
  run:
    kind: service
    ports: [8080]
    container:
      image: "{busybox}"
      command: [sh, -c, '{count}; echo {version} > index.html; exec httpd -f -p 8080']
      readinessProbe: {{httpGet: {{path: /, port: 8080}}}}
"""
TICK = """\
version: 1.1
kind: operation
name: tick
schedule: {{kind: interval, frequency: 20}}
component:
  run: {{kind: job, container: {{image: "{busybox}", command: [sh, -c, '{count}']}}}}
"""
NODES = ("flow@g{0}/make", "flow@g{0}/show", "flow@g{0}/use", "web@g{0}")


def push(pair: Pair, number: int) -> str:
    """Push the next version of everything; its commit."""
    count = f"wget -q -O /dev/null {pair.calls.url}/$PLUMBLINE_RUN"
    said = {"count": count, "step": STEP, "version": number}
    return pair.push(
        {
            "flow/flow.yaml": pair.spec(FLOW, **said),
            "flow/make.py": MAKE.format(tally=pair.calls.url, version=number),
            "flow/wanted": f"{2 * number}\n",
            "web.yaml": pair.spec(WEB, **said),
            "tick.yaml": pair.spec(TICK, **said),
        }
    )


def world(pair: Pair, commit: str, number: int) -> dict[str, Any]:
    """What has become of a version, without its number: statuses, ends, attempts, and starts of programs."""
    mine = [name.format(number) for name in NODES]
    runs, attempts = pair.ends(), pair.attempts()
    return {
        "said": pair.told(commit),
        "ends": {_plain(key, number): runs.get(key) for key in (*mine, f"flow@g{number}")},
        "attempts": [_plain(key, number) for key in attempts if key.partition("#")[0] in mine],
        "starts": {_plain(key, number): pair.calls.counts[key] for key in mine},
    }


def _plain(key: str, number: int) -> str:
    return key.replace(f"@g{number}", "@gN")


@pytest.fixture
def pair(own_cluster: OwnCluster, namespace: str, tmp_path: Path) -> Iterator[Pair]:
    server = server_for(own_cluster)
    place = Pair(own_cluster, namespace, tmp_path / "place", server)
    yield place
    place.close()
    server.remove()


def nothing(pair: Pair) -> None:
    """Nobody disturbs it."""


def delete_the_leader(pair: Pair) -> None:
    before = pair.leader()
    pods = f"/api/v1/namespaces/{pair.namespace}/pods"
    pair.cluster.api.delete(f"{pods}/{pair.leading_pod()}", gracePeriodSeconds="0")
    until(lambda: pair.leader() not in {before, ""}, "another one leads", LONG)


def kill_the_leader(pair: Pair) -> None:
    before, name = pair.leader(), pair.leading_pod()
    (pod,) = (pod for pod in pair.daemons_pods() if pod["metadata"]["name"] == name)
    container = pod["status"]["containerStatuses"][0]["containerID"].removeprefix("containerd://")
    pair.cluster.inside("ctr", "-n", "k8s.io", "tasks", "kill", "-s", "SIGKILL", container)
    until(lambda: pair.leader() not in {before, ""}, "another one leads", LONG)


def kill_the_api_server(pair: Pair) -> None:
    pair.cluster.restart("kube-apiserver", signal.SIGKILL)


def kill_the_kubelet(pair: Pair) -> None:
    pair.cluster.restart("kubelet", signal.SIGKILL)


LEADERS = (delete_the_leader, kill_the_leader)
DISTURBANCES: tuple[Callable[[Pair], None], ...] = (
    nothing,
    delete_the_leader,
    kill_the_leader,
    kill_the_api_server,
    kill_the_kubelet,
)


@pytest.mark.crashes
def test_whatever_is_killed_in_the_middle_the_end_is_the_same(pair):
    worlds = {}
    commit = push(pair, 1)
    pair.begin(shared=False)
    for number, disturb in enumerate(DISTURBANCES, 1):
        if disturb in LEADERS:
            until(lambda: pair.available() == 2, "both replicas are there", LONG)
        commit = commit if number == 1 else push(pair, number)
        until(lambda: pair.runs_now(f"flow@g{number}/use"), f"the middle of version {number}", LONG)  # noqa: B023
        disturb(pair)
        until(lambda: _is_over(pair.told(commit)), f"version {number} is over after {disturb.__name__}", LONG)  # noqa: B023
        worlds[disturb.__name__] = world(pair, commit, number)
    assert worlds["nothing"] == {
        "said": {"plumbline/default": "success", **{f"plumbline/default/{name}": "success" for name in _first()}},
        "ends": {"flow@gN": "succeeded", **{name: _end(name) for name in _nodes()}},
        "attempts": [f"{name}#1" for name in _nodes()],
        "starts": dict.fromkeys(_nodes(), 1),
    }
    for name, found in worlds.items():
        assert found | {"said": {}} == worlds["nothing"] | {"said": {}}, name
        assert set(found["said"].values()) == {"success"}, name
    _demand_ticks(pair)
    _demand_no_tracebacks(pair)
    pair.uninstall()


def test_the_sample_repository_runs_from_a_push(pair):
    """Its graphs, its service and its schedules, while the leader goes; what was left before is there for the next."""
    commit = pair.push(_sample(pair))
    pair.begin(shared=True)
    until(lambda: pair.runs_now("digits@g1/train"), "the network is trained", LONG)
    delete_the_leader(pair)
    until(lambda: _is_over(pair.told(commit)), "all of it is over", LONG)
    assert set(pair.told(commit).values()) == {"success"}, (pair.told(commit), pair.ends())
    until(lambda: "succeeded" in _ends(pair, "drift-check@").values(), "a minute was looked at", LONG)
    ends = _ends(pair, "digits@g1") | _ends(pair, "compare@g1") | _ends(pair, "profile-data@g1")
    ends |= _ends(pair, "tune@g1")
    assert {key for key in ends if "/" in key} >= {f"digits@g1/{node}" for node in ("prepare", "train", "evaluate")}
    assert {key for key in ends if key.startswith("tune@g1/search/")} == {
        f"tune@g1/search/000{each}" for each in range(6)
    }
    assert set(ends.values()) == {"succeeded"}, ends
    assert _ends(pair, "predict@") == {"predict@g1": "running"}
    assert {key.partition("#")[2] for key in pair.attempts()} == {"1"}, "nothing was tried twice"


def _sample(pair: Pair) -> dict[str, str]:
    """The sample repository with the images of this cluster, and a service that listens where pods are asked."""
    root = ROOT / "sample-repo"
    image = pair.cluster.image("sample")
    found = [path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    texts = {str(path.relative_to(root)): path.read_text().replace("plumbline/sample:1", image) for path in found}
    return {**texts, "ops/predict.yaml": texts["ops/predict.yaml"] + "params:\n  host: 0.0.0.0\n"}


def _ends(pair: Pair, prefix: str) -> dict[str, str]:
    return {key: status for key, status in pair.ends().items() if key.startswith(prefix)}


def _nodes() -> list[str]:
    return [name.format("N") for name in NODES]


def _first() -> tuple[str, ...]:
    return "flow", "tick", "web"


def _end(name: str) -> str:
    return "running" if name.startswith("web") else "succeeded"


def _is_over(said: dict[str, str]) -> bool:
    return said.get("plumbline/default") not in {None, "pending"}


def _demand_ticks(pair: Pair) -> None:
    """The schedule went on, and no tick ran twice."""
    ticks = {key: status for key, status in pair.ends().items() if key.startswith("tick@")}
    assert len(ticks) > len(DISTURBANCES)
    assert {pair.calls.counts[key] for key, status in ticks.items() if status == "succeeded"} == {1}
    assert not {"failed", "upstream_failed"} & set(ticks.values()), json.dumps(ticks)


def _demand_no_tracebacks(pair: Pair) -> None:
    for pod in pair.daemons_pods():
        path = f"/api/v1/namespaces/{pair.namespace}/pods/{pod['metadata']['name']}/log"
        assert "Traceback" not in pair.cluster.api.text(path)
