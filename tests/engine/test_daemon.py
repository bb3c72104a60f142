"""A whole daemon with a real engine: what a push asks for runs as containers, and is not lost with the daemon."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.backends.engine import names
from tests.cluster import images
from tests.e2e.harness import Nursery, Place, environment, until
from tests.engine.podman import ULIMITS, Podman

pytestmark = pytest.mark.engine

PATIENCE = 120.0

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
            container: {{image: "{image}", command: [sh, flow/make.sh]}}
      - name: use
        params:
          n: {{ref: ops.make, value: outputs.answer}}
          weights: {{ref: ops.make, value: artifacts.model.txt}}
        component:
          inputs: [{{name: n, type: int}}, {{name: weights, type: path}}]
          outputs: [{{name: twice, type: int}}, {{name: read}}]
          run:
            kind: job
            container:
              image: "{image}"
              command: [sh, -c]
              args:
                - |
                  sleep {seconds}; echo "twice=$(( {{{{ n }}}} * 2 ))" >> $PLUMBLINE_OUTPUT
                  echo "read=$(cat {{{{ weights }}}})" >> $PLUMBLINE_OUTPUT
"""
MAKE = """\
echo '{"name": "loss", "value": 0.5, "step": 1}' >> "$PLUMBLINE_METRICS"
echo answer=21 >> "$PLUMBLINE_OUTPUT"
mkdir -p "$PLUMBLINE_ARTIFACTS/outputs" && echo weights > "$PLUMBLINE_ARTIFACTS/outputs/model.txt"
echo made by $(id -u)
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
      image: "{image}"
      command: [sh, -c, 'echo {word} > index.html; exec httpd -f -p 8080']
      readinessProbe: {{httpGet: {{path: /, port: 8080}}}}
"""


class EnginePlace(Place):
    """A repository and its daemons, whose runs are containers of an engine."""

    def __init__(self, podman: Podman, base: Path, nursery: Nursery) -> None:
        said = {
            "socket": str(podman.socket),
            "user": "nobody",
            "network": "bridge",
            "pull": "never",
            "ulimits": {name: list(limits) for name, limits in ULIMITS.items()},
        }
        super().__init__(base, nursery, backend="engine", resync=5, backends={"engine": said}, firstSync="run")
        self.podman = podman

    def spec(self, text: str, **values: object) -> str:
        return text.format(image=images.BUSYBOX, **values)

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

    def attempts(self) -> list[str]:
        """Attempts that have a container."""
        return sorted(one["Labels"][names.KEY] for one in self.podman.containers(**{names.PROJECT: self.project}))

    @property
    def project(self) -> str:
        return self.bare.name.removesuffix(".git")


@pytest.fixture
def place(podman: Podman, tmp_path: Path) -> Iterator[EnginePlace]:
    nursery = Nursery()
    yield EnginePlace(podman, tmp_path / "place", nursery)
    nursery.close()
    podman.clear()


def test_a_push_runs_a_dag_and_a_service(place):
    web = place.spec(WEB, word="one")
    place.push({"flow/flow.yaml": place.spec(FLOW, seconds=0), "flow/make.sh": MAKE, "web.yaml": web})
    place.start()
    place.becomes("flow", "succeeded")
    outputs = place.run("flow@g1/use")["outputs"]
    assert outputs == {"twice": "42", "read": "weights"}
    assert "made by 65534" in place.plumbline("logs", "flow@g1/make"), "kept though its container is gone"
    assert "model.txt" in place.plumbline("artifacts", "ls", "flow@g1/make")
    assert "loss" in place.plumbline("metrics", "flow@g1/make")
    place.becomes("web", "ready")
    place.push({"web.yaml": place.spec(WEB, word="two")})
    until(lambda: _is_next(place.operation("web")), "the next generation is ready", PATIENCE)
    place.push({"web.yaml": None})
    until(lambda: not place.attempts(), "what is removed is gone", PATIENCE)


def test_what_runs_goes_on_without_the_daemon(place):
    """Killed while a node of a DAG runs: the next life finds its end, and starts what comes after it, once."""
    place.push({"flow/flow.yaml": place.spec(FLOW, seconds=4), "flow/make.sh": MAKE})
    first = place.start()
    until(lambda: "flow@g1/use#1" in place.attempts(), "the second node is there", PATIENCE)
    first.kill()
    place.start()
    place.becomes("flow", "succeeded")
    assert len(place.run("flow@g1/use")["attemptList"]) == 1


def test_an_engine_that_is_away_loses_nothing(place):
    """Its service ends while a node runs: nothing is taken for lost, and all goes on when it is back."""
    place.push({"flow/flow.yaml": place.spec(FLOW, seconds=4), "flow/make.sh": MAKE})
    place.start()
    until(lambda: "flow@g1/use#1" in place.attempts(), "the second node is there", PATIENCE)
    place.podman.stop()
    until(lambda: any("container engine" in str(line) for line in place.said()), "the daemon says so", PATIENCE)
    assert place.state_of("flow") not in {"failed", "succeeded"}
    place.podman.start()
    place.becomes("flow", "succeeded")
    assert len(place.run("flow@g1/use")["attemptList"]) == 1


def test_a_spec_without_an_image_is_refused(place):
    commit = place.push({"bare.yaml": place.spec(WEB, word="x").replace("      image:", "      name:")})
    place.start()
    view: Any = place.settled(commit, PATIENCE)
    assert view["state"] == "failure"
    assert "set `container.image`" in place.plumbline("explain", "web")


def _is_next(web: dict[str, Any]) -> bool:
    return web["generation"] == 2 and web["state"] == "ready"
