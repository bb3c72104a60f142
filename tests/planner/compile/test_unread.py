"""What a sweep gives and nobody reads is a warning; whatever may read it is none."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from planner.canon import Json
from tests.planner.compile.trees import compiled

pytestmark = pytest.mark.unit

CHOICE: Json = {"kind": "choice", "value": [1, 2]}
UNIFORM: Json = {"kind": "uniform", "value": [0, 1]}
METRIC: Json = {"name": "loss", "optimization": "minimize"}
RATE: Json = {"name": "learning_rate", "type": "float", "value": 0.1}


def job(*args: str) -> dict[str, Json]:
    return {"kind": "job", "container": {"image": "i", "command": ["fit", *args]}}


def warnings(matrix: Mapping[str, Json], run: Mapping[str, Json], *inputs: Json, **fields: Json) -> list[str]:
    """What is said of a sweep; nothing else may be wrong with it."""
    component = {"inputs": list(inputs), "run": run}
    document = {"version": 1.1, "kind": "operation", "name": "tune", "matrix": matrix, "component": component, **fields}
    found = compiled({"tune.yaml": json.dumps(document, indent=1)})
    assert "tune" in found.roots
    assert {problem.code for problem in found.problems} <= {"PL-401"}
    return [str(problem) for problem in found.problems]


def grid(*names: str) -> dict[str, Json]:
    return {"kind": "grid", "params": dict.fromkeys(names, CHOICE)}


def test_a_misspelt_param_is_told_where_it_stands_with_what_was_probably_meant():
    (said,) = warnings(grid("learing_rate"), job("{{ learning_rate }}"), RATE)
    assert said.startswith("tune.yaml:8:")
    assert "`learing_rate`" in said
    assert "did you mean `learning_rate`?" in said


def test_without_anything_alike_the_inputs_are_named():
    (said,) = warnings(grid("x"), job("{{ learning_rate }}"), RATE)
    assert "its inputs are `learning_rate`" in said
    (said,) = warnings(grid("x"), job())
    assert "declare an input of that name" in said


def test_each_of_them_is_told_once():
    entries: Json = [{"a": 1, "learning_rate": 1}, {"a": 2, "b": 1, "learning_rate": 2}, {"b": 2, "learning_rate": 1}]
    said = warnings({"kind": "mapping", "values": entries}, job("{{ learning_rate }}"), RATE)
    assert [next(name for name in ("`a`", "`b`") if name in one) for one in said] == ["`a`", "`b`"]


def test_a_resource_that_nothing_reads_gives_every_rung_the_same():
    matrix = {
        "kind": "hyperband",
        "maxIterations": 9,
        "eta": 3,
        "resource": {"name": "epochs", "type": "int"},
        "metric": METRIC,
        "params": {"learning_rate": UNIFORM},
    }
    (said,) = warnings(matrix, job("{{ learning_rate }}"), RATE)
    assert "`epochs`" in said
    assert warnings(matrix, job("{{ learning_rate }}", "{{ epochs }}"), RATE) == []


@pytest.mark.parametrize(
    "words",
    [
        "{{ x }}",
        "{{ params.x }}",
        "{{ params['x'] }}",
        "{% for name in params %}{{ name }}{% endfor %}",
        "{% if x == 1 %}a{% endif %}",
    ],
)
def test_what_a_template_may_read_is_read(words):
    assert warnings(grid("x"), job(words)) == []


@pytest.mark.parametrize("words", ["{{ params.as_args }}", "{{ params.learning_rate.as_arg }}"])
def test_arguments_are_those_of_inputs_and_a_member_is_one_of_them(words):
    (said,) = warnings(grid("x", "learning_rate"), job(words), RATE)
    assert "`x`" in said


def test_a_name_is_a_word_of_its_own():
    (said,) = warnings(grid("rate"), job("{{ learning_rate }}"), RATE)
    assert "`rate`" in said


def test_an_operation_of_a_dag_may_read_it():
    inner = {"name": "fit", "params": {"learning_rate": {"ref": "dag", "value": "inputs.x"}}}
    component: Json = {"inputs": [RATE], "run": job("{{ learning_rate }}")}
    dag: Json = {"kind": "dag", "operations": [{**inner, "component": component}]}
    assert warnings(grid("x"), dag, {"name": "x", "type": "float", "value": 1}) == []
    unread: Json = {"kind": "dag", "operations": [{"name": "fit", "component": component}]}
    (said,) = warnings(grid("x"), unread)
    assert "`x`" in said


def test_an_amount_of_a_trial_may_be_all_that_differs():
    run = {"kind": "job", "container": {"image": "i", "resources": {"limits": {"memory": "{{ size }}Gi"}}}}
    assert warnings(grid("size"), run) == []
    assert warnings(grid("minutes"), job(), termination={"timeout": "{{ minutes * 60 }}"}) == []


def test_what_a_tuner_gives_nobody_knows():
    matrix: Json = {
        "kind": "iterative",
        "maxIterations": 2,
        "tuner": {"hubRef": "mine"},
    }
    component = {"run": job()}
    document = {"version": 1.1, "kind": "operation", "name": "tune", "matrix": matrix, "component": component}
    found = compiled({"tune.yaml": json.dumps(document)})
    assert "PL-401" not in {problem.code for problem in found.problems}
