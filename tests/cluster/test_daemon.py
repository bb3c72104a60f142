"""A whole daemon with a real cluster: what a push asks for runs there, and nothing of it is lost with the daemon."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.backends.kubernetes import names
from tests.cluster.world import let_go

pytestmark = pytest.mark.cluster

PATIENCE = 180.0

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
              command: [sh, -c, 'sleep {seconds}; echo "twice=$(( {{{{ n }}}} * 2 ))" >> $PLUMBLINE_OUTPUT']
"""
MAKE = """\
import plumbline_tracking
plumbline_tracking.log_metric("loss", 0.5)
plumbline_tracking.output("answer", 21)
plumbline_tracking.artifact_path("model.txt").write_text("weights")
print("made")
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
      command: [sh, -c, 'echo {word} > index.html; exec httpd -f -p 8080']
      readinessProbe: {{httpGet: {{path: /, port: 8080}}}}
"""
TICK = """\
version: 1.1
kind: operation
name: tick
schedule: {{kind: interval, frequency: 15}}
component:
  run: {{kind: job, container: {{image: "{busybox}", command: [echo, tick]}}}}
"""


class Place:
    """A repository, a daemon that follows it, and the namespace that its runs go to."""

    def __init__(self, cluster: Any, namespace: str, base: Path) -> None:
        self.cluster, self.namespace, self.base = cluster, namespace, base
        self.images = {name: cluster.image(name) for name in ("busybox", "python")}
        self.work = base / "work"
        self.git("init", "-q", "--bare", "-b", "main", str(base / "repo.git"), at=base)
        self.git("clone", "-q", str(base / "repo.git"), str(self.work), at=base)
        port = _free_port(cluster.host)
        agent = {"image": cluster.image("agent"), "contact": f"http://{cluster.host}:{port}"}
        config = {
            "repository": {"url": str(base / "repo.git"), "branch": "main"},
            "state": str(base / "state"),
            "backend": "kubernetes",
            "firstSync": "run",
            "resync": "PT5S",
            "backends": {
                "kubernetes": {
                    "kubeconfig": str(cluster.kubeconfig),
                    "namespace": namespace,
                    "agent": {**agent, "listen": f"{cluster.host}:{port}"},
                }
            },
        }
        (base / "daemon.yaml").write_text(yaml.safe_dump(config))
        self.daemon: subprocess.Popen[bytes] | None = None

    def git(self, *words: str, at: Path | None = None) -> None:
        who = {"GIT_AUTHOR_NAME": "ada", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "ada"}
        env = {**os.environ, **who, "GIT_COMMITTER_EMAIL": "a@b", "GIT_CONFIG_GLOBAL": "/dev/null"}
        subprocess.run(["git", *words], cwd=at or self.work, env=env, check=True, capture_output=True)

    def push(self, files: dict[str, str], **values: object) -> None:
        for name, text in files.items():
            path = self.work / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.format(**self.images, **values) if name.endswith(".yaml") else text)
        self.git("add", "-A")
        self.git("commit", "-qm", "push")
        self.git("push", "-q", "origin", "HEAD:main")

    def start(self) -> None:
        words = [sys.executable, "-m", "reconciler.cli", "daemon", "-c", str(self.base / "daemon.yaml")]
        with (self.base / "daemon.log").open("ab") as log:
            self.daemon = subprocess.Popen(words, stdout=log, stderr=log)

    def kill(self) -> None:
        assert self.daemon is not None
        self.daemon.send_signal(signal.SIGKILL)
        self.daemon.wait()

    def plumbline(self, *words: str) -> Any:
        env = {**os.environ, "PLUMBLINE_STATE": str(self.base / "state")}
        command = [sys.executable, "-m", "reconciler.cli", *words]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)
        if "json" not in words:
            return done.stdout
        return json.loads(done.stdout) if done.stdout.strip() else {}

    def operation(self, name: str) -> dict[str, Any]:
        found = self.plumbline("status", "--output", "json").get("operations", [])
        return next((one for one in found if one["operation"] == name), {})

    def until(self, condition: Callable[[], object]) -> object:
        end = time.monotonic() + PATIENCE
        while not (found := condition()):
            if time.monotonic() > end:
                log = (self.base / "daemon.log").read_text()[-3000:]
                raise AssertionError(f"{self.plumbline('status')}\n{self.plumbline('runs')}\n{log}")
            time.sleep(0.3)
        return found

    def state(self, name: str, *wanted: str) -> Callable[[], object]:
        return lambda: self.operation(name).get("state") in wanted

    def jobs(self) -> list[dict[str, Any]]:
        found = self.cluster.api.get(f"/apis/batch/v1/namespaces/{self.namespace}/jobs")["items"]
        return [one["metadata"] for one in found]


def _free_port(host: str) -> int:
    with socket.socket() as taken:
        taken.bind((host, 0))
        return int(taken.getsockname()[1])


@pytest.fixture
def place(cluster: Any, namespace: str, tmp_path: Path) -> Iterator[Place]:
    place = Place(cluster, namespace, tmp_path)
    yield place
    if place.daemon is not None and place.daemon.poll() is None:
        place.kill()
    let_go(cluster, namespace)


def test_a_push_runs_a_dag_a_service_and_a_schedule(place):
    place.push(
        {"flow/flow.yaml": FLOW, "flow/make.py": MAKE, "web.yaml": WEB, "tick.yaml": TICK}, seconds=0, word="one"
    )
    place.start()
    place.until(place.state("flow", "succeeded", "failed"))
    assert place.operation("flow")["state"] == "succeeded", place.plumbline("explain", "flow")
    run = place.plumbline("runs", "--root", "flow", "--output", "json")["runs"]
    assert {one["key"] for one in run} >= {"flow@g1", "flow@g1/make", "flow@g1/use"}
    assert "made" in place.plumbline("logs", "flow@g1/make"), "kept though its pod is gone"
    assert "model.txt" in place.plumbline("artifacts", "ls", "flow@g1/make")
    assert "loss" in place.plumbline("metrics", "flow@g1/make")
    place.until(place.state("web", "ready"))
    place.until(lambda: "succeeded" in place.plumbline("runs", "--root", "tick"))
    place.push({"web.yaml": WEB}, word="two")
    place.until(lambda: place.operation("web").get("generation") == 2 and place.operation("web")["state"] == "ready")
    place.git("rm", "-q", "web.yaml")
    place.push({})
    place.until(lambda: not _deployments(place))


def test_what_runs_goes_on_without_the_daemon(place):
    """Killed while a node of a DAG runs: the next life finds its end, and starts what comes after it, once."""
    place.push({"flow/flow.yaml": FLOW, "flow/make.py": MAKE}, seconds=8)
    place.start()
    place.until(lambda: "use" in " ".join(one["name"] for one in place.jobs()))
    place.kill()
    place.start()
    place.until(place.state("flow", "succeeded", "failed"))
    assert place.operation("flow")["state"] == "succeeded", place.plumbline("explain", "flow")
    assert sorted(one["annotations"][names.KEY] for one in place.jobs()) == ["flow@g1/make#1", "flow@g1/use#1"]


def _deployments(place: Place) -> list[Any]:
    found = place.cluster.api.get(f"/apis/apps/v1/namespaces/{place.namespace}/deployments")["items"]
    return [one for one in found if names.CLEANED not in one["metadata"]["labels"]]
