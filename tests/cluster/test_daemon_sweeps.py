"""A sweep of the sample's trainer in pods of a real cluster: four trials, two at a time, and the best is known."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from reconciler.backends.kubernetes import names
from tests.cluster.layout import ROOT
from tests.cluster.test_daemon import ClusterPlace
from tests.cluster.world import let_go
from tests.e2e.harness import Nursery

pytestmark = pytest.mark.cluster

TUNE = """\
version: 1.1
kind: operation
name: tune
matrix:
  kind: hyperopt
  algorithm: rand
  numRuns: 4
  maxIterations: 1
  concurrency: 2
  metric: {{name: validation_accuracy, optimization: maximize}}
  params:
    learning_rate: {{kind: loguniform, value: {{low: -4.6, high: -3}}}}
    hidden: {{kind: choice, value: [16, 32, 64, 96]}}
component:
  inputs:
    - {{name: learning_rate, type: float}}
    - {{name: hidden, type: int}}
  outputs:
    - {{name: validation_accuracy, type: float}}
  run:
    kind: job
    init: [{{git: {{paths: [digits]}}}}]
    container:
      image: "{sample}"
      command: [sh, -c]
      args:
        - >-
          python -m digits.prepare && exec python -m digits.train --data "$PLUMBLINE_ARTIFACTS/outputs/digits.npz"
          --epochs 8 --learning-rate {{{{ learning_rate }}}} --hidden {{{{ hidden }}}}
"""
"""Each pod prepares its own data: without a volume in common it could not read another one's."""
TRIALS = [f"tune@g1/000{number}" for number in range(4)]


@pytest.fixture
def place(cluster: Any, namespace: str, tmp_path: Path) -> Iterator[ClusterPlace]:
    nursery = Nursery()
    yield ClusterPlace(cluster, namespace, tmp_path / "place", nursery)
    nursery.close()
    let_go(cluster, namespace)


def test_a_sweep_runs_in_pods_two_at_a_time_and_its_best_point_is_known(place):
    place.push({"ops/tune.yaml": place.spec(TUNE, sample=place.cluster.image("sample")), **_code()})
    place.start()
    place.becomes("tune", "succeeded")

    runs = {key: place.get("/v1/run", run=key) for key in TRIALS}
    assert {run["key"] for run in place.get("/v1/runs", root="tune")["runs"]} == {"tune@g1", *TRIALS}
    assert {key: (run["status"], run["attempts"]) for key, run in runs.items()} == dict.fromkeys(
        TRIALS, ("succeeded", 1)
    )
    jobs = [one["annotations"][names.KEY] for one in place.listed("/apis/batch/v1", "jobs")]
    assert sorted(jobs) == [f"{key}#1" for key in TRIALS], "each was one job of the cluster"
    assert _most_at_once(list(runs.values())) <= 2

    points = [run["trial"]["params"] for run in runs.values()]
    assert len({str(point) for point in points}) == len(TRIALS)
    assert all(point["hidden"] in {16, 32, 64, 96} and 0.01 <= point["learning_rate"] <= 0.05 for point in points), (
        points
    )
    accuracy = {key: run["outputs"]["validation_accuracy"] for key, run in runs.items()}
    best = max(accuracy, key=accuracy.__getitem__)
    assert accuracy[best] > 0.6, (accuracy, points)
    said = place.plumbline("logs", best)
    assert f"validation accuracy {accuracy[best]:.3f}" in said, "what its program printed last is what is recorded"


def _code() -> dict[str, str]:
    root = ROOT / "sample-repo"
    return {str(path.relative_to(root)): path.read_text() for path in sorted((root / "digits").glob("*.py"))}


def _most_at_once(runs: list[dict[str, Any]]) -> int:
    """How many attempts there were at the same instant: from their intents to their ends, as recorded."""
    spans = [(one["intendedAt"], one["endedAt"]) for run in runs for one in run["attemptList"]]
    times = [(datetime.fromisoformat(begun), datetime.fromisoformat(ended)) for begun, ended in spans]
    return max(sum(begun <= at < ended for begun, ended in times) for at, _ in times)
