"""Sweeps: which trials there are, when they start, and how the sweep ends (docs/sweeps.md)."""

from __future__ import annotations

import pytest

from planner.admit import Limits
from planner.keys import parse
from planner.model.facts import Measured
from planner.model.metric import Mark, Progress
from tests.planner.builders import job
from tests.planner.history import History, Step, after, approve, ask, end, line, push, wait
from tests.planner.sweeps import LOSS, RUN, all_end, by_chance, choices, measured, root, sweep, tried

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


# Sweeps of other shapes

FIT = {"kind": "job", "container": {"image": "i", "command": ["fit"]}}
TELL = {"kind": "job", "container": {"image": "i", "command": ["tell"]}}


def over_dag(**matrix):
    """A sweep over a DAG of `fit` and `score`, which reads the rate of its trial."""
    operations = [
        {"name": "fit", "component": {"outputs": [{"name": "model"}], "run": FIT}},
        {
            "name": "score",
            "params": {
                "rate": {"ref": "dag", "value": "inputs.rate"},
                "model": {"ref": "ops.fit", "value": "outputs.model"},
            },
            "component": {"inputs": [{"name": "rate", "type": "float"}, {"name": "model"}], "run": FIT},
        },
    ]
    return sweep(choices(0.1, 0.2, concurrency=1, **matrix), run={"kind": "dag", "operations": operations})


def test_a_trial_may_be_a_dag():
    history = after(push(over_dag()))
    assert history.alive() == ["tune@g1/0000/fit#1"]
    end("tune@g1/0000/fit#1", model="m0")(history)
    run = history.run("tune@g1/0000/score")
    assert history.bound[run.bound].context["params"] == {"rate": 0.1, "model": "m0"}
    end("tune@g1/0000/score#1")(history)
    assert history.runs()["tune@g1/0000"] == "succeeded"
    # Its record says `created` until its end; that its sweep has one running its operations tell.
    assert history.says("c1")["tune"] == "pending: 1 of 2 trials ended, 1 running"
    assert history.run("tune@g1/0001/fit").cached_from == history.run("tune@g1/0000/fit").key
    end("tune@g1/0001/score#1", 1)(history)
    assert history.runs()["tune@g1/0001"] == "failed"
    assert history.run("tune@g1").reason == "1 of 2 trials succeeded"


def test_a_failed_operation_of_a_trial_is_retried():
    history = after(
        push(over_dag()),
        end("tune@g1/0000/fit#1", 1),
        end("tune@g1/0001/fit#1", model="m"),
        end("tune@g1/0001/score#1"),
    )
    ask("retry", "tune")(history)
    assert history.alive() == ["tune@g1/0000/fit~1#1"]
    end("tune@g1/0000/fit~1#1", model="m")(history)
    assert history.alive() == ["tune@g1/0000/score~1#1"]
    end("tune@g1/0000/score~1#1")(history)
    assert history.run("tune@g1").reason == "2 of 2 trials succeeded"


def test_of_trials_that_are_dags_no_more_go_on_than_the_concurrency_lets():
    """Run again or taken over, all of them may stand between two of their nodes at once."""
    history = after(
        push(over_dag()),
        end("tune@g1/0000/fit#1", model="m"),
        end("tune@g1/0000/score#1", 1),
        end("tune@g1/0001/score#1", 1),
        ask("retry", "tune"),
    )
    assert history.alive() == ["tune@g1/0000/score~1#1"]
    end("tune@g1/0000/score~1#1")(history)
    assert history.alive() == ["tune@g1/0001/score~1#1"]
    end("tune@g1/0001/score~1#1")(history)
    assert history.run("tune@g1").reason == "2 of 2 trials succeeded"


