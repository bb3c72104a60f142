"""What a run reports while it runs, through the whole stack: its record has it, queries find it, a rule ends a DAG."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.harness import Place, dag, job, node, until

pytestmark = pytest.mark.process

REPORTS = """
for step in 1 2 3; do
  echo "{{\\"name\\": \\"loss\\", \\"value\\": 0.$((9 - step)), \\"step\\": $step}}" >> "$PLUMBLINE_METRICS"
done
{more}
exec sleep 1000
"""


def metrics(place: Place) -> Any:
    return (place.run("train") or {}).get("metrics")


def test_a_daemon_that_was_killed_meanwhile_has_the_rest(place: Place) -> None:
    gate = place.base / "gate"
    more = (
        f'until [ -e {gate} ]; do sleep 0.05; done; echo \'{{"name": "loss", "value": 0.25}}\' >> "$PLUMBLINE_METRICS"'
    )
    place.push({"train.yaml": job("train", REPORTS.format(more=more))})
    daemon = place.start()
    until(lambda: metrics(place) == {"loss": 0.6}, "its last value is recorded")
    assert place.run("train")["status"] == "running"
    daemon.kill()
    gate.touch()
    place.start()
    until(lambda: metrics(place) == {"loss": 0.25}, "what it reported meanwhile is recorded")
    found = place.get("/v1/runs", query="status: running, metrics.loss: < 0.5")["runs"]
    assert [run["key"] for run in found] == ["train@g1"]


def test_a_value_that_is_good_enough_ends_the_rest_of_a_dag(place: Place) -> None:
    rule = {"kind": "metric_early_stopping", "metric": "loss", "value": 0.6, "optimization": "minimize"}
    nodes = [node("a", REPORTS.format(more="")), node("b", "exec sleep 1000")]
    flow = json.loads(dag("flow", nodes))
    flow["component"]["run"]["earlyStopping"] = [rule]
    commit = place.push({"flow.yaml": json.dumps(flow)})
    place.start()
    place.settled(commit)
    found = place.run("flow")
    assert (found["status"], found["reason"]) == ("succeeded", "stopped early: loss of a is 0.6, and 0.6 will do")
