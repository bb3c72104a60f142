"""Early stopping of a DAG: by failures it has failed, by a value that is good enough succeeded; the rest is stopped."""

from __future__ import annotations

import pytest

from planner.admit import Limits
from tests.planner.builders import dag, early, job, node
from tests.planner.cases import Case, table
from tests.planner.history import ask, end, push, wait, world

pytestmark = pytest.mark.unit

HALF = {"kind": "failure_early_stopping", "percent": 50}
GOOD = {"kind": "metric_early_stopping", "metric": "size", "value": 0.9, "optimization": "maximize"}
SMALL = {"kind": "metric_early_stopping", "metric": "size", "value": 0.1, "optimization": "minimize"}


def four(*rules: object):
    """Two operations side by side, one after the first of them, and one in a DAG inside."""
    inner = dag("inner", node(job("x", "x")))
    nodes = (node(job("a", "a")), node(job("b", "b")), node(job("c", "c"), "a", trigger="all_done"), node(inner, "b"))
    return early(dag("flow", *nodes), *rules)


EARLY = (
    Case(
        "too-few-failed",
        "one of four is not half of them",
        [push(four(HALF)), end("flow@g1/a#1", 1)],
        runs={"flow@g1/c": "running", "flow@g1": "created"},
    ),
    Case(
        "half-failed",
        "two are: what runs is stopped, what waits never starts, and the DAG has failed with the reason",
        [push(four(HALF)), end("flow@g1/a#1", 1), end("flow@g1/c#1", 1)],
        then=[
            "flow@g1/c failed: exit code 1",
            "stops flow@g1: early-stopping",
            "stops flow@g1/b: early-stopping",
            "stops flow@g1/b#1: early-stopping",
            "flow@g1/b stopped: stopped early",
            "opens flow@g1/inner",
            "flow@g1/inner upstream_failed: trigger all_succeeded cannot be met: b",
            "flow@g1 failed: stopped early: 2 of 4 failed, and 50 % are too many",
        ],
        says={"c1 flow": "failure: failed: stopped early: 2 of 4 failed, and 50 % are too many"},
        runs={"flow@g1/inner/x": None},
        alive=[],
    ),
    Case(
        "good-enough",
        "a value that is good enough ends it with success",
        [push(four(GOOD)), end("flow@g1/a#1", size=0.95)],
        runs={"flow@g1": "succeeded", "flow@g1/b": "stopped", "flow@g1/c": "stopped"},
        says={"c1 flow": "success: succeeded, stopped early: size of a is 0.95, and 0.9 will do"},
        alive=[],
    ),
    Case(
        "good-enough-as-text",
        "also one that the program wrote as text",
        [push(four(GOOD)), end("flow@g1/a#1", size="0.95")],
        runs={"flow@g1": "succeeded"},
    ),
    Case(
        "good-enough-as-text-of-no-number",
        "text is a number by the rule that queries have: an underscore makes it none",
        [push(four(GOOD)), end("flow@g1/a#1", size="1_000")],
        runs={"flow@g1": "created", "flow@g1/c": "running"},
    ),
    Case(
        "not-good-enough",
        "and a smaller one does not, nor what is no number",
        [push(four(GOOD)), end("flow@g1/a#1", size=0.5), end("flow@g1/b#1", size="large")],
        runs={"flow@g1": "created", "flow@g1/c": "running"},
    ),
    Case(
        "minimize",
        "the other way round",
        [push(four(SMALL)), end("flow@g1/a#1", size=0.05)],
        runs={"flow@g1": "succeeded"},
    ),
    Case(
        "nothing-waits-in-a-queue",
        "what waited for a place does not get it",
        [world(limits=Limits(runs=1)), push(four(HALF)), end("flow@g1/a#1", 1), end("flow@g1/b#1", 1)],
        runs={"flow@g1": "failed", "flow@g1/c": "stopped"},
        waits=[],
        alive=[],
    ),
    Case(
        "slow-to-stop",
        "the DAG ends when what was stopped has ended",
        [world(stops_at_once=False), push(four(GOOD)), end("flow@g1/a#1", size=1)],
        runs={"flow@g1": "stopping", "flow@g1/b": "stopping"},
    ),
    Case(
        "slow-to-stop-ended",
        "with the same reason",
        [world(stops_at_once=False), push(four(GOOD)), end("flow@g1/a#1", size=1), end("flow@g1/b#1", 143)],
        runs={"flow@g1": "succeeded", "flow@g1/b": "stopped"},
    ),
    Case(
        "live",
        "a rule is live: what failed before it counts",
        [push(four()), end("flow@g1/a#1", 1), end("flow@g1/c#1", 1), push(four(HALF))],
        runs={"flow@g1": "failed", "flow@g1/b": "stopped"},
    ),
    Case(
        "retried",
        "a retry begins anew where the failures were",
        [push(four(HALF)), end("flow@g1/a#1", 1), end("flow@g1/c#1", 1), wait(seconds=1), ask("retry", "flow")],
        runs={"flow@g1": "processing", "flow@g1/a~1": "running", "flow@g1/b~1": "running"},
    ),
)


@table(*EARLY)
def test_early_stopping(case):
    case.check()