def in_dag(matrix, param=None, **fields):
    """A DAG of `prepare`, a sweep `tune` after it, and `report` after that."""
    component = {
        "inputs": [{"name": "rate", "type": "float"}],
        "outputs": [{"name": "loss", "type": "float"}],
        "run": FIT,
    }
    operations = [
        {"name": "prepare", "component": {"run": FIT}},
        {"name": "tune", "dependencies": ["prepare"], "matrix": matrix, "component": component},
        {
            "name": "report",
            "dependencies": ["tune"],
            "params": {"x": param} if param else {},
            "component": {"inputs": [{"name": "x"}] if param else [], "run": TELL},
            **fields,
        },
    ]
    document = {"version": 1.1, "kind": "operation", "name": "flow"}
    return root({**document, "component": {"run": {"kind": "dag", "operations": operations}}}, "flow")


def test_a_sweep_may_be_an_operation_of_a_dag():
    history = after(push(in_dag(choices(0.1, 0.2, concurrency=1))))
    assert history.alive() == ["flow@g1/prepare#1"]
    end("flow@g1/prepare#1")(history)
    assert history.alive() == ["flow@g1/tune/0000#1"]
    end("flow@g1/tune/0000#1")(history)
    end("flow@g1/tune/0001#1", 1)(history)
    assert history.runs()["flow@g1/tune"] == "succeeded"
    assert history.alive() == ["flow@g1/report#1"]
    end("flow@g1/report#1")(history)
    assert history.runs()["flow@g1"] == "succeeded"


def test_a_sweep_in_a_dag_that_fails_fails_it_and_is_retried():
    history = after(
        push(in_dag(choices(0.1, 0.2))), end("flow@g1/prepare#1"), *(end(f"flow@g1/tune/000{n}#1", 1) for n in (0, 1))
    )
    assert history.runs()["flow@g1/tune"] == "failed"
    assert history.runs()["flow@g1/report"] == "upstream_failed"
    assert history.runs()["flow@g1"] == "failed"
    ask("retry", "flow")(history)
    assert history.alive() == ["flow@g1/tune/0000~1#1", "flow@g1/tune/0001~1#1"]
    end("flow@g1/tune/0000~1#1")(history)
    end("flow@g1/tune/0001~1#1")(history)
    assert history.alive() == ["flow@g1/report~1#1"]


def test_a_join_finds_the_trials_of_a_sweep_before_it():
    losses = {"value": "outputs.loss", "contextOnly": True}
    join = {"query": "pipeline: {{ x }}, status: succeeded", "params": {"losses": losses}}
    document = in_dag(choices(0.1, 0.2), {"ref": "ops.tune", "value": "globals.uuid"}, joins=[join])
    history = after(
        push(document),
        end("flow@g1/prepare#1"),
        end("flow@g1/tune/0000#1", loss=0.5),
        end("flow@g1/tune/0001#1", loss=0.25),
    )
    run = history.run("flow@g1/report")
    assert history.bound[run.bound].context["params"]["losses"] == [0.25, 0.5]


def test_each_tick_of_a_schedule_is_a_sweep():
    operation = sweep(choices(0.1, 0.2, concurrency=1), schedule={"kind": "cron", "cron": "*/10 * * * *"})
    history = after(push(operation), wait(minutes=10))
    assert history.alive() == ["tune@2026-11-23T06:10Z/0000#1"]
    all_end()(history)
    wait(minutes=10)(history)
    assert history.alive() == ["tune@2026-11-23T06:20Z/0000#1"]


# Searches that look back


def hyperband(**fields):
    """Hyperband over rates with 1 to 4 epochs."""
    space = {"rate": {"kind": "uniform", "value": [0, 1]}}
    resource = {"name": "epochs", "type": "int"}
    return {
        "kind": "hyperband",
        "maxIterations": 4,
        "eta": 2,
        "resource": resource,
        "metric": LOSS,
        "params": space,
        **fields,
    }


def test_hyperband_promotes_the_best_of_a_rung():
    operation = sweep(hyperband())
    history = after(push(operation), all_end())
    assert history.runs()["tune@g1"] == "succeeded"
    trials = {key: run.suggestion for key, run in history.ledger.snapshot().runs.items() if run.suggestion}
    promoted = {key: one for key, one in trials.items() if one.origin is not None}
    assert promoted
    for one in promoted.values():
        origin = next(other for key, other in trials.items() if key.place == (f"{one.origin:04d}",))
        assert (one.params["rate"], one.bracket, one.rung) == (origin.params["rate"], origin.bracket, origin.rung + 1)
        assert one.params["epochs"] > origin.params["epochs"]


