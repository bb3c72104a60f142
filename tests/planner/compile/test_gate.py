"""The condition of an operation: what compile takes, what a start answers, and what it is for digests."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from planner import keys
from planner.compile.bind import BindError, BindRequest
from planner.compile.gate import holds
from planner.model.desired import Reference
from tests.planner.compile.trees import COMMIT, compiled

pytestmark = pytest.mark.unit

RUN = {"kind": "job", "container": {"image": "i", "command": ["c"]}}
INPUTS = [{"name": "n", "type": "int"}]


def state(conditions, inputs=(), params=None, **more):
    component = {"inputs": list(inputs), "run": RUN}
    document = {"version": 1.1, "kind": "operation", "name": "t", "conditions": conditions, "component": component}
    return compiled({"a.json": json.dumps(document | ({"params": params} if params else {}) | more)})


def root(conditions, **more):
    found = state(conditions, **more)
    assert "t" in found.roots, [str(problem) for problem in found.problems]
    return found.roots["t"]


def flow(value="outputs.size", conditions="n > 2", kind="dag", **more):
    """A DAG whose second operation has a condition on what the first one gives."""
    inner = {"kind": "dag", "operations": [{"name": "x", "component": {"run": RUN}}]} if kind == "dag" else RUN
    operations = [
        {"name": "a", "component": {"outputs": [{"name": "size", "type": "int"}, {"name": "rest"}], "run": RUN}},
        {
            "name": "b",
            "conditions": conditions,
            "params": {"n": {"ref": "ops.a", "value": value}},
            "component": {"inputs": [{"name": "n"}, *more.get("inputs", ())], "run": inner},
        }
        | {"params": {"n": {"ref": "ops.a", "value": value}, **more.get("params", {})}},
    ]
    document = {"version": 1.1, "kind": "component", "run": {"kind": "dag", "operations": operations}}
    operation = {"version": 1.1, "kind": "operation", "name": "t", "component": document}
    found = compiled({"a.json": json.dumps(operation)})
    assert "t" in found.roots, [str(problem) for problem in found.problems]
    return found.roots["t"]


def ask(operation, **values):
    request = BindRequest(
        operation=operation,
        key=keys.generation("t", 1),
        values=values,
        upstream={},
        identity=("i", "p"),
        commit=COMMIT,
        opened_at=datetime(2026, 11, 25, tzinfo=UTC),
        because="a test",
    )
    return holds(request)


@pytest.mark.parametrize(
    ("conditions", "value"),
    [("n > 2", True), ("{{ n > 5 }}", False), ("yes", "yes"), ("{{ 'off' }}", "off"), ("0", "0")],
    ids=repr,
)
def test_what_is_known_is_evaluated_when_it_is_compiled(conditions, value):
    operation = root(conditions, inputs=INPUTS, params={"n": 3})

    assert (operation.condition.value, operation.condition.inputs) == (value, ())
    assert operation.sections["conditions"] == value
    assert not operation.refused


def test_a_condition_that_is_known_is_answered():
    assert ask(root("n > 2", inputs=INPUTS, params={"n": 3})) is True
    assert ask(root("n > 2", inputs=INPUTS, params={"n": 1})) is False


def test_a_condition_waits_for_its_inputs():
    node = flow(kind="job").body.nodes[1].operation

    assert node.condition.references == {"n": Reference(("a",), ("outputs", "size"))}
    assert [ask(node, n=number) for number in (2, 3)] == [False, True]
    with pytest.raises(BindError, match="'n' waits for"):
        ask(node)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("globals.name == 't'", True),
        (f"globals.commit == {COMMIT!r}", True),
        ("globals.created_at == '2026-11-25T00:00:00Z'", True),
        ("globals.schedule_at is none", True),
        ("globals.project_name == 'demo' and not globals.is_independent", False),
    ],
)
def test_a_condition_sees_what_is_known_before_the_run_has_a_place(text, answer):
    assert ask(root(text)) is answer


@pytest.mark.parametrize("name", ["run_outputs_path", "started_at", "context_path"])
def test_what_only_a_backend_knows_comes_too_late(name):
    (problem,) = state(f"globals.{name} != ''").problems

    assert (problem.code, problem.pointer) == ("PL-406", "/conditions")
    assert f"globals.{name}" in problem.message


@pytest.mark.parametrize(
    ("conditions", "code"),
    [("[n]", "PL-204"), ("{{ 'much' }}", "PL-204"), ("n + 'a'", "PL-406"), ("m > 1", "PL-405")],
)
def test_what_is_no_condition_of_this_operation(conditions, code):
    found = state(conditions, inputs=INPUTS, params={"n": 3})

    assert [problem.code for problem in found.problems] == [code]
    assert found.bad_files == {"a.json"}


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ("{{ n }}", "the condition `{{ n }}` gives no truth value: true or false is wanted, not `much`"),
        ("n > 2", "the condition `n > 2`: a number and a string have no order"),
    ],
)
def test_a_start_says_what_is_wrong(conditions, message):
    with pytest.raises(BindError) as caught:
        ask(flow(conditions=conditions, kind="job").body.nodes[1].operation, n="much")
    assert str(caught.value) == message


def test_another_condition_is_another_digest():
    assert root("{{ globals.name == 'a' }}").digest != root("{{ globals.name == 'b' }}").digest
    assert root("n > 2", inputs=INPUTS, params={"n": 3}).digest != root("n > 3", inputs=INPUTS, params={"n": 3}).digest


def test_what_the_condition_of_a_dag_reads_counts():
    """Nothing in the DAG may use it, so nothing else would tell."""
    more = {"inputs": [{"name": "m", "type": "int"}]}
    first, second = (flow(conditions="n > m", params={"m": number}, **more) for number in (1, 2))

    assert flow().digest != flow(value="outputs.rest").digest
    assert first.digest != second.digest
    assert first.digest == flow(conditions="n > m", params={"m": 1}, **more).digest
