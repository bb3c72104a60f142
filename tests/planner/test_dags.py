"""DAGs: what lets a node start, what its end means for others, how many run at once, and what they hand on."""

from __future__ import annotations

import itertools

import pytest

from planner.admit import Limits
from planner.desire.rollup import rollup, trigger
from planner.model.desired import CompiledOperation
from planner.model.status import FINAL, LIVE, RunStatus, StopReason
from tests.planner.builders import approved, dag, job, node
from tests.planner.cases import Case, table
from tests.planner.history import Step, after, approve, ask, end, gone, push, wait, world

pytestmark = pytest.mark.unit

S = RunStatus
OK, BAD, SKIP, UP, STOP, RUN, NEW = (
    S.SUCCEEDED,
    S.FAILED,
    S.SKIPPED,
    S.UPSTREAM_FAILED,
    S.STOPPED,
    S.RUNNING,
    S.CREATED,
)
START, WAIT, NEVER = S.CREATED, None, S.UPSTREAM_FAILED


@pytest.mark.parametrize(
    ("upstream", "expected"),
    [
        # all_succeeded, all_failed, all_done, one_succeeded, one_failed, one_done
        ((), (START, START, START, START, START, START)),
        ((RUN,), (WAIT, WAIT, WAIT, WAIT, WAIT, WAIT)),
        ((OK,), (START, NEVER, START, START, NEVER, START)),
        ((BAD,), (NEVER, START, START, NEVER, START, START)),
        ((SKIP,), (START, NEVER, START, START, NEVER, START)),
        ((STOP,), (NEVER, NEVER, START, NEVER, NEVER, START)),
        ((UP,), (NEVER, NEVER, START, NEVER, NEVER, START)),
        ((OK, RUN), (WAIT, WAIT, WAIT, START, WAIT, START)),
        ((BAD, RUN), (WAIT, WAIT, WAIT, WAIT, START, START)),
        ((OK, NEW), (WAIT, WAIT, WAIT, START, WAIT, START)),
        ((OK, OK), (START, NEVER, START, START, NEVER, START)),
        ((OK, BAD), (NEVER, NEVER, START, START, START, START)),
        ((BAD, BAD), (NEVER, START, START, NEVER, START, START)),
        ((OK, SKIP), (START, NEVER, START, START, NEVER, START)),
        ((BAD, SKIP), (NEVER, NEVER, START, START, START, START)),
        ((OK, STOP), (NEVER, NEVER, START, START, NEVER, START)),
        ((BAD, UP), (NEVER, NEVER, START, NEVER, START, START)),
    ],
    ids=lambda value: " ".join(map(str, value)) or "nothing" if isinstance(value, tuple) and None not in value else "",
)
def test_triggers(upstream, expected):
    names = ("all_succeeded", "all_failed", "all_done", "one_succeeded", "one_failed", "one_done")
    assert expected == tuple(trigger(name, upstream) for name in names)


@pytest.mark.parametrize(
    ("children", "expected"),
    [
        ((), NEW),
        ((NEW, NEW), NEW),
        ((NEW, OK), S.PROCESSING),
        ((RUN,), S.PROCESSING),
        ((BAD, RUN), S.PROCESSING),
        ((OK, OK), OK),
        ((OK, BAD), BAD),
        ((BAD, STOP), BAD),
        ((OK, STOP), STOP),
        ((OK, UP), OK),
        ((UP,), OK),
        ((SKIP, OK), OK),
        ((SKIP, SKIP), SKIP),
        ((SKIP, UP), OK),
        ((UP, STOP), STOP),
    ],
)
def test_rollup(children, expected):
    assert expected is rollup(children)


def test_a_rollup_is_final_exactly_when_all_children_are():
    for children in itertools.product(RunStatus, repeat=2):
        assert rollup(children).final is all(status.final for status in children)
        assert rollup(children) is rollup(children[::-1])


def test_every_status_is_final_or_live():
    assert FINAL | LIVE == set(RunStatus)
    assert not FINAL & LIVE