def test_a_promoted_trial_goes_on_with_what_it_left():
    history = after(push(sweep(hyperband(resume=True))), all_end())
    runs = history.ledger.snapshot().runs
    promoted = [run for run in runs.values() if run.suggestion and run.suggestion.origin is not None]
    for run in promoted:
        earlier = history.bound[run.bound].earlier
        assert earlier.copy
        assert earlier.run.place == (f"{run.suggestion.origin:04d}",)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({}, "it ended without reporting loss, which its sweep searches by"),
        ({"loss": "NaN"}, "its loss is NaN, and its sweep needs a finite number"),
        ({"loss": "Infinity"}, "its loss is Infinity, and its sweep needs a finite number"),
        ({"loss": "low"}, "its loss is low, and its sweep needs a finite number"),
    ],
)
def test_a_trial_without_a_finite_metric_has_failed(said, reason):
    history = after(push(sweep(hyperband(concurrency=1))), measured("tune@g1/0000#1", **said))
    run = history.run("tune@g1/0000")
    assert (str(run.status), run.reason) == ("failed", reason)
    all_end()(history)
    assert history.runs()["tune@g1"] == "succeeded"


# Tuners


def tuned(iterations=3, **fields):
    """An iterative sweep whose tuner is told what was tried."""
    tuner = {"hubRef": "mine", "params": {"tried": {"value": "{{ configs }}"}}}
    return sweep({"kind": "iterative", "maxIterations": iterations, "tuner": tuner, **fields})


def test_a_tuner_suggests_the_trials_of_each_iteration():
    history = after(push(tuned()))
    assert history.alive() == ["tune@g1/tuner-0000#1"]
    end("tune@g1/tuner-0000#1", suggestions=[{"rate": 0.5}, {"rate": 0.25}])(history)
    assert history.alive() == ["tune@g1/0000#1", "tune@g1/0001#1"]
    measured("tune@g1/0000#1", loss=0.5)(history)
    assert history.alive() == ["tune@g1/0001#1"]
    measured("tune@g1/0001#1", loss=0.25)(history)
    assert history.alive() == ["tune@g1/tuner-0001#1"]
    run = history.run("tune@g1/tuner-0001")
    params = history.bound[run.bound].context["params"]
    assert (params["iteration"], params["tried"]) == (1, [{"rate": 0.5}, {"rate": 0.25}])
    assert params["metrics"] == [{"loss": 0.5}, {"loss": 0.25}]
    end("tune@g1/tuner-0001#1", suggestions="[]")(history)
    assert history.run("tune@g1").reason == "2 of 2 trials succeeded"


def test_a_tuner_is_asked_no_more_often_than_allowed():
    history = after(push(tuned(1)), end("tune@g1/tuner-0000#1", suggestions=[{"rate": 0.5}]), all_end())
    assert history.runs()["tune@g1"] == "succeeded"
    assert "tune@g1/tuner-0001" not in history.runs()


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({}, "its tuner tune@g1/tuner-0000 ended without an output `suggestions`"),
        ({"suggestions": "{"}, "its tuner tune@g1/tuner-0000 wrote `suggestions` that are no JSON"),
        ({"suggestions": {"rate": 1}}, "its tuner tune@g1/tuner-0000 wrote `suggestions` that are no list of mappings"),
        ({"suggestions": []}, "nothing was suggested"),
    ],
)
def test_a_tuner_that_suggests_nothing_ends_the_sweep(said, reason):
    history = after(push(tuned()), end("tune@g1/tuner-0000#1", **said))
    assert history.runs()["tune@g1"] == "failed"
    assert history.run("tune@g1").reason == reason


def test_a_tuner_that_fails_is_retried():
    history = after(push(tuned()), end("tune@g1/tuner-0000#1", 1), ask("retry", "tune"))
    assert history.alive() == ["tune@g1/tuner-0000~1#1"]
    assert history.bound[history.run("tune@g1/tuner-0000~1").bound].context["params"]["iteration"] == 0


