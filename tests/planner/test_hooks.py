"""Hooks: each end of a run opens what follows it, once, and in the transaction of that end."""

from __future__ import annotations

from dataclasses import replace

import pytest

from planner import keys
from planner.admit import Limits
from planner.model.desired import Output
from planner.model.run import BoundRun
from tests.planner.builders import EVERY_TEN, dag, hooked, job, node, service, when
from tests.planner.cases import Case, table
from tests.planner.history import after, ask, end, push, wait, world

pytestmark = pytest.mark.unit


def hook(followed: str, index: int = 0, turn: int = 0) -> str:
    """The text of the key of a hook."""
    return str(keys.hook(keys.parse(followed), index, turn))


TELL = job("tell", "tell {{ name }} {{ status }} {{ outputs.size }} {{ inputs }}")
TOLD = hooked(job(retries=1), ("done", TELL))
BOTH = hooked(job(), ("failed", job("mend", "mend")), ("succeeded", job("tell", "tell")))
FLOW = dag("flow", node(hooked(job("a"), ("succeeded", job("tell", "tell")))), node("b", "a"))
AROUND = hooked(FLOW, ("done", job("sum", "sum")))
LARGE = when(job("tell", "tell"), "{{ outputs.size > 2 }}")

HOOKS = (
    Case(
        "done",
        "the end of a run opens its hook",
        [push(TOLD), end("train@g1#1", size=3)],
        then=["train@g1 succeeded", f"opens {hook('train@g1')}", f"starts {hook('train@g1')}#1"],
        says={"c1 train": "success: succeeded in 0 s"},
    ),
    Case(
        "an-attempt",
        "an attempt that failed is no end of the run",
        [push(TOLD), end("train@g1#1", 1)],
        runs={hook("train@g1"): None},
    ),
    Case(
        "which-end",
        "a hook waits for the end that it names",
        [push(BOTH), end("train@g1#1")],
        runs={hook("train@g1", 0): None, hook("train@g1", 1): "running"},
    ),
    Case(
        "the-other-end",
        "and for no other",
        [push(BOTH), end("train@g1#1", 1)],
        runs={hook("train@g1", 0): "running", hook("train@g1", 1): None},
    ),
    Case(
        "condition",
        "a hook whose condition does not hold is skipped, and says so",
        [push(hooked(job(), ("done", LARGE))), end("train@g1#1", size=1)],
        then=[
            "train@g1 succeeded",
            f"opens {hook('train@g1')}",
            f"{hook('train@g1')} skipped: the condition `{{{{ outputs.size > 2 }}}}` does not hold",
        ],
    ),
    Case(
        "condition-holds",
        "it sees the outputs of the run",
        [push(hooked(job(), ("done", LARGE))), end("train@g1#1", size=3)],
        runs={hook("train@g1"): "running"},
    ),
    Case(
        "condition-without-an-answer",
        "what cannot be asked fails with the sentence",
        [push(hooked(job(), ("done", LARGE))), end("train@g1#1", 1)],
        runs={hook("train@g1"): "failed"},
    ),
    Case(
        "node",
        "a node of a DAG has hooks too, and they are no part of the DAG",
        [push(FLOW), end("flow@g1/a#1"), end("flow@g1/b#1")],
        runs={hook("flow@g1/a"): "running", "flow@g1": "succeeded"},
        says={"c1 flow": "success: succeeded"},
    ),
    Case(
        "dag",
        "as has a DAG as a whole",
        [push(AROUND), end("flow@g1/a#1"), end("flow@g1/b#1")],
        runs={hook("flow@g1"): "running"},
    ),
    Case(
        "retried",
        "after a retry the end is another one",
        [
            push(TOLD),
            end("train@g1#1", size=1),
            end(f"{hook('train@g1')}#1"),
            ask("retry", mode="all"),
            end("train@g1~1#1", size=1),
        ],
        runs={hook("train@g1"): "succeeded", hook("train@g1~1"): "running"},
    ),
    Case(
        "dag-retried",
        "also that of a DAG, which has one record",
        [
            push(AROUND),
            end("flow@g1/a#1"),
            end("flow@g1/b#1", 1),
            end(f"{hook('flow@g1')}#1"),
            ask("retry", "flow"),
            end("flow@g1/b~1#1"),
        ],
        runs={hook("flow@g1", turn=0): "succeeded", hook("flow@g1", turn=1): "running"},
    ),
    Case(
        "carried-over",
        "what was carried over has ended before",
        [
            push(FLOW),
            end("flow@g1/a#1"),
            push(dag("flow", *FLOW.body.nodes, node("c", "b"))),
        ],
        runs={"flow@g2/a": "succeeded", hook("flow@g2/a"): None},
    ),
    Case(
        "withdrawn",
        "what never began and is not wanted has no end worth a word",
        [
            world(limits=Limits(runs=0)),
            push(hooked(job(), ("done", TELL))),
            push(hooked(job(command="other"), ("done", TELL))),
        ],
        runs={"train@g1": "stopped", hook("train@g1"): None},
    ),
    Case(
        "stopped",
        "a person's stop is an end",
        [push(hooked(job(), ("stopped", TELL))), ask("stop")],
        runs={hook("train@g1"): "failed"},
    ),
    Case(
        "removed",
        "of what is not in the repository any more nothing follows",
        [push(TOLD, job("other")), push(job("other"))],
        runs={"train@g1": "stopped", hook("train@g1"): None},
    ),
    Case(
        "service",
        "a service that is given up has ended",
        [push(hooked(service(), ("stopped", job("tell", "tell")))), ask("stop", "serve")],
        runs={hook("serve@g1"): "running"},
    ),
    Case(
        "tick",
        "each tick has its own",
        [
            push(hooked(job(schedule=EVERY_TEN), ("done", TELL))),
            wait(minutes=10),
            end("train@2026-11-23T06:10Z#1", size=1),
        ],
        runs={hook("train@2026-11-23T06:10Z"): "running"},
    ),
    Case(
        "refused",
        "a hook that cannot run here fails with the reason",
        [push(hooked(job(), ("done", job("tell", refused="no mail here")))), end("train@g1#1")],
        then=["train@g1 succeeded", f"opens {hook('train@g1')}", f"{hook('train@g1')} failed: refused: no mail here"],
    ),
    Case(
        "changed",
        "what is in force when a run ends says what follows it: hooks are live",
        [push(TOLD), push(hooked(job(retries=1), ("done", job("other", "other")))), end("train@g1#1")],
        runs={hook("train@g1"): "running"},
        alive=[f"{hook('train@g1')}#1"],
    ),
    Case(
        "not-the-last",
        "a retry of the operation means its run, not the hook that followed it",
        [push(TOLD), end("train@g1#1", size=1), end(f"{hook('train@g1')}#1"), ask("retry", mode="all")],
        runs={"train@g1~1": "running"},
    ),
)


