"""A whole daemon with a real cluster: what a run needs beside its image is in its pod, and what it left comes back."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.test_daemon import PATIENCE, ClusterPlace
from tests.cluster.world import let_go
from tests.e2e.harness import Nursery, git, until

pytestmark = pytest.mark.cluster

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
          outputs: [{{name: deep, type: str}}]
          run:
            kind: job
            container:
              image: "{busybox}"
              command:
                - sh
                - -c
                - |
                  mkdir -p $PLUMBLINE_ARTIFACTS/outputs/a.b && cd $PLUMBLINE_ARTIFACTS/outputs
                  printf weights > model.txt; printf deep > a.b/c.d; printf no > large.bin
                  echo "deep=$PWD/a.b/c.d" >> $PLUMBLINE_OUTPUT
      - name: read
        params:
          model: {{ref: ops.make, value: artifacts.model.txt}}
          deep: {{ref: ops.make, value: outputs.deep}}
        component:
          inputs: [{{name: model, type: str}}, {{name: deep, type: str}}]
          outputs: [{{name: said, type: str}}, {{name: there, type: str}}]
          run:
            kind: job
            init:
              - paths: [["{{{{ model }}}}", copied.txt]]
              - file: {{content: written, filename: note.sh, chmod: u+x}}
                path: conf
              - connection: lib
            container:
              image: "{busybox}"
              command:
                - sh
                - -c
                - |
                  exec >> $PLUMBLINE_OUTPUT
                  test -x conf/note.sh || exit 9
                  echo "said=$(cat copied.txt {{{{ model }}}} {{{{ deep }}}} conf/note.sh lib/lib.txt)"
                  echo "there=$(cd $(dirname {{{{ model }}}}) && find . -type f | sort | tr '\\n' ' ')"
"""
TRAIN = """\
version: 1.1
kind: operation
name: train
component:
  outputs: [{{name: step, type: int}}]
  termination: {{maxRetries: 1}}
  run:
    kind: job
    container:
      image: "{busybox}"
      command:
        - sh
        - -c
        - |
          cd $PLUMBLINE_ARTIFACTS/outputs
          step=$(( $(cat step 2>/dev/null || echo 0) + 1 )); echo $step > step; echo "step=$step" >> $PLUMBLINE_OUTPUT
          test $step -ge {steps} || exit 3
"""
MAKE = """\
version: 1.1
kind: operation
name: make
component:
  run:
    kind: job
    container:
      image: "{busybox}"
      command: [sh, -c, 'echo made; printf weights > $PLUMBLINE_ARTIFACTS/outputs/model.txt']
"""
READ = """\
version: 1.1
kind: operation
name: read
component:
  outputs: [{{name: said, type: str}}]
  run:
    kind: job
    init: [{{lineageRef: "make@g1:model.txt"}}]
    container: {{image: "{busybox}", command: [sh, -c, 'echo "said=$(cat model.txt)" >> $PLUMBLINE_OUTPUT']}}
"""
LARGE = """\
version: 1.1
kind: operation
name: large
component:
  run:
    kind: job
    container:
      image: "{busybox}"
      command: [sh, -c, 'head -c 400000000 /dev/zero > $PLUMBLINE_ARTIFACTS/outputs/model']
"""
GONE = """\
version: 1.1
kind: operation
name: gone
component:
  run:
    kind: job
    init: [{{paths: [other-1/outputs/x]}}]
    container: {{image: "{busybox}", command: [cat, x]}}
"""


@pytest.fixture
def place(cluster: Any, namespace: str, tmp_path: Path) -> Iterator[ClusterPlace]:
    nursery = Nursery()
    yield ClusterPlace(cluster, namespace, tmp_path / "place", nursery)
    nursery.close()
    let_go(cluster, namespace)


def outputs_of(place: ClusterPlace, key: str) -> Any:
    return place.run(key)["outputs"]


def test_a_pod_has_files_code_of_others_and_what_other_runs_left(place, tmp_path):
    other = tmp_path / "lib"
    other.mkdir()
    git(other, "init", "-q", "-b", "main")
    (other / "lib.txt").write_text("library")
    git(other, "add", ".")
    git(other, "commit", "-q", "-m", "one")
    place.configure(connections=[{"name": "lib", "kind": "git", "schema": {"url": str(other)}}])
    place.push({"flow.yaml": place.spec(FLOW), "gone.yaml": place.spec(GONE)})
    place.start()
    place.becomes("flow", "succeeded")
    assert outputs_of(place, "flow@g1/read") == {
        "said": "weights" * 2 + "deep" + "written" + "library",
        "there": "./a.b/c.d ./model.txt ",
    }, "each where it is named, and what nobody named is not brought"
    assert "note.sh" in place.plumbline("artifacts", "ls", "flow@g1/read")
    until(lambda: place.state_of("gone") == "failed", "what is not there is refused", PATIENCE)
    assert "init paths[0]: other-1/outputs/x does not exist" in place.plumbline("explain", "gone")


def test_attempts_and_resumed_rounds_find_what_was_left(place):
    place.push({"train.yaml": place.spec(TRAIN, steps=3)})
    place.start()
    until(lambda: place.state_of("train") == "failed", "both attempts have failed", PATIENCE)
    found = place.run("train@g1")
    assert int(found["outputs"]["step"]) == 2, f"the second attempt goes on: {found['attemptList']}"
    place.plumbline("retry", "train", "--resume")
    until(lambda: place.run("train")["status"] == "succeeded", "the round went on", PATIENCE)
    assert int(outputs_of(place, "train")["step"]) == 3, "and the round where that had left off"


def test_what_a_machine_lost_comes_back_from_the_store(place, tmp_path):
    """Artifacts and logs of pods are copied; a later run has them brought back, and a log is read where it is."""
    (tmp_path / "store").mkdir()
    place.configure(artifactsStore={"url": f"file://{tmp_path}/store"})
    place.push({"make.yaml": place.spec(MAKE)})
    place.start()
    until(lambda: ((place.run("make") or {}).get("copy") or {}).get("storedAt"), "its copy is made", PATIENCE)
    assert sorted(path.name for path in (tmp_path / "store").rglob("*") if path.is_file()) == [
        "1.log",
        "model.txt",
        "plumbline.json",
    ]
    until(lambda: not place.listed("/api/v1", "pods"), "its pod is gone", PATIENCE)
    for name in ("left", "logs"):
        shutil.rmtree(place.state / "kubernetes" / name)
    assert place.plumbline("logs", "make@g1") == "made\n"
    place.push({"read.yaml": place.spec(READ)})
    place.becomes("read", "succeeded")
    assert outputs_of(place, "read@g1") == {"said": "weights"}


def test_what_is_large_and_written_last_is_handed_over(place):
    """It takes longer than a pod has between TERM and KILL."""
    place.configure(grace=1)
    place.push({"large.yaml": place.spec(LARGE)})
    place.start()
    place.becomes("large", "succeeded")
    listed = place.get("/v1/artifacts", run="large@g1")["artifacts"]
    assert [(one["path"], one["size"]) for one in listed] == [("model", 400_000_000)]
