"""What an operation of a DAG reads of another one that is known only when that one has started (`inputs`, `io`, …)."""

from __future__ import annotations

import json

import pytest

from planner.canon import Json
from planner.model.desired import CompiledOperation
from tests.planner.compile.trees import compiled
from tests.planner.history import after, ask, end, push

pytestmark = pytest.mark.unit

RUN = {"kind": "job", "container": {"image": "i", "command": ["c"]}}
OF_PREPARE = {"ref": "ops.prepare", "value": "outputs.o"}
BEFORE = (end("t@g1/prepare#1", o=5), end("t@g1/a#1", o=7))


def flow(given: Json, wanted: str, source: str = "ops.a") -> CompiledOperation:
    """A DAG of `prepare`, of `a` whose input `n` is given, and of `b`, which wants something of `a`."""
    component = {"outputs": [{"name": "o"}], "run": RUN}
    operations = [
        {"name": "prepare", "component": component},
        {"name": "a", "params": {"n": given}, "component": {**component, "inputs": [{"name": "n"}]}},
        {
            "name": "b",
            "params": {"x": {"ref": source, "value": wanted}},
            "component": {"inputs": [{"name": "x"}], "run": RUN},
        },
    ]
    document = {"version": 1.1, "kind": "operation", "name": "t"}
    document["component"] = {"run": {"kind": "dag", "operations": operations}}
    found = compiled({"a.json": json.dumps(document)})
    assert "t" in found.roots, [str(problem) for problem in found.problems]
    return found.roots["t"]


@pytest.mark.parametrize(
    ("given", "wanted", "value"),
    [
        pytest.param("{{ globals.created_at }}", "inputs.n", "2026-11-23T06:00:00Z", id="a-template"),
        pytest.param("at {{ globals.uuid }}", "inputs.n", "at r-zvjytdbx", id="of-that-run-and-not-of-this"),
        pytest.param("{{ globals.created_at }}", "inputs", {"n": "2026-11-23T06:00:00Z"}, id="all-at-once"),
        pytest.param(OF_PREPARE, "inputs.n", 5, id="an-output-of-a-third"),
        pytest.param(OF_PREPARE, "inputs", {"n": 5}, id="all-with-an-output-of-a-third"),
        pytest.param(1, "inputs", {"n": 1}, id="known-before"),
        pytest.param(OF_PREPARE, "io", {"inputs": {"n": 5}, "outputs": {"o": 7}, "artifacts": None}, id="io"),
        pytest.param(1, "globals.condition", {"type": "succeeded", "reason": ""}, id="condition"),
    ],
)
def test_what_is_read_of_another_operation(given, wanted, value):
    operation = flow(given, wanted)
    assert operation.refused == ""
    history = after(push(operation), *BEFORE)
    run = history.run("t@g1/b")
    assert history.bound[run.bound].context["params"] == {"x": value}


def test_a_retry_reads_the_newest_round():
    history = after(
        push(flow("at {{ globals.uuid }}", "inputs.n")), end("t@g1/prepare#1"), end("t@g1/a#1", 1), ask("retry", "t"),
        end("t@g1/a~1#1"),
    )  # fmt: skip
    ident = history.run("t@g1/a~1").key.short_id("test", "project")
    assert history.bound[history.run("t@g1/b~1").bound].context["params"] == {"x": f"at {ident}"}


def test_what_only_its_backend_knew_fails_what_wants_it():
    history = after(push(flow("{{ globals.run_outputs_path }}", "inputs.n")), *BEFORE)
    run = history.run("t@g1/b")
    assert (str(run.status), run.reason.partition(":")[0]) == ("failed", "ops.a.inputs.n is not known")


@pytest.mark.parametrize("wanted", ["io", "artifacts", "artifacts.model"])
def test_a_dag_has_none_of_its_own(wanted):
    refused = flow(1, wanted, "dag").refused
    assert refused.endswith("of its own: refer to its `inputs`, or to one of its operations")
