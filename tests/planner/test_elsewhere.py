"""Values of another run of the project that an operation names by its id."""

from __future__ import annotations

import pytest

from planner import keys
from planner.model.facts import StatusChanged
from planner.model.status import RunStatus
from planner.plan import plan_alone
from tests.planner.builders import dag as graph
from tests.planner.builders import job, node, when
from tests.planner.history import IDENTITY, History, after, end, push, wait, waits

pytestmark = pytest.mark.unit

TRAIN = keys.generation("train", 1).short_id(IDENTITY.instance, IDENTITY.project)
NOBODY = "r-aaaaaaaa"


def reader(path: str, ident: str = TRAIN):
    """An operation with one param that is a value of a run."""
    return job("report", reads={"size": f"runs.{ident}.{path}"})


def given(history: History, key: str = "report@g1") -> object:
    context = history.bound[history.run(key).bound].context
    assert isinstance(context["params"], dict)
    return context["params"]["size"]


VALUES = {
    "outputs.size": 7,
    "outputs": {"size": 7},
    "inputs": {},
    "globals.status": "succeeded",
    "globals.name": "train",
    "globals.uuid": TRAIN,
    "globals.duration": 60.0,
    "globals.project_name": "project",
    "globals.cloning_kind": None,
    "io": {"inputs": {}, "outputs": {"size": 7}, "artifacts": None},
}


@pytest.mark.parametrize(("path", "value"), VALUES.items(), ids=VALUES)
def test_what_a_run_that_has_ended_says(path, value):
    history = after(push(job()), wait(60), end("train@g1#1", size=7), push(job(), reader(path)))
    assert given(history) == value
    assert history.alive() == ["report@g1#1"]


def test_the_context_has_the_run():
    history = after(push(job()), end("train@g1#1", size=7), push(job(), reader("outputs.size")))
    context = history.bound[history.run("report@g1").bound].context
    assert context["upstream"] == {f"runs.{TRAIN}": {"status": "succeeded", "outputs": {"size": 7}}}


def test_a_run_that_goes_on_is_waited_for():
    history = after(push(job()), push(job(), reader("outputs.size")))
    assert history.run("report@g1").status is RunStatus.CREATED
    assert waits(history, "report") == [f"report@g1 waits for the end of {TRAIN} (train@g1)"]
    end("train@g1#1", size=3)(history)
    assert given(history) == 3


FAILS = {
    "no-such-run": ("outputs.size", NOBODY, f"there is no run {NOBODY} in this project, or it was removed"),
    "no-such-output": ("outputs.loss", TRAIN, f"{TRAIN} did not write its output 'loss'"),
    "no-such-input": ("inputs.lr", TRAIN, f"{TRAIN} has no input 'lr'"),
    "no-artifacts": ("artifacts.base", TRAIN, f"{TRAIN} left no artifacts that this run can reach"),
}


@pytest.mark.parametrize(("path", "ident", "reason"), FAILS.values(), ids=FAILS)
def test_what_is_not_there_fails_with_its_name(path, ident, reason):
    history = after(push(job()), end("train@g1#1", size=7), push(job(), reader(path, ident)))
    run = history.run("report@g1")
    assert (run.status, run.reason) == (RunStatus.FAILED, reason)


def test_a_condition_reads_it_too():
    asked = when(job("report"), "{{ size > 5 }}", size=f"runs.{TRAIN}.outputs.size")
    steps = [push(job()), end("train@g1#1", size=3), push(job(), asked)]
    assert after(*steps).run("report@g1").status is RunStatus.SKIPPED


def test_a_node_of_a_dag_waits_and_its_siblings_do_not():
    flow = graph("flow", node(reader("outputs.size")), node(job("other", "other")))
    history = after(push(job()), push(job(), flow))
    assert history.alive() == ["flow@g1/other#1", "train@g1#1"]
    end("train@g1#1", size=3)(history)
    assert given(history, "flow@g1/report") == 3


def test_a_run_that_ends_in_the_same_plan_is_read_when_that_is_recorded():
    first = keys.Key("flow", "g1", ("a",)).short_id(IDENTITY.instance, IDENTITY.project)
    last = job("b", reads={"size": f"runs.{first}.outputs.size", "also": "a.size"})
    history = after(push(graph("flow", node(job("a")), node(last, "a"))), end("flow@g1/a#1", size=3))
    assert given(history, "flow@g1/b") == 3


def test_a_preview_waits_for_what_it_does_not_look_at():
    history = after(push(job()), push(job(), reader("outputs.size")))
    plan = plan_alone(history.view("report", answers={}))
    assert [type(fact) for fact in plan.facts] == [StatusChanged]
    assert [wait.reason for wait in plan.waits] == [f"{TRAIN}, which is looked for when it starts"]