def test_trials_that_are_all_run_again_keep_what_their_tuner_suggested():
    history = after(push(tuned(2)), end("tune@g1/tuner-0000#1", suggestions=[{"rate": 0.5}]))
    measured("tune@g1/0000#1", loss=0.5)(history)
    end("tune@g1/tuner-0001#1", suggestions="{")(history)
    ask("retry", "tune", mode="all")(history)
    assert history.alive() == ["tune@g1/0000~1#1"]
    measured("tune@g1/0000~1#1", loss=0.5)(history)
    assert history.alive() == ["tune@g1/tuner-0001~1#1"]  # it had said nothing, and is told of trials that are over
    end("tune@g1/tuner-0001~1#1", suggestions=[{"rate": 0.1}])(history)
    assert tried(history) == {"tune@g1/0000": {"rate": 0.5}, "tune@g1/0001": {"rate": 0.1}}
    all_end()(history)
    assert history.run("tune@g1").reason == "2 of 2 trials succeeded"
    ask("retry", "tune", key="tune@g1/tuner-0000", mode="all")(history)
    assert "no: the trials that tune@g1/tuner-0000 suggested are there: retry those" in map(line, history.facts)


def test_a_sweep_that_is_stopped_stops_its_tuner():
    history = after(push(tuned()), ask("stop", "tune"))
    assert (history.alive(), history.runs()["tune@g1"]) == ([], "stopped")


def test_an_iterative_sweep_without_a_tuner_is_refused():
    found = sweep({"kind": "iterative", "maxIterations": 2})
    assert found.refused == "an iterative sweep needs a `tuner` that makes its suggestions"


# Policies, and the best trial


def told(key: str, *losses: float) -> Step:
    """A trial has reported these losses so far."""

    def step(history: History) -> None:
        marks = tuple(Mark(n, min(losses[:n]), max(losses[:n])) for n in range(1, len(losses) + 1))
        so_far = Progress(len(losses), len(losses), losses[-1], min(losses), max(losses), marks=marks)
        history.add([Measured("tune", parse(key), {"loss": so_far}, history.now)])
        history.go()

    return step


def test_a_policy_stops_single_trials_only():
    policy = {"kind": "median", "evaluationInterval": 1, "minSamples": 3}
    rule = {"kind": "metric_early_stopping", "metric": "loss", "value": 0, "optimization": "minimize", "policy": policy}
    history = after(
        push(sweep(choices(0.1, 0.2, 0.3, earlyStopping=[rule]))),
        told("tune@g1/0000#1", 0.3),
        told("tune@g1/0001#1", 0.2),
        told("tune@g1/0002#1", 0.9),
    )
    assert history.alive() == ["tune@g1/0000#1", "tune@g1/0001#1"]
    run = history.run("tune@g1/0002")
    assert str(run.status) == "stopped"
    assert run.reason == "stopped early: loss is 0.9 at best after 1 report, worse than the median 0.3 of 3"
    all_end()(history)
    assert history.run("tune@g1").reason == "2 of 3 trials succeeded"


def test_a_rule_without_a_policy_heeds_what_runs_report():
    rule = {"kind": "metric_early_stopping", "metric": "loss", "value": 0.25, "optimization": "minimize"}
    history = after(push(sweep(choices(0.1, 0.2, earlyStopping=[rule]))), told("tune@g1/0001#1", 0.5, 0.2))
    assert history.alive() == []
    assert history.runs()["tune@g1"] == "succeeded"
    assert history.run("tune@g1").reason == "stopped early: loss of 0001 is 0.2, and 0.25 will do"