@table(*HOOKS)
def test_hooks(case):
    case.check()


def _bound(history, key: str) -> BoundRun:
    return history.bound[history.run(key).bound]


def test_a_hook_is_given_what_the_run_came_to():
    history = after(push(TOLD), wait(seconds=90), end("train@g1#1", size=3))
    run = history.run(hook("train@g1"))
    assert run.given == {
        "name": "train",
        "uuid": keys.parse("train@g1").short_id("test", "project"),
        "kind": "job",
        "status": "succeeded",
        "runtime": "job",
        "wait_time": 0.0,
        "duration": 90.0,
        "inputs": {},
        "outputs": {"size": 3},
        "condition": {"type": "succeeded", "reason": ""},
    }
    assert str(run.follows) == "train@g1"
    assert _bound(history, hook("train@g1")).gang.replicas[0].container.command[-1] == "tell train succeeded 3 {}"
    assert run.because == "train@g1 succeeded: hook tell"


def test_declared_outputs_have_their_type():
    typed = job()
    typed = replace(typed, body=replace(typed.body, outputs=(Output("size", "int"), Output("kind", "int"))))
    history = after(push(hooked(typed, ("done", TELL))), end("train@g1#1", size="3", kind="large", rest="4"))
    given = history.run(hook("train@g1")).given
    assert given["outputs"] == {"size": 3, "kind": "large", "rest": "4"}, "what does not fit stays as it was written"


def test_a_hook_knows_the_inputs_of_a_node():
    reader = hooked(job("b", reads={"n": "a.size"}), ("done", TELL))
    history = after(
        push(dag("flow", node("a"), node(reader, "a"))), end("flow@g1/a#1", size=3), end("flow@g1/b#1", size=4)
    )
    assert history.run(hook("flow@g1/b")).given["inputs"] == {"n": 3}
