"""What a sweep has found: order, best, history, influence of params, and how it stands in words."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.canon import Json
from planner.findings import Tried, history, influences, ranked, rungs_of, standing
from planner.model.search import Goal
from planner.publish import DESCRIPTION_LIMIT
from tests.planner.history import T0, after, end, push
from tests.planner.sweeps import LOSS, RATE, by_chance, measured, root, sweep

pytestmark = pytest.mark.unit

LEAST, MOST = Goal("loss", maximize=False), Goal("loss", maximize=True)
SEARCH = {
    "kind": "hyperopt",
    "algorithm": "rand",
    "numRuns": 3,
    "maxIterations": 2,
    "metric": LOSS,
    "params": {"rate": {"kind": "uniform", "value": [0, 1]}},
}


def tried(number: int, value: float | None = None, at: int | None = None, **params: object) -> Tried:
    over = at is not None or value is not None
    return Tried(
        number, "succeeded" if over else "running", params, value, over, not over, T0 + timedelta(seconds=at or number)
    )


def test_the_best_come_first_and_those_without_a_value_last():
    trials = [tried(0, 0.5), tried(1), tried(2, 0.1), tried(3, 0.5)]
    assert [one.number for one in ranked(trials, LEAST)] == [2, 0, 3, 1]
    assert [one.number for one in ranked(trials, MOST)] == [0, 3, 2, 1]
    assert [one.number for one in ranked(trials, None)] == [0, 1, 2, 3]


def test_history_goes_by_the_ends_and_not_by_numbers():
    steps = history([tried(0, 0.5, at=9), tried(1, 0.7, at=2), tried(2), tried(3, 0.6, at=5)], LEAST)
    assert [(step.number, step.best) for step in steps] == [(1, 0.7), (3, 0.6), (0, 0.5)]
    assert history([], LEAST) == []


@pytest.mark.parametrize(
    ("params", "values", "expected"),
    [
        pytest.param([1, 2, 3, 4], [10, 20, 30, 400], 1.0, id="rises"),
        pytest.param([1, 2, 3, 4], [9, 7, 5, 1], -1.0, id="falls"),
        pytest.param([1, 1, 2, 2], [1, 2, 3, 4], 0.894427, id="ties"),
        pytest.param([106, 100, 86, 101, 99, 103, 97, 113, 112, 110], [7, 27, 2, 50, 28, 29, 20, 12, 6, 17], -0.175758),
        pytest.param([5, 5, 5], [1, 2, 3], None, id="never differs"),
        pytest.param([1, 2, 3], [4, 4, 4], None, id="the metric never differs"),
        pytest.param([1, 2], [1, 2], None, id="too few"),
    ],
)
def test_rank_correlation(params, values, expected):
    trials = [tried(index, value, rate=param) for index, (param, value) in enumerate(zip(params, values, strict=True))]
    [found] = influences(trials, LEAST)
    assert found.numeric
    assert found.correlation == (None if expected is None else pytest.approx(expected, abs=1e-6))


@given(st.lists(st.tuples(st.floats(-1e300, 1e300), st.floats(-1e300, 1e300)), min_size=3, max_size=40))
def test_a_correlation_is_between_minus_one_and_one(pairs):
    trials = [tried(index, value, rate=param) for index, (param, value) in enumerate(pairs)]
    [found] = influences(trials, LEAST)
    assert found.correlation is None or -1 - 1e-9 <= found.correlation <= 1 + 1e-9


def test_what_is_no_number_is_told_by_its_choices():
    trials = [tried(0, 0.4, kind="a"), tried(1, 0.2, kind="b"), tried(2, 0.2, kind="a"), tried(3, kind="c")]
    [found] = influences(trials, LEAST)
    assert not found.numeric
    assert [(one.value, one.count, one.mean) for one in found.choices] == [
        ("b", 1, 0.2),
        ("a", 2, pytest.approx(0.3)),
    ]
    [other] = influences([tried(0, 1.0, flag=True), tried(1, 2.0, flag=False)], MOST)
    assert [one.value for one in other.choices] == [False, True]


def test_a_number_that_no_float_holds_is_a_choice():
    [found] = influences([tried(0, 1.0, rate=10**400), tried(1, 2.0, rate=1)], MOST)
    assert not found.numeric


def test_rungs_are_told_by_bracket():
    trials = [Tried(0, "succeeded", {}, 0.5, over=True, bracket=0, rung=0), Tried(1, "running", {}, bracket=0, rung=1)]
    assert [(one.bracket, one.rung, one.trials, one.ended, one.best) for one in rungs_of(trials, LEAST)] == [
        (0, 0, 1, 1, 0.5),
        (0, 1, 1, 0, None),
    ]


def test_how_a_sweep_stands():
    trials = [tried(0, 0.5), tried(1, 0.25), tried(2)]
    assert standing(trials, 60, LEAST) == "2 of 60 trials ended, 1 running, best loss 0.25 of 0001"
    assert standing(trials, None, None) == "2 of 3 or more trials ended, 1 running"
    assert standing([], 4, LEAST) == "0 of 4 trials ended"


def test_a_commit_says_how_its_sweep_stands():
    history = after(push(sweep(SEARCH)), measured("tune@g1/0000#1", loss=0.5))
    assert history.says("c1")["tune"] == "pending: 1 of 6 trials ended, 3 running, best loss 0.5 of 0000"
    measured("tune@g1/0001#1", loss=0.25)(history)
    end("tune@g1/0002#1", 3)(history)
    said = history.says("c1")["tune"]
    assert said == "pending: 3 of 6 trials ended, 3 running, best loss 0.25 of 0001"
    assert len(said) <= DESCRIPTION_LIMIT


def test_a_sweep_without_a_metric_says_how_many():
    history = after(push(sweep(by_chance(3, concurrency=2))), end("tune@g1/0000#1"))
    assert history.says("c1")["tune"] == "pending: 1 of 3 trials ended, 2 running"


def test_a_commit_names_a_sweep_inside_a_dag_and_not_its_trials():
    inner: Json = {
        "name": "tune",
        "matrix": by_chance(20),
        "component": {"inputs": [RATE], "run": {"kind": "job", "container": {"image": "i", "command": ["f"]}}},
    }
    run: Json = {"kind": "dag", "operations": [inner]}
    flow = root({"version": 1.1, "kind": "operation", "name": "flow", "component": {"run": run}}, "flow")
    history = after(push(flow), end("flow@g1/tune/0003#1"))
    assert history.says("c1")["flow"] == "pending: running: tune; 0 ended"
