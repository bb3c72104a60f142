"""Events of other operations of a DAG: statuses that start an operation before those others have ended."""

from __future__ import annotations

import pytest

from planner.admit import Limits
from planner.desire.nodes import entered
from planner.model.status import StopReason
from tests.planner.builders import dag, job, node, service, when
from tests.planner.cases import Case, table
from tests.planner.history import after, ask, end, push, seen, wait, world

pytestmark = pytest.mark.unit


def pair(*statuses: str, first=None, **more):
    """b starts when a enters one of the statuses."""
    return dag("flow", node(first or job("a")), node("b", "a", events={"a": statuses}, **more))


EVENTS = (
    Case(
        "running", "a status that is entered starts it", [push(pair("running"))], alive=["flow@g1/a#1", "flow@g1/b#1"]
    ),
    Case(
        "not-yet",
        "and nothing else does",
        [push(pair("retrying"))],
        alive=["flow@g1/a#1"],
    ),
    Case(
        "retrying",
        "a second attempt is a status too",
        [push(pair("retrying", first=job("a", retries=1))), end("flow@g1/a#1", 1), wait(1)],
        alive=["flow@g1/a#2", "flow@g1/b#1"],
    ),
    Case(
        "others-are-ignored",
        "whatever else it waits for",
        [push(dag("flow", node("a"), node("c", "a"), node("b", "a", "c", events={"a": ["running"]})))],
        alive=["flow@g1/a#1", "flow@g1/b#1"],
    ),
    Case(
        "no-place",
        "an operation that is wanted and has no place yet is queued",
        [world(limits=Limits(runs=0)), push(pair("queued"))],
        waits=[
            "flow@g1/a waits for a place on the machine (0 of 0 taken)",
            "flow@g1/b waits for a place on the machine (0 of 0 taken)",
        ],
    ),
    Case(
        "ready",
        "a service runs when it is ready",
        [world(ready=False), push(pair("running", first=service("a")))],
        alive=["flow@g1/a#1"],
    ),
    Case(
        "became-ready",
        "and starts what waits for it then",
        [world(ready=False), push(pair("running", first=service("a"))), seen("flow@g1/a#1", ready=True)],
        alive=["flow@g1/a#1", "flow@g1/b#1"],
    ),
    Case(
        "missed",
        "a status that was left before anybody looked was entered all the same",
        [push(dag("flow", node("x"), node("a", "x"), node("b", "a", events={"a": ["running"]}))), end("flow@g1/x#1")],
        alive=["flow@g1/a#1", "flow@g1/b#1"],
    ),
    Case(
        "failed-on-the-way",
        "it goes on when the other fails later",
        [push(pair("running")), end("flow@g1/a#1", 1)],
        runs={"flow@g1/b": "running", "flow@g1/a": "failed"},
    ),
    Case(
        "final",
        "ends are the business of its trigger: one that does not let it start is not overruled",
        [push(pair("failed")), end("flow@g1/a#1", 1)],
        runs={"flow@g1/b": "upstream_failed"},
    ),
    Case(
        "final-by-trigger",
        "and one that does starts it",
        [push(pair("done", trigger="all_failed")), end("flow@g1/a#1", 1)],
        alive=["flow@g1/b#1"],
    ),
    Case(
        "never",
        "without the event the trigger decides when all has ended",
        [push(pair("retrying")), end("flow@g1/a#1")],
        alive=["flow@g1/b#1"],
    ),
    Case(
        "condition",
        "a condition is asked when the event happens",
        [push(dag("flow", node("a"), node(when(job("b"), False), "a", events={"a": ["running"]})))],
        runs={"flow@g1/b": "skipped", "flow@g1/a": "running"},
    ),
    Case(
        "dag",
        "a DAG is processing from its first start on",
        [push(dag("flow", node(dag("inner", node("x"))), node("b", "inner", events={"inner": ["processing"]})))],
        alive=["flow@g1/b#1", "flow@g1/inner/x#1"],
    ),
    Case(
        "skipped-dag",
        "one that was skipped was never processing",
        [
            push(
                dag(
                    "flow",
                    node("a"),
                    node(when(dag("inner", node("x")), False), "a"),
                    node("b", "inner", trigger="all_failed", events={"inner": ["processing"]}),
                )
            ),
            end("flow@g1/a#1"),
        ],
        runs={"flow@g1/inner": "skipped", "flow@g1/b": "upstream_failed"},
    ),
    Case(
        "stopped",
        "nothing of a stopped DAG is started by its stop",
        [push(pair("stopping")), ask("stop", "flow")],
        runs={"flow@g1/b": None},
    ),
    Case(
        "once",
        "it starts once, however often the event happens",
        [
            push(pair("retrying", first=job("a", retries=2))),
            end("flow@g1/a#1", 1),
            wait(1),
            end("flow@g1/b#1"),
            end("flow@g1/a#2", 1),
            wait(2),
        ],
        alive=["flow@g1/a#3"],
        runs={"flow@g1/b": "succeeded"},
    ),
)


@table(*EVENTS)
def test_events(case):
    case.check()


def test_a_run_tells_which_statuses_it_has_been_in():
    history = after(push(job(retries=1)), end("train@g1#1", 1, StopReason.EXITED), wait(1), end("train@g1#2"))

    assert entered(history.run("train@g1")) == {
        *("created", "compiled", "queued", "scheduled", "starting", "running", "retrying", "succeeded")
    }