def pair(name: str) -> CompiledOperation:
    """c waits for a and b with a trigger."""
    return dag("flow", node("a"), node("b"), node("c", "a", "b", trigger=name))


def inner(**changes: int) -> CompiledOperation:
    return dag("inner", node("x"), node("y", "x"), **changes)  # type: ignore[arg-type]


NODES = (
    Case(
        "waits-for-all",
        "a node waits until all that it needs has ended well",
        [push(pair("all_succeeded")), end("flow@g1/a#1")],
        then=["flow@g1/a succeeded"],
    ),
    Case(
        "starts",
        "and then starts",
        [push(pair("all_succeeded")), end("flow@g1/a#1"), end("flow@g1/b#1")],
        then=["flow@g1/b succeeded", "opens flow@g1/c", "starts flow@g1/c#1"],
    ),
    Case(
        "decided-away",
        "what can start no more is a record with its reason, and the DAG has failed",
        [push(pair("all_succeeded")), end("flow@g1/a#1", 1), end("flow@g1/b#1")],
        then=[
            "flow@g1/b succeeded",
            "opens flow@g1/c",
            "flow@g1/c upstream_failed: trigger all_succeeded cannot be met: a",
            "flow@g1 failed: failed: a",
        ],
    ),
    Case(
        "one-failed",
        "one_* starts at the first",
        [push(pair("one_failed")), end("flow@g1/a#1", 1)],
        then=["flow@g1/a failed: exit code 1", "opens flow@g1/c", "starts flow@g1/c#1"],
    ),
    Case(
        "one-failed-waits",
        "and waits until nothing can satisfy it",
        [push(pair("one_failed")), end("flow@g1/a#1"), end("flow@g1/b#1")],
        then=[
            "flow@g1/b succeeded",
            "opens flow@g1/c",
            "flow@g1/c upstream_failed: trigger one_failed cannot be met",
            "flow@g1 succeeded",
        ],
    ),
    Case(
        "cleans-up",
        "all_done runs after a failure; the DAG has failed all the same",
        [push(pair("all_done")), end("flow@g1/a#1", 1), end("flow@g1/b#1"), end("flow@g1/c#1")],
        then=["flow@g1/c succeeded", "flow@g1 failed: failed: a"],
    ),
    Case(
        "not-before-the-last-retry",
        "a node has failed when its last attempt has",
        [push(dag("flow", node(job("a", retries=1)), node("b", "a"))), end("flow@g1/a#1", 1), wait(1)],
        then=["starts flow@g1/a#2"],
    ),
    Case(
        "lost",
        "a lost node counts like any failure",
        [push(dag("flow", node("a"), node("b", "a"))), gone("flow@g1/a#1")],
        runs={"flow@g1/b": "upstream_failed", "flow@g1": "failed"},
    ),
    Case(
        "evicted",
        "an evicted one is started again, and others wait for it",
        [push(dag("flow", node("a"), node("b", "a"))), end("flow@g1/a#1", 137, StopReason.EVICTED), wait(1)],
        then=["starts flow@g1/a#2"],
    ),
    Case(
        "outputs",
        "a reference is bound when its node has ended",
        [push(dag("flow", node("a"), node(job("b", reads={"n": "a.size"}), "a"))), end("flow@g1/a#1", size=3)],
        then=["flow@g1/a succeeded", "opens flow@g1/b", "starts flow@g1/b#1"],
    ),
    Case(
        "missing-output",
        "an output that was not written fails who reads it, with the reason",
        [push(dag("flow", node("a"), node(job("b", reads={"n": "a.size"}), "a"))), end("flow@g1/a#1")],
        then=[
            "flow@g1/a succeeded",
            "opens flow@g1/b",
            "flow@g1/b failed: a did not write its output 'size'",
            "flow@g1 failed: failed: b",
        ],
        says={"c1 flow": "failure: failed: b"},
    ),
    Case(
        "concurrency",
        "no more at once than the DAG says, in its order",
        [push(dag("flow", node("a"), node("b"), node("c"), concurrency=1)), end("flow@g1/a#1")],
        then=["flow@g1/a succeeded", "starts flow@g1/b#1"],
        waits=["flow@g1/c waits for a place in its DAG's concurrency"],
    ),
    Case(
        "concurrency-and-admission",
        "a node that the machine has no room for keeps its place",
        [world(limits=Limits(runs=0)), push(dag("flow", node("a"), node("b"), concurrency=1))],
        waits=[
            "flow@g1/b waits for a place in its DAG's concurrency",
            "flow@g1/a waits for a place on the machine (0 of 0 taken)",
        ],
    ),
    Case(
        "concurrency-of-a-dag-inside",
        "a DAG inside counts as one, whatever it starts",
        [push(dag("flow", node(dag("inner", node("x"), node("y"))), node("b"), concurrency=1))],
        alive=["flow@g1/inner/x#1", "flow@g1/inner/y#1"],
    ),
    Case(
        "concurrency-after-a-dag-inside",
        "and its place is free when it has ended",
        [
            push(dag("flow", node(dag("inner", node("x"), node("y"))), node("b"), concurrency=1)),
            end("flow@g1/inner/x#1"),
            end("flow@g1/inner/y#1"),
        ],
        alive=["flow@g1/b#1"],
    ),
    Case(
        "inside",
        "a DAG inside starts when its node may",
        [push(dag("flow", node("a"), node(inner(), "a"), node("z", "inner"))), end("flow@g1/a#1")],
        then=["flow@g1/a succeeded", "opens flow@g1/inner/x", "starts flow@g1/inner/x#1"],
    ),
    Case(
        "inside-ends",
        "and its end is that of its children",
        [
            push(dag("flow", node("a"), node(inner(), "a"), node("z", "inner"))),
            end("flow@g1/a#1"),
            end("flow@g1/inner/x#1"),
            end("flow@g1/inner/y#1"),
        ],
        then=["flow@g1/inner/y succeeded", "opens flow@g1/z", "starts flow@g1/z#1"],
    ),
    Case(
        "inside-fails",
        "so is its failure",
        [push(dag("flow", node(inner()), node("z", "inner"))), end("flow@g1/inner/x#1", 1)],
        runs={"flow@g1/inner/y": "upstream_failed", "flow@g1/z": "upstream_failed", "flow@g1": "failed"},
    ),
    Case(
        "inside-never-starts",
        "one that may not start is one record",
        [push(dag("flow", node("a"), node(inner(), "a"))), end("flow@g1/a#1", 1)],
        runs={"flow@g1/inner": "upstream_failed", "flow@g1/inner/x": None},
    ),
    Case(
        "inside-retried",
        "and may start after a retry of what it waited for",
        [
            push(dag("flow", node("a"), node(inner(), "a"))),
            end("flow@g1/a#1", 1),
            ask("retry", "flow"),
            end("flow@g1/a~1#1"),
        ],
        then=["flow@g1/a~1 succeeded", "opens flow@g1/inner/x", "starts flow@g1/inner/x#1"],
    ),
    Case(
        "inside-outputs",
        "what a node inside writes is read from inside and outside",
        [
            push(
                dag(
                    "flow",
                    node(dag("inner", node("x"), node(job("y", reads={"n": "inner/x.size"}), "x"))),
                    node(job("z", "z", reads={"n": "inner/x.size"}), "inner"),
                )
            ),
            end("flow@g1/inner/x#1", size=1),
            end("flow@g1/inner/y#1"),
        ],
        then=["flow@g1/inner/y succeeded", "opens flow@g1/z", "starts flow@g1/z#1"],
    ),
    Case(
        "stopped",
        "nothing of a stopped DAG starts any more",
        [push(dag("flow", node("a"), node("b", "a", trigger="all_done"))), ask("stop", "flow"), wait(minutes=9)],
        then=[],
        alive=[],
        runs={"flow@g1": "stopped"},
    ),
)


