"""Sweeps before there is a run: how many runs they are, and what is said of those that cannot be meant."""

from __future__ import annotations

import tracemalloc

import pytest
import yaml
from pydantic import TypeAdapter

from planner.compile.matrix import MAX_IMPLIED, check_matrix
from planner.compile.origin import Origin, Report
from planner.compile.space import brackets, combinations, options
from planner.spec.distributions import Distribution
from planner.spec.io import IO
from planner.spec.load import load
from planner.spec.matrix import Matrix

pytestmark = pytest.mark.unit

THREE = {"kind": "choice", "value": [1, 2, 3]}
RANGE = {"kind": "range", "value": [0, 1000, 1]}
ANY = {"kind": "uniform", "value": [0, 1]}
METRIC = {"name": "loss"}
BAND = {"kind": "hyperband", "params": {"a": ANY}, "resource": {"name": "n"}, "metric": METRIC}


def sweep(value):
    return TypeAdapter(Matrix).validate_python(value)


def said(matrix, inputs=()) -> list[str]:
    """What is said of a sweep: severity, code and pointer below it."""
    document = {"version": 1.1, "kind": "operation", "pathRef": "a.yaml", "matrix": matrix}
    loaded = load("f.yaml", yaml.safe_dump(document).encode())
    (document,) = loaded.documents
    report = Report()
    ios = [IO.model_validate(io) for io in inputs]
    check_matrix(document.spec.matrix, ios, Origin(document.places).at("matrix"), report)
    return [f"{p.severity} {p.code} {p.pointer.removeprefix('/matrix')}" for p in report.problems]


@pytest.mark.parametrize(
    ("distribution", "count"),
    [
        (THREE, 3),
        ({"kind": "pchoice", "value": [["a", 0.5], ["b", 0.5]]}, 2),
        ({"kind": "range", "value": "0:10:3"}, 4),
        ({"kind": "linspace", "value": [0, 1, 7]}, 7),
        ({"kind": "logspace", "value": [0, 1, 7]}, 7),
        ({"kind": "geomspace", "value": [1, 2, 7]}, 7),
        ({"kind": "daterange", "value": ["2026-01-01", "2026-01-11", 3]}, 4),
        ({"kind": "datetimerange", "value": ["2026-01-01", "2026-01-02", 3600]}, 24),
        (ANY, None),
        ({"kind": "quniform", "value": [0, 1, 0.1]}, None),
        ({"kind": "choice", "value": "{{ x }}"}, None),
        ({"kind": "range", "value": "{{ x }}"}, None),
    ],
)
def test_how_many_values_there_are_to_choose_from(distribution, count):
    assert options(TypeAdapter(Distribution).validate_python(distribution)) == count


@pytest.mark.parametrize(("most", "eta", "count"), [(81, 3, 5), (243, 3, 6), (1000, 10, 4), (80, 3, 4), (1, 2, 1)])
def test_brackets_are_not_one_too_few(most, eta, count):
    """ln 243 / ln 3 is a little below 5 in floats (reference, section 13.4)."""
    assert brackets(sweep({**BAND, "maxIterations": most, "eta": eta})) == count


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        pytest.param({"kind": "grid", "params": {"a": RANGE}}, [], id="a-thousand"),
        pytest.param({"kind": "grid", "params": {"a": RANGE, "b": THREE}}, ["error PL-204 /params"], id="too-many"),
        pytest.param({"kind": "grid", "params": {"a": RANGE, "b": THREE}, "numRuns": 2000}, [], id="said-how-many"),
        pytest.param({"kind": "grid", "params": {"a": RANGE, "b": THREE}, "numRuns": "{{ n }}"}, [], id="template"),
        pytest.param({"kind": "random", "params": {"a": RANGE, "b": RANGE}, "numRuns": 5}, [], id="random"),
        pytest.param(
            {"kind": "grid", "params": {"a": {"kind": "choice", "value": [1, 2, 1.0, "1", [1], [1]]}}},
            ["warning PL-211 /params/a/value/2", "warning PL-211 /params/a/value/5"],
            id="twice",
        ),
        pytest.param(
            {"kind": "random", "numRuns": 2, "params": {"a": {"kind": "pchoice", "value": [["x", 0.1], ["x", 0.2]]}}},
            ["warning PL-211 /params/a/value/1/0"],
            id="twice-with-weights",
        ),
        pytest.param({**BAND, "maxIterations": 10**9, "eta": 1.01}, ["error PL-204 /eta"], id="brackets"),
        pytest.param(
            {**BAND, "maxIterations": 9, "eta": 3, "params": {"n": ANY}},
            ["error PL-209 /params/n"],
            id="resource-twice",
        ),
    ],
)
def test_what_is_said_of_a_sweep(matrix, expected):
    assert said(matrix) == expected


@pytest.mark.parametrize(
    ("io", "expected"),
    [
        ({"name": "n", "type": "int"}, []),
        ({"name": "n", "type": "float"}, []),
        ({"name": "n"}, []),
        ({"name": "other", "type": "str"}, []),
        ({"name": "n", "type": "str"}, ["error PL-306 /resource/name"]),
        ({"name": "n", "type": "int", "isList": True}, ["error PL-306 /resource/name"]),
    ],
)
def test_the_resource_of_hyperband_is_a_number(io, expected):
    assert said({**BAND, "maxIterations": 9, "eta": 3}, [io]) == expected


def test_a_space_without_end_costs_nothing_to_count():
    space = {f"p{number}": {"kind": "range", "value": [0, 1_000_000, 1]} for number in range(1_000)}
    grid = sweep({"kind": "grid", "params": space})
    tracemalloc.start()
    count = combinations(grid.params)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert count == 1_000_000**1_000
    assert peak < 1_000_000
    assert said({"kind": "grid", "params": space}) == ["error PL-204 /params"]
    assert count > MAX_IMPLIED
