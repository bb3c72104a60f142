"""Conditions: asked when an operation is about to start; where one does not hold, it is skipped with the reason."""

from __future__ import annotations

import pytest

from tests.planner.builders import dag, job, node, service, when
from tests.planner.cases import Case, table
from tests.planner.history import ask, end, push, wait

pytestmark = pytest.mark.unit

LARGE = "{{ n > 2 }}"
ODD = "{{ n }}"


def pair(value: object, **more: object):
    """b waits for a and starts under a condition on what a wrote; c comes after b."""
    return dag("flow", node("a"), node(when(job("b"), value, n="a.size"), "a"), node("c", "b", **more))


def around(value: object):
    """A DAG in a DAG, under a condition on what the node before it wrote."""
    inner = dag("inner", node("x"), node("y", "x"))
    return dag("flow", node("a"), node(when(inner, value, n="a.size"), "a"), node("z", "inner"))


CONDITIONS = (
    Case(
        "root",
        "an operation whose condition does not hold is skipped, and its commit says why",
        [push(when(job(), False))],
        then=["train g1 in force", "opens train@g1", "train@g1 skipped: the condition `False` does not hold"],
        says={"c1 train": "success: skipped: the condition `False` does not hold"},
        alive=[],
    ),
    Case("root-holds", "one whose condition holds runs", [push(when(job(), True))], alive=["train@g1#1"]),
    Case("words", "a condition may be a word for truth", [push(when(job(), "yes"))], alive=["train@g1#1"]),
    Case(
        "globals",
        "a condition sees the globals of its run",
        [push(when(job(), "{{ globals.name == 'train' and globals.is_independent }}"))],
        alive=["train@g1#1"],
    ),
    Case(
        "service", "a service too", [push(when(service(), "{{ globals.name == 'x' }}"))], runs={"serve@g1": "skipped"}
    ),
    Case(
        "node",
        "a node is asked when what it waits for has ended",
        [push(pair(LARGE)), end("flow@g1/a#1", size=3)],
        then=["flow@g1/a succeeded", "opens flow@g1/b", "starts flow@g1/b#1"],
    ),
    Case(
        "node-skipped",
        "a skipped node lets others start: it counts as succeeded",
        [push(pair(LARGE)), end("flow@g1/a#1", size=1)],
        then=[
            "flow@g1/a succeeded",
            "opens flow@g1/b",
            "flow@g1/b skipped: the condition `{{ n > 2 }}` does not hold",
            "opens flow@g1/c",
            "starts flow@g1/c#1",
        ],
    ),
    Case(
        "skip-goes-on",
        "or skips them where they want it so",
        [push(pair(LARGE, skips=True)), end("flow@g1/a#1", size=1)],
        runs={"flow@g1/b": "skipped", "flow@g1/c": "skipped", "flow@g1": "succeeded"},
    ),
    Case(
        "not-asked",
        "a node that its upstream decided away is not asked",
        [push(pair(LARGE)), end("flow@g1/a#1", 1)],
        runs={"flow@g1/b": "upstream_failed", "flow@g1/c": "upstream_failed"},
    ),
    Case(
        "missing-output",
        "a value that was never written fails the node: it is no condition that does not hold",
        [push(pair(LARGE)), end("flow@g1/a#1")],
        runs={"flow@g1/b": "failed", "flow@g1/c": "upstream_failed", "flow@g1": "failed"},
    ),
    Case(
        "no-truth",
        "so does a condition that gives no truth value",
        [push(pair(ODD)), end("flow@g1/a#1", size="much")],
        then=[
            "flow@g1/a succeeded",
            "opens flow@g1/b",
            "flow@g1/b failed: the condition `{{ n }}` gives no truth value: true or false is wanted, not `much`",
            "opens flow@g1/c",
            "flow@g1/c upstream_failed: trigger all_succeeded cannot be met: b",
            "flow@g1 failed: failed: b",
        ],
    ),
    Case(
        "cannot-be-compared",
        "and one that cannot be evaluated",
        [push(pair(LARGE)), end("flow@g1/a#1", size="much")],
        runs={"flow@g1/b": "failed"},
    ),
    Case(
        "dag-in-a-dag",
        "a DAG under a condition is asked as a whole",
        [push(around(LARGE)), end("flow@g1/a#1", size=3)],
        then=["flow@g1/a succeeded", "opens flow@g1/inner/x", "starts flow@g1/inner/x#1"],
    ),
    Case(
        "dag-in-a-dag-skipped",
        "and skipped as a whole, as one record",
        [push(around(LARGE)), end("flow@g1/a#1", size=1)],
        then=[
            "flow@g1/a succeeded",
            "opens flow@g1/inner",
            "flow@g1/inner skipped: the condition `{{ n > 2 }}` does not hold",
            "opens flow@g1/z",
            "starts flow@g1/z#1",
        ],
        runs={"flow@g1/inner/x": None},
    ),
    Case(
        "dag-asked-once",
        "it is asked once: what was let in goes on",
        [push(around(LARGE)), end("flow@g1/a#1", size=3), end("flow@g1/inner/x#1", size=0)],
        then=["flow@g1/inner/x succeeded", "opens flow@g1/inner/y", "starts flow@g1/inner/y#1"],
    ),
    Case(
        "root-dag-skipped",
        "a root that is a DAG is skipped with none of its nodes",
        [push(when(dag("flow", node("a")), False))],
        then=["flow g1 in force", "opens flow@g1", "flow@g1 skipped: the condition `False` does not hold"],
        alive=[],
    ),
    Case(
        "no-truth-of-a-dag",
        "a DAG whose condition cannot be asked has failed",
        [push(around(ODD)), end("flow@g1/a#1", size="much")],
        runs={"flow@g1/inner": "failed", "flow@g1/z": "upstream_failed", "flow@g1": "failed"},
    ),
    Case(
        "asked-again-by-a-retry",
        "a retry asks again, with what was written since",
        [
            push(pair(LARGE)),
            end("flow@g1/a#1"),
            ask("retry", "flow"),
            wait(1),
        ],
        runs={"flow@g1/b~1": "failed"},
    ),
    Case(
        "another-condition-is-another-generation",
        "a change of the condition asks again",
        [push(when(job(), False)), push(when(job(), True))],
        alive=["train@g2#1"],
    ),
)


@table(*CONDITIONS)
def test_conditions(case):
    case.check()