@table(*NODES)
def test_nodes(case):
    case.check()


def test_a_long_chain_runs_in_order():
    names = [f"n{number:02}" for number in range(40)]
    nodes = [node(names[0]), *(node(name, before) for before, name in itertools.pairwise(names))]
    steps: list[Step] = [push(dag("flow", *nodes))]
    history = after(*steps)
    for name in names:
        assert [f"flow@g1/{name}#1"] == history.alive()
        end(f"flow@g1/{name}#1")(history)
    assert "success: succeeded" == history.says("c1")["flow"]


def test_a_dag_inside_a_dag_waits_anew_for_what_is_retried_before_it():
    inner = node(dag("inner", node(job("split", "split"))), "load")
    steps = [
        push(dag("flow", node(job("load", "load")), inner)),
        end("flow@g1/load#1"),
        end("flow@g1/inner/split#1", 1),
    ]
    history = after(*steps, ask("retry", "flow", mode="all"))
    assert history.alive() == ["flow@g1/load~1#1"]
    end("flow@g1/load~1#1")(history)
    assert history.alive() == ["flow@g1/inner/split~1#1"]


HELD = approved(job("fit", "fit"))


@pytest.mark.parametrize(
    ("nodes", "steps", "runs", "alive"),
    [
        pytest.param(
            (node("load"), node(HELD, "load")),
            (end("flow@g1/load#1"), ask("retry", "flow", key="flow@g1/load", mode="all"), approve("flow")),
            {"flow@g1/fit": "stopped", "flow@g1/load~1": "running"},
            ["flow@g1/load~1#1"],
            id="what-waits-for-an-approval",
        ),
        pytest.param(
            (node("load"), node("fit", "load"), node("score", "fit")),
            (end("flow@g1/load#1", 1), ask("retry", "flow", key="flow@g1/load"), end("flow@g1/load~1#1")),
            {"flow@g1/fit": "upstream_failed", "flow@g1/score": "upstream_failed", "flow@g1/fit~1": "running"},
            ["flow@g1/fit~1#1"],
            id="what-was-decided-without-a-start",
        ),
        pytest.param(
            (node("load"), node(dag("inner", node(HELD), node("score", "fit")), "load")),
            (end("flow@g1/load#1"), ask("retry", "flow", key="flow@g1/load", mode="all"), approve("flow")),
            {"flow@g1/inner/fit": "stopped", "flow@g1/load~1": "running"},
            ["flow@g1/load~1#1"],
            id="a-dag-of-which-nothing-started",
        ),
        pytest.param(
            (node("load"), node(dag("inner", node(HELD), node("score")), "load")),
            (end("flow@g1/load#1"), ask("retry", "flow", key="flow@g1/load", mode="all"), approve("flow")),
            {"flow@g1/inner/fit": "running", "flow@g1/inner/score": "running", "flow@g1/load~1": "running"},
            ["flow@g1/inner/fit#1", "flow@g1/inner/score#1", "flow@g1/load~1#1"],
            id="a-dag-that-goes-on",
        ),
        pytest.param(
            (node("load"), node("fit", "load"), node("score", "fit")),
            (
                end("flow@g1/load#1"),
                end("flow@g1/fit#1"),
                ask("retry", "flow", key="flow@g1/load", mode="all"),
            ),
            {"flow@g1/fit": "succeeded", "flow@g1/score": "running", "flow@g1/load~1": "running"},
            ["flow@g1/load~1#1", "flow@g1/score#1"],
            id="what-has-started-goes-on",
        ),
        pytest.param(
            (node("load"), node(HELD, "load")),
            (
                end("flow@g1/load#1"),
                ask("stop", "flow", key="flow@g1/fit"),
                ask("retry", "flow", key="flow@g1/load", mode="all"),
                end("flow@g1/load~1#1"),
            ),
            {"flow@g1/fit": "stopped", "flow@g1": "stopped"},
            [],
            id="what-a-person-stopped-stays",
        ),
    ],
)
def test_what_comes_after_a_node_that_is_run_again_and_has_not_started_is_decided_anew(nodes, steps, runs, alive):
    history = after(push(dag("flow", *nodes)), *steps)
    assert runs.items() <= history.runs().items()
    assert history.alive() == alive
