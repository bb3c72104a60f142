"""Sweeps: which trials there are, when they start, and how the sweep ends (docs/sweeps.md)."""

from __future__ import annotations

import pytest

from tests.planner.history import after, ask, end, push
from tests.planner.sweeps import all_end, by_chance, choices, measured, sweep, tried

pytestmark = pytest.mark.unit


def test_a_grid_runs_each_combination_and_succeeds():
    history = after(push(sweep(choices(0.1, 0.2))))
    assert history.alive() == ["tune@g1/0000#1", "tune@g1/0001#1"]
    assert tried(history) == {"tune@g1/0000": {"rate": 0.1}, "tune@g1/0001": {"rate": 0.2}}
    run = history.run("tune@g1/0001")
    assert history.bound[run.bound].context["params"] == {"rate": 0.2}
    history = after(push(sweep(choices(0.1, 0.2))), all_end())
    assert history.runs() == {"tune@g1": "succeeded", "tune@g1/0000": "succeeded", "tune@g1/0001": "succeeded"}
    assert history.run("tune@g1").reason == "2 of 2 trials succeeded"


def test_no_more_trials_are_at_work_than_its_concurrency():
    history = after(push(sweep(choices(0.1, 0.2, 0.3, concurrency=2))))
    assert history.alive() == ["tune@g1/0000#1", "tune@g1/0001#1"]
    end("tune@g1/0001#1")(history)
    assert history.alive() == ["tune@g1/0000#1", "tune@g1/0002#1"]


def test_a_trial_that_fails_does_not_end_the_sweep():
    history = after(push(sweep(choices(0.1, 0.2, concurrency=1))), end("tune@g1/0000#1", 3), end("tune@g1/0001#1"))
    assert history.runs()["tune@g1"] == "succeeded"
    assert history.run("tune@g1").reason == "1 of 2 trials succeeded"


def test_a_sweep_whose_trials_all_fail_has_failed():
    history = after(push(sweep(choices(0.1, 0.2))), all_end(code=2))
    assert history.runs()["tune@g1"] == "failed"
    assert history.run("tune@g1").reason == "0 of 2 trials succeeded"


def test_a_sweep_that_is_stopped_starts_nothing_more():
    history = after(push(sweep(choices(0.1, 0.2, 0.3, concurrency=1))), ask("stop", "tune"))
    assert history.alive() == []
    assert history.runs() == {"tune@g1": "stopped", "tune@g1/0000": "stopped"}


def test_failed_trials_can_be_retried():
    history = after(
        push(sweep(choices(0.1, 0.2))), end("tune@g1/0000#1", 3), end("tune@g1/0001#1"), ask("retry", "tune")
    )
    assert history.alive() == ["tune@g1/0000~1#1"]
    run = history.run("tune@g1/0000~1")
    assert history.bound[run.bound].context["params"] == {"rate": 0.1}
    end("tune@g1/0000~1#1")(history)
    assert history.run("tune@g1").reason == "2 of 2 trials succeeded"


def test_a_sweep_that_is_extended_goes_on_with_its_trials():
    history = after(push(sweep(by_chance(3))), all_end(), push(sweep(by_chance(5))))
    before = tried(history)
    assert history.alive() == ["tune@g2/0003#1", "tune@g2/0004#1"]
    later = tried(history, "tune@g2")
    assert [later[f"tune@g2/000{number}"] for number in range(3)] == list(before.values())
    assert history.run("tune@g2/0002").carried_from == history.run("tune@g1/0002").key
    all_end()(history)
    assert history.run("tune@g2").reason == "5 of 5 trials succeeded"
    again = after(push(sweep(by_chance(5))), all_end())
    assert list(tried(again).values()) == list(later.values())


def test_a_running_trial_is_carried_over_too():
    history = after(
        push(sweep(by_chance(2, concurrency=2))), end("tune@g1/0000#1"), push(sweep(by_chance(3, concurrency=2)))
    )
    assert history.alive() == ["tune@g1/0001#1", "tune@g2/0002#1"]
    end("tune@g1/0001#1")(history)
    assert history.runs()["tune@g2/0001"] == "succeeded"


def test_a_large_grid_is_opened_as_it_is_worked_off():
    many = [number / 1000 for number in range(900)]
    history = (
        after(push(sweep(choices(*many))), limits=None) if False else after(push(sweep(choices(*many, concurrency=2))))
    )
    assert len(tried(history)) == 2


def test_a_metric_early_stopping_rule_ends_it():
    rule = {"kind": "metric_early_stopping", "metric": "loss", "value": 0.25, "optimization": "minimize"}
    matrix = choices(0.9, 0.2, 0.3, concurrency=1, earlyStopping=[rule])
    history = after(push(sweep(matrix)), measured("tune@g1/0000#1", loss=0.9), measured("tune@g1/0001#1", loss=0.2))
    assert history.runs() == {"tune@g1": "succeeded", "tune@g1/0000": "succeeded", "tune@g1/0001": "succeeded"}
    assert history.run("tune@g1").reason == "stopped early: loss of 0001 is 0.2, and 0.25 will do"


def test_too_many_failures_end_it():
    rule = {"kind": "failure_early_stopping", "percent": 50}
    matrix = choices(0.1, 0.2, 0.3, 0.4, concurrency=2, earlyStopping=[rule])
    history = after(push(sweep(matrix)), end("tune@g1/0000#1", 1), end("tune@g1/0001#1", 1))
    assert history.runs()["tune@g1"] == "failed"
    assert history.alive() == []
    assert history.run("tune@g1").reason == "stopped early: 2 of 4 failed, and 50 % are too many"
