"""Sweeps in plans: told by their effect, counted, and held where they are too large (docs/sweeps.md)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from planner.applied import World, as_applied
from planner.canon import Json
from planner.gpus import gpus_of
from planner.guard import Budgets
from planner.model.desired import Asked, CompiledOperation, Sweep
from planner.model.plan import Plan
from planner.model.search import IterativeSearch
from planner.preview import Previewed, previewed
from planner.render.frame import frame_of
from planner.render.markdown import plan_markdown
from planner.render.text import plan_text
from planner.render.verdict import verdict
from planner.scale import Scale
from planner.target import Contact
from planner.trials import at_once, expected, trials_of
from tests.planner.builders import desired, job
from tests.planner.history import IDENTITY, T0, History, Step, after, approve, end, push
from tests.planner.plans import read, world
from tests.planner.sweeps import LOSS, RATE, all_end, by_chance, choices, root, sweep

pytestmark = pytest.mark.unit

ON_GPU: Json = {
    "kind": "job",
    "container": {"image": "i", "command": ["fit"], "resources": {"limits": {"nvidia.com/gpu": 2}}},
}
BAYES: Json = {
    "kind": "bayes",
    "numInitialRuns": 5,
    "maxIterations": 20,
    "metric": LOSS,
    "params": {"rate": {"kind": "uniform", "value": [0, 1]}},
}
TIMED: Json = {"kind": "cron", "cron": "*/10 * * * *"}
STEPS: Json = {
    "kind": "dag",
    "operations": [
        {"name": "prepare", "component": {"run": {"kind": "job", "container": {"image": "i", "command": ["p"]}}}},
        {
            "name": "fit",
            "dependencies": ["prepare"],
            "params": {"rate": {"ref": "dag", "value": "inputs.rate"}},
            "component": {
                "inputs": [RATE],
                "run": {"kind": "job", "container": {"image": "i", "command": ["f", "{{ params.rate.as_arg }}"]}},
            },
        },
    ],
}


def looked(*operations: CompiledOperation, upon: History | None = None, budgets: Budgets = Budgets()) -> Previewed:
    """What planning these would do."""
    history = upon or after()
    state = desired("e" * 40, *operations)
    contact = Contact("test", "main", history.now, budgets)
    known = replace(world(history), answers=read(history, state, contact)) if upon else World()
    return previewed(state, known, contact, IDENTITY)


def effects(plan: Plan) -> list[str]:
    return [effect for action in plan.actions for effect in action.effects]


def test_a_new_sweep_is_one_phrase():
    found = looked(sweep(choices(*(number / 100 for number in range(60)), concurrency=4)))
    assert effects(found.plan) == [
        "grid: 60 trials; 4 at once",
        "starts tune@g1/0000, 0001, 0002 and 1 more",
    ]
    assert found.scale == Scale(runs=60, gpus=0, trials=60)
    assert plan_text(found.plan).endswith("plan: 1 start, 0 unchanged, 60 trials\n")
    assert verdict(found.plan).description == "1 starts, 60 trials, nothing removed"


def test_a_search_says_what_it_looks_for_and_asks_for():
    found = looked(sweep(BAYES, run=ON_GPU))
    assert effects(found.plan)[0] == "bayes: at most 25 trials; 5 at once; minimizes loss; 10 GPUs at once"
    [told] = found.plan.actions[0].sweeps
    assert (told.new, told.reused, told.before, told.metric, told.gpus) == (25, 0, None, "loss", 10)
    assert found.scale == Scale(runs=25, gpus=10, trials=25)


def test_a_sweep_that_is_extended_tells_new_from_reused():
    history = after(push(sweep(by_chance(12))), all_end())
    found = looked(sweep(by_chance(18)), upon=history)
    assert effects(found.plan)[0] == "random: 12 to 18 trials, 6 new, 12 reused"
    assert found.scale == Scale(runs=6, gpus=0, trials=6)
    assert sum("carried over" in effect for effect in effects(found.plan)) == 1


def test_a_sweep_of_another_thing_begins_anew():
    history = after(push(sweep(by_chance(12))), all_end())
    found = looked(sweep(by_chance(18, seed=3)), upon=history)
    assert effects(found.plan)[0] == "random: 12 to 18 trials, 18 new, 0 reused"


def test_a_running_trial_is_reused_too():
    history = after(push(sweep(by_chance(2))), end("tune@g1/0000#1"))
    assert effects(looked(sweep(by_chance(3)), upon=history).plan)[0] == "random: 2 to 3 trials, 1 new, 2 reused"


def test_trials_that_are_dags_count_as_trials_and_as_runs():
    found = looked(sweep(choices(0.1, 0.2, 0.3), run=STEPS))
    assert found.scale == Scale(runs=6, gpus=0, trials=3)
    assert effects(found.plan)[0] == "grid: 3 trials"
    assert "starts tune@g1/0000/prepare, 0001/prepare, 0002/prepare" in effects(found.plan)


def test_a_sweep_inside_a_dag_is_named_by_its_place():
    inner = {
        "name": "tune",
        "matrix": choices(0.1, 0.2),
        "component": {"inputs": [RATE], "run": {"kind": "job", "container": {"image": "i", "command": ["f"]}}},
    }
    run = {"kind": "dag", "operations": [inner]}
    found = looked(root({"version": 1.1, "kind": "operation", "name": "flow", "component": {"run": run}}, "flow"))
    assert effects(found.plan)[:2] == ["tune: grid: 2 trials", "starts flow@g1/tune/0000, 0001"]
    assert found.scale == Scale(2, 0, 2)


def test_a_scheduled_sweep_says_what_each_tick_has_and_starts_none():
    found = looked(sweep(choices(0.1, 0.2), schedule=TIMED))
    assert effects(found.plan)[0] == "grid: 2 trials"
    assert (found.plan.trials, found.scale) == (0, Scale())


def test_a_hundred_thousand_points_are_counted_and_not_walked():
    space = {name: {"kind": "range", "value": [0, 10**5 if name == "a" else 1, 1]} for name in "abc"}
    document = {
        "version": 1.1,
        "kind": "operation",
        "name": "tune",
        "matrix": {"kind": "grid", "params": space, "concurrency": 3, "numRuns": 10**5},
        "component": {"inputs": [{"name": name, "type": "int"} for name in "abc"], "run": ON_GPU},
    }
    operation = root(document)
    assert (trials_of(operation), gpus_of(operation)) == (10**5, 6)
    found = looked(operation, budgets=Budgets(trials=10**6))
    assert found.scale == Scale(runs=10**5, gpus=6, trials=10**5)
    assert len(plan_text(found.plan)) < 1000


def test_a_comment_on_a_thousand_trials_is_short():
    operation = sweep(by_chance(1000))
    found, state = looked(operation, budgets=Budgets(trials=1000)), desired("e" * 40, operation)
    text = plan_markdown(found.plan, frame_of(found, state, "prod"))
    assert "1000 runs start, for 1000 trials." in text
    assert len(text) < 1500


def test_what_is_stopped_is_counted_whatever_is_shown():
    history = after(push(sweep(choices(*(number / 10 for number in range(9))))))
    state = desired("e" * 40, job("other"))
    found = previewed(state, world(history), Contact("test", "main", history.now, Budgets()), IDENTITY)
    [gone] = [action for action in found.plan.actions if action.root == "tune"]
    assert (gone.stops, gone.sweeps) == (9, ())
    assert gone.effects[0] == "stops tune@g1/0000, 0001, 0002 and 6 more"


@pytest.mark.parametrize(
    ("before", "later", "told"),
    [
        pytest.param(by_chance(12), by_chance(18), "random: 12 to 18 trials, 6 new, 12 reused", id="extended"),
        pytest.param(
            by_chance(300, concurrency=2),
            by_chance(310, concurrency=2),
            "random: 300 to 310 trials, 10 new, 300 reused; 2 at once",
            id="many",
        ),
        pytest.param(
            by_chance(12), by_chance(18, seed=1), "random: 12 to 18 trials, 18 new, 0 reused", id="of another seed"
        ),
        pytest.param(
            choices(0.1, 0.2), choices(0.1, 0.2, 0.3), "grid: 2 to 3 trials, 1 new, 2 reused", id="a grid that grows"
        ),
        pytest.param(
            {**BAYES, "maxIterations": 3},
            BAYES,
            "bayes: 8 to 25 trials, 17 new, 8 reused; 5 at once; minimizes loss",
            id="a search that looks at values",
        ),
    ],
)
@pytest.mark.parametrize("run", [None, STEPS], ids=["a job", "a DAG"])
def test_against_a_commit_as_if_it_had_run_the_same_is_told(before, later, told, run):
    base, head = desired("base", sweep(before, run=run)), desired("head", sweep(later, run=run))
    found = previewed(head, as_applied(base, T0, IDENTITY, head), Contact("test", "main", T0), IDENTITY)
    assert effects(found.plan)[0] == told
    same = previewed(base, as_applied(base, T0, IDENTITY, base), Contact("test", "main", T0), IDENTITY)
    assert same.plan.actions == ()


# How many


def test_a_sweep_with_a_tuner_has_at_least_a_trial_an_iteration():
    body = sweep(choices(0.1)).body
    assert isinstance(body, Sweep)
    tuned = replace(body, search=IterativeSearch(10), iterations=10, tuner=job())
    assert (expected(tuned), expected(replace(tuned, concurrency=4)), at_once(tuned)) == (10, 40, 10)


# Holds


def reason(history: History, name: str = "tune") -> str:
    planned = history.record(name).planned
    return planned.hold.reason if planned is not None and planned.hold is not None else ""


def test_a_sweep_over_the_budget_of_trials_is_held_until_a_person_releases_it():
    history = after(push(sweep(by_chance(6)), job()), budgets=Budgets(trials=5))
    assert reason(history) == reason(history, "train") == "its sweeps may have 6 trials; the budget is 5 a commit"
    assert history.alive() == []
    hold = history.record("tune").planned.hold
    approve("tune", hold=hold.ident)(history)
    assert len(history.alive()) == 6


@pytest.mark.parametrize(
    ("operations", "held"),
    [
        pytest.param([sweep(by_chance(1000))], "", id="as many as the budget"),
        pytest.param(
            [sweep(by_chance(1001))], "its sweeps may have 1001 trials; the budget is 1000 a commit", id="more"
        ),
        pytest.param(
            [sweep(by_chance(600)), sweep(by_chance(600), "twin", path="twin.yaml")],
            "its sweeps may have 1200 trials; the budget is 1000 a commit",
            id="together",
        ),
        pytest.param(
            [sweep(by_chance(1001), schedule=TIMED)],
            "its sweeps may have 1001 trials; the budget is 1000 a commit",
            id="of a tick",
        ),
    ],
)
def test_the_budget_of_trials(operations, held):
    assert reason(after(push(*operations))) == held


def test_a_repository_may_tighten_its_trials_and_no_more():
    assert Budgets(trials=10).within(Asked(trials=5)).trials == 5
    assert Budgets(trials=10).within(Asked(trials=50)).trials == 10
    assert Budgets(trials=10).within(Asked()).trials == 10


def test_gpus_count_as_many_as_may_be_at_work_at_once():
    few = sweep(choices(0.1, 0.2, 0.3, concurrency=1), run=ON_GPU)
    all_of_them = sweep(choices(0.1, 0.2, 0.3), run=ON_GPU)
    assert reason(after(push(few), budgets=Budgets(gpus=2))) == ""
    assert reason(after(push(all_of_them), budgets=Budgets(gpus=2))) == (
        "it would ask for 6 GPUs; the budget is 2 a commit"
    )


def test_more_at_once_is_held_as_well_as_it_needs_no_new_run():
    steps: list[Step] = [
        push(sweep(choices(0.1, 0.2, 0.3, concurrency=1), run=ON_GPU)),
        push(sweep(choices(0.1, 0.2, 0.3, concurrency=3), run=ON_GPU)),
    ]
    history = after(*steps, budgets=Budgets(gpus=2))
    assert reason(history) == "it would ask for 6 GPUs; the budget is 2 a commit"
    assert history.alive() == ["tune@g1/0000#1"]
    history.now += timedelta(minutes=1)
    push(sweep(choices(0.1, 0.2, 0.3, concurrency=3), run=ON_GPU), job("other"))(history)
    assert history.alive() == ["tune@g1/0000#1"], "another commit does not release it"
    approve("tune", hold=history.record("tune").planned.hold.ident)(history)
    assert len([name for name in history.alive() if name.startswith("tune")]) == 3