@pytest.mark.parametrize(("wanted", "value"), [("outputs.loss", 0.25), ("inputs.rate", 0.5), ("inputs", {"rate": 0.5})])
def test_what_is_read_of_a_sweep_that_searches_is_of_its_best_trial(wanted, value):
    space = {"rate": {"kind": "choice", "value": [0.25, 0.5]}}
    counts = {"numRuns": 2, "maxIterations": 1}
    matrix = {"kind": "hyperopt", "algorithm": "rand", "params": space, "metric": LOSS, **counts}
    history = after(push(in_dag(matrix, {"ref": "ops.tune", "value": wanted})), end("flow@g1/prepare#1"))
    for key, params in tried(history, "flow@g1/tune").items():
        end(f"{key}#1", loss=0.75 - params["rate"])(history)
    run = history.run("flow@g1/report")
    assert history.bound[run.bound].context["params"]["x"] == value


def test_a_sweep_without_a_metric_has_no_best_trial():
    found = in_dag(choices(0.1), {"ref": "ops.tune", "value": "outputs.loss"})
    assert found.refused.startswith("`tune` is a sweep without a `metric`, so none of its trials is the best")


def test_nothing_is_the_best_where_nothing_was_reported():
    history = after(push(in_dag(hyperband(), {"ref": "ops.tune", "value": "outputs.loss"})), end("flow@g1/prepare#1"))
    for key in history.alive():
        end(key, 1)(history)
    assert history.runs()["flow@g1/tune"] == "failed"
    assert history.runs()["flow@g1/report"] == "upstream_failed"


# What is of the sweep as a whole

OTHERS = [job(f"other-{number}") for number in range(4)]


def test_the_condition_of_a_sweep_decides_for_all_of_it():
    history = after(push(sweep(choices(0.1), conditions="{{ globals.project_name == 'other' }}")))
    assert history.runs() == {"tune@g1": "skipped"}
    history = after(push(sweep(choices(0.1), conditions="{{ globals.project_name == 'demo' }}")))
    assert history.alive() == ["tune@g1/0000#1"]


def test_its_condition_cannot_know_what_a_trial_is_given():
    with pytest.raises(AssertionError, match=r"PL-406.*each trial has another `rate`"):
        sweep(choices(0.1), conditions="{{ rate < 1 }}")


def test_a_sweep_waits_for_its_approval_once():
    history = after(push(sweep(choices(0.1, 0.2), isApproved=False)))
    assert history.alive() == []
    approve("tune")(history)
    assert history.alive() == ["tune@g1/0000#1", "tune@g1/0001#1"]


def test_a_trial_that_a_person_stops_is_out_and_the_others_go_on():
    history = after(push(sweep(choices(0.1, 0.2, 0.3, concurrency=2))), ask("stop", "tune", key="tune@g1/0000"))
    assert history.alive() == ["tune@g1/0001#1", "tune@g1/0002#1"]
    all_end()(history)
    assert history.run("tune@g1").reason == "2 of 3 trials succeeded"


def test_more_concurrency_is_live():
    history = after(push(sweep(choices(0.1, 0.2, 0.3, concurrency=1))))
    push(sweep(choices(0.1, 0.2, 0.3, concurrency=2)))(history)
    assert history.alive() == ["tune@g1/0000#1", "tune@g1/0001#1"]


def test_a_sweep_that_leaves_the_repository_starts_nothing_more():
    history = after(push(sweep(choices(0.1, 0.2, concurrency=1)), *OTHERS), push(*OTHERS))
    assert not [key for key in history.alive() if key.startswith("tune")]
    assert history.runs()["tune@g1"] == "stopped"


def test_a_changed_operation_begins_anew():
    run = {"kind": "job", "container": {"image": "i", "command": ["other", "{{ params.as_args }}"]}}
    history = after(push(sweep(by_chance(3, concurrency=1))), push(sweep(by_chance(3, concurrency=1), run=run)))
    assert history.alive() == ["tune@g1/0000#1", "tune@g2/0000#1"]  # what runs finishes, by the policy of its root
    end("tune@g1/0000#1")(history)
    assert (history.alive(), history.runs()["tune@g1"]) == (["tune@g2/0000#1"], "stopped")
    assert tried(history, "tune@g2")["tune@g2/0000"] == tried(history)["tune@g1/0000"]


