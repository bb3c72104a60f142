"""Joins when they are compiled: what is taken, what is a problem, and what cannot run here."""

from __future__ import annotations

import pytest

from planner.model.desired import Join
from tests.planner.compile.trees import compiled

pytestmark = pytest.mark.unit

OP = "version: 1.1\nkind: operation\nname: t\n"
JOB = """\
component:
  inputs: [{name: n, type: float, isList: true}, {name: q, type: str, value: x}]
  run: {kind: job, container: {command: [c], args: ['{{ n | length }}']}}
"""


def root(joins, more=JOB):
    desired = compiled({"a.yaml": f"{OP}joins: [{joins}]\n{more}"})
    assert [str(one) for one in desired.problems if one.severity == "error"] == []
    return desired.roots["t"]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param("{query: 'status: failed', params: {n: outputs.x}}", Join("status: failed"), id="defaults"),
        pytest.param(
            "{query: 'name: {{ q }}', sort: -name, limit: 3, offset: 1, params: {n: {value: outputs.x}}}",
            Join("name: x", "-name", 3, 1),
            id="what-is-known-is-evaluated",
        ),
        pytest.param(
            "{query: 'pipeline: {{ globals.uuid }}', limit: '{{ globals.uuid | length }}', params: {n: outputs.x}}",
            Join("pipeline: {{ globals.uuid }}", limit="{{ globals.uuid | length }}"),
            id="what-a-start-knows-waits",
        ),
        pytest.param("{query: 'name: x', params: {n: '{{ outputs.x }}'}}", Join("name: x"), id="path-in-braces"),
    ],
)
def test_what_is_taken(written, expected):
    found = root(written)
    (join,) = found.body.joins
    assert (join.query, join.sort, join.limit, join.offset) == (
        expected.query,
        expected.sort,
        expected.limit,
        expected.offset,
    )
    assert join.params == {"n": ("outputs", "x")}
    assert found.refused == ""


def test_what_a_param_says_of_its_delivery_holds():
    found = root(
        "{query: 'name: x', params: "
        "{n: {value: outputs.x, toEnv: N}, z: {value: outputs.y, contextOnly: true, toEnv: Z}}}"
    )
    (group,) = found.body.gang.replicas
    assert sorted(group.container.env) == ["N", "Z"]


def test_a_param_of_the_operation_holds():
    found = root("{query: 'name: x', params: {n: outputs.x}}", f"params: {{n: [1]}}\n{JOB}")
    (join,) = found.body.joins
    assert join.params == {}
    assert found.body.params["n"] == [1.0]


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        pytest.param(
            "{query: 'framework: x'}", "PL-204 /joins/0/query: no run here has a `framework`", id="never-held"
        ),
        pytest.param(
            "{query: 'name: {{ q }}, mine: 1'}", "PL-204 /joins/0/query: no run here has a `mine`", id="beside"
        ),
        pytest.param(
            "{query: 'status: sucd'}", "PL-204 /joins/0/query: no run ever has the status `sucd`", id="status"
        ),
        pytest.param("{query: 'name: x', sort: user}", "PL-204 /joins/0/sort: no run here has a `user`", id="sort"),
        pytest.param(
            "{query: 'name: {{ n }}', params: {n: outputs.x}}",
            "PL-303 /joins/0/query: a join cannot need what joins find: `n`",
            id="circular",
        ),
        pytest.param(
            "{query: 'name: x', limit: '{{ globals.started_at }}'}",
            "PL-406 /joins/0/limit: joins are asked before the run has a place, so they cannot know globals.started_at",
            id="late",
        ),
        pytest.param(
            "{query: 'name: x', params: {n: globals.nope}}",
            "PL-305 /joins/0/params/n: another run has no `globals.nope`",
            id="no-global",
        ),
    ],
)
def test_what_is_a_problem(written, problem):
    given = "" if "params" in written else "params: {n: [1]}\n"
    found = compiled({"a.yaml": f"{OP}{given}joins: [{written}]\n{JOB}"}).problems
    said = [f"{one.code} {one.pointer}: {one.message}" for one in found if one.severity == "error"]
    assert [one.partition(" (at column")[0] for one in said] == [problem]


DAG = (
    "component: {run: {kind: dag, operations: [{name: x, component: {run: {kind: job, container: {command: [c]}}}}]}}\n"
)


@pytest.mark.parametrize(
    ("written", "more", "reason"),
    [
        pytest.param(
            "{query: 'name: x', params: {n: globals.context_path}}",
            JOB,
            "`globals.context_path` of another run is",
            id="global",
        ),
        pytest.param(
            "{query: 'name: x', params: {z: {value: outputs.x, contextOnly: true}}}",
            DAG,
            "a DAG does not hand",
            id="dag",
        ),
        pytest.param(
            "{query: 'name: x', params: {n: outputs.x}}",
            JOB.replace("  run:", "  termination: {maxRetries: '{{ n | length }}'}\n  run:"),
            "`termination` cannot wait for what joins find",
            id="termination",
        ),
    ],
)
def test_what_cannot_run_here(written, more, reason):
    assert root(written, more).refused.startswith(reason)