def test_a_sweep_that_is_shortened_keeps_its_first_trials():
    history = after(push(sweep(by_chance(9, concurrency=2))), end("tune@g1/0000#1"))
    push(sweep(by_chance(2, concurrency=2)))(history)
    assert history.alive() == ["tune@g1/0001#1", "tune@g1/0002#1"]
    end("tune@g1/0001#1")(history)
    assert history.run("tune@g2").reason == "2 of 2 trials succeeded"
    end("tune@g1/0002#1")(history)
    assert history.runs()["tune@g1"] == "stopped"


def test_what_a_trial_is_given_that_does_not_fit_fails_it_alone():
    matrix = {"kind": "mapping", "values": [{"rate": 0.5}, {"rate": "{}"}]}
    component = {"inputs": [{"name": "rate"}, {"name": "n", "type": "int", "value": "{{ rate }}"}], "run": RUN}
    document = {"version": 1.1, "kind": "operation", "name": "tune", "matrix": matrix, "component": component}
    history = after(push(root(document)))
    assert all(status != "running" for key, status in history.runs().items() if key.endswith("0001"))


def test_amounts_of_each_trial_decide_when_it_starts():
    run = {
        "kind": "job",
        "container": {"image": "i", "command": ["c"], "resources": {"limits": {"nvidia.com/gpu": "{{ n }}"}}},
    }
    matrix = {"kind": "mapping", "values": [{"n": 2}, {"n": 1}, {"n": "many"}]}
    component = {"inputs": [{"name": "n"}], "run": run}
    document = {"version": 1.1, "kind": "operation", "name": "tune", "matrix": matrix, "component": component}
    history = after(push(root(document)), limits=Limits(slots={"nvidia.com/gpu": 2}))
    assert history.alive() == ["tune@g1/0000#1"]
    assert history.run("tune@g1/0002").reason.startswith("the amount of nvidia.com/gpu is 'many', which is none")
    end("tune@g1/0000#1")(history)
    assert history.alive() == ["tune@g1/0001#1"]


def test_a_sweep_that_was_renamed_goes_on_with_its_trials_when_it_is_extended():
    history = after(push(sweep(by_chance(2))), all_end())
    push(sweep(by_chance(2), "fit", path="tune.yaml"), moved={"tune": "fit"})(history)
    assert history.alive() == []
    push(sweep(by_chance(3), "fit", path="tune.yaml"))(history)
    assert history.alive() == ["fit@g2/0002#1"]


def test_an_entry_of_a_mapping_that_changes_is_what_runs():
    def mapping(*rates: float):
        return sweep({"kind": "mapping", "values": [{"rate": rate} for rate in rates]})

    history = after(push(mapping(0.1, 0.2)), all_end(), push(mapping(0.3, 0.2, 0.4)))
    assert list(tried(history, "tune@g2").values()) == [{"rate": 0.3}, {"rate": 0.2}, {"rate": 0.4}]
    assert history.alive() == ["tune@g2/0000#1", "tune@g2/0002#1"]
    assert history.run("tune@g2/0001").carried_from == history.run("tune@g1/0001").key


def test_whoever_stops_a_sweep_is_named():
    history = after(push(sweep(choices(0.1, 0.2))), ask("stop", "tune", by="grace"))
    assert history.run("tune@g1").reason == "stopped by grace"
    assert history.run("tune@g1/0000").reason == "stopped by grace"


def test_its_image_is_built_once():
    run = {"kind": "job", "container": {"command": ["fit", "{{ rate }}"]}}
    component = {"inputs": [{"name": "rate"}], "build": {"hubRef": "builder"}, "run": run}
    document = {"version": 1.1, "kind": "operation", "name": "tune", "matrix": choices(0.1, 0.2)}
    history = after(push(root({**document, "component": component})))
    assert history.alive() == ["tune@g1/build#1"]
    end("tune@g1/build#1", image="r/x@sha256:1")(history)
    assert history.alive() == ["tune@g1/0000#1", "tune@g1/0001#1"]
    (container,) = (group.container for group in history.bound[history.run("tune@g1/0001").bound].gang.replicas)
    assert (container.image, container.command) == ("r/x@sha256:1", ("fit", "0.2"))
