"""Hyperband as published, and asynchronously: sizes, amounts, promotions, and every way to fail."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import pytest

from planner import search
from planner.canon import Json
from planner.model.search import HyperbandSearch, Resource, Suggestion, Trial, TrialState
from planner.search import rungs
from tests.planner.search.sweeps import LOSS, choice, numbers, sweep, text

pytestmark = pytest.mark.unit

SPACE = (numbers("x", "uniform", 0, 1), choice("y", "a", "b"))
NINE = HyperbandSearch(SPACE, 9, 3, Resource("epochs", whole=True), LOSS)
R81 = replace(NINE, most=81)


def loss(params: Mapping[str, Json]) -> float | None:
    x = float(params["x"])  # type: ignore[arg-type]
    return None if 0.3 < x < 0.4 else abs(x - 0.5) / float(params["epochs"])  # type: ignore[arg-type]


def shape(trials: list[Trial]) -> dict[tuple[int | None, int | None], int]:
    return dict(sorted(Counter((trial.suggestion.bracket, trial.suggestion.rung) for trial in trials).items()))  # type: ignore[type-var]


def test_brackets_rungs_and_amounts_of_81_by_3_are_as_published() -> None:
    assert [rungs.sizes(R81, bracket) for bracket in range(5)] == [
        [81, 27, 9, 3, 1],
        [34, 11, 3, 1],
        [15, 5, 1],
        [8, 2],
        [5],
    ]
    assert [rungs.amount(R81, 0, rung) for rung in range(5)] == [1, 3, 9, 27, 81]
    assert [rungs.amount(R81, bracket, 0) for bracket in range(5)] == [1, 3, 9, 27, 81]


@pytest.mark.parametrize(
    ("most", "eta", "count"), [(243, 3, 6), (1000, 10, 4), (125, 5, 4), (1, 3, 1), (2, 3, 1), (1e6, 1.0000001, 40)]
)
def test_whole_logarithms_are_whole(most: float, eta: float, count: int) -> None:
    assert rungs.brackets(replace(NINE, most=most, eta=eta)) == count


def test_the_last_rung_gets_all_and_an_amount_is_at_least_one() -> None:
    ten = replace(NINE, most=10, eta=4)

    assert [rungs.amount(ten, 0, rung) for rung in range(2)] == [2, 10]
    assert rungs.amount(replace(ten, resource=Resource("share")), 0, 0) == 2.5
    assert [rungs.amount(replace(NINE, most=4, eta=1.5), 0, rung) for rung in range(4)] == [1, 1, 2, 4]


def test_a_sweep_runs_all_brackets_and_promotes_the_best() -> None:
    trials = sweep(R81, lambda params: abs(float(params["x"]) - 0.5))  # type: ignore[arg-type]

    assert shape(trials) == {
        (bracket, rung): size for bracket in range(5) for rung, size in enumerate(rungs.sizes(R81, bracket))
    }
    assert search.most(R81) == len(trials) == 206
    for trial in trials:
        made = trial.suggestion
        if made.origin is None:
            assert made.rung == 0
            continue
        origin = trials[made.origin]
        below = [
            other
            for other in trials
            if (other.suggestion.bracket, other.suggestion.rung) == (made.bracket, made.rung - 1)
        ]  # type: ignore[operator]
        better = [other for other in below if other.value < origin.value]  # type: ignore[operator]
        assert len(better) < len(below) // 3
        assert {**made.params, "epochs": 0} == {**origin.suggestion.params, "epochs": 0}
        assert made.params["epochs"] == 3 * origin.suggestion.params["epochs"]  # type: ignore[operator]


@pytest.mark.parametrize("pending", [1, 3, 8, 1000])
def test_the_order_of_ends_and_the_room_change_nothing(pending: int) -> None:
    expected = text([trial.suggestion for trial in sweep(R81, loss)])

    for order in range(3):
        assert text([trial.suggestion for trial in sweep(R81, loss, pending=pending, order=order)]) == expected


def test_first_rungs_of_all_brackets_are_opened_at_once() -> None:
    found = search.suggest(R81, (), "s", 10_000)

    assert len(found) == 81 + 34 + 15 + 8 + 5
    assert {made.rung for made in found} == {0}


def test_failed_trials_never_go_on_and_too_few_survivors_are_enough() -> None:
    best = itertools.count()

    def two(params: Mapping[str, Json]) -> float | None:
        return 1.0 if next(best) < 2 else None

    trials = sweep(NINE, two)

    assert all(
        trials[made.origin].state is TrialState.DONE
        for trial in trials
        if (made := trial.suggestion).origin is not None
    )
    assert shape(trials) == {(0, 0): 9, (0, 1): 2, (1, 0): 5, (2, 0): 3}


def test_a_sweep_of_failures_ends() -> None:
    trials = sweep(NINE, lambda _: None)

    assert shape(trials) == {(0, 0): 9, (1, 0): 5, (2, 0): 3}
    assert search.best(LOSS, trials) is None


def test_equal_values_go_by_number() -> None:
    trials = sweep(NINE, lambda _: 1.0, order=5)

    assert [trial.suggestion.origin for trial in trials if trial.suggestion.origin is not None] == [0, 1, 2, 9, 17]


def test_maximize_keeps_the_largest() -> None:
    up = replace(NINE, goal=replace(LOSS, maximize=True))
    trials = sweep(up, lambda params: float(params["x"]))  # type: ignore[arg-type]
    first = sorted(trials[:9], key=lambda trial: -trial.value)  # type: ignore[operator]

    assert trials[17].suggestion.origin == first[0].number


def test_a_small_space_has_small_rungs() -> None:
    trials = sweep(replace(NINE, space=(choice("y", "a", "b"),)), lambda _: 1.0)

    assert shape(trials) == {(0, 0): 2, (1, 0): 2, (2, 0): 2}
    assert search.most(replace(NINE, space=(choice("y", "a", "b"),))) == 6


def test_a_resource_below_eta_is_one_bracket_at_full() -> None:
    trials = sweep(replace(NINE, most=2), lambda _: 1.0)

    assert [(made.bracket, made.rung, made.params["epochs"]) for trial in trials if (made := trial.suggestion)] == [
        (0, 0, 2)
    ]


ASHA = replace(R81, asynchronous=True)


def test_asynchronous_rungs_promote_before_they_are_whole() -> None:
    first = search.suggest(ASHA, (), "s", 6)
    trials = [Trial(number, made, TrialState.DONE, float(number)) for number, made in enumerate(first)]
    trials[5] = replace(trials[5], state=TrialState.PENDING, value=None)

    more = search.suggest(ASHA, tuple(trials), "s", 2)

    assert [(made.origin, made.rung, made.params["epochs"]) for made in more] == [(0, 1, 3), (None, 0, 1)]


@pytest.mark.parametrize("order", range(5))
def test_an_asynchronous_sweep_is_never_idle_and_ends(order: int) -> None:
    trials = sweep(ASHA, loss, pending=8, order=order)
    sizes = shape(trials)
    failed = {trial.number for trial in trials if trial.state is TrialState.FAILED}

    assert [sizes[bracket, 0] for bracket in range(5)] == [81, 34, 15, 8, 5]
    assert search.most(ASHA) >= len(trials)  # type: ignore[operator]
    assert not failed & {trial.suggestion.origin for trial in trials}
    for (bracket, rung), size in sizes.items():
        if rung:
            assert size >= min(rungs.kept(ASHA, sizes[bracket, rung - 1]), 1)  # type: ignore[index, operator]
    origins = [trial.suggestion.origin for trial in trials if trial.suggestion.origin is not None]
    assert len(origins) == len(set(origins))


def test_asynchronous_failures_end_too() -> None:
    assert len(sweep(ASHA, lambda _: None, pending=8)) == 143


def test_nothing_is_suggested_without_room() -> None:
    assert search.suggest(NINE, (), "s", 0) == ()
    assert search.suggest(NINE, (Trial(0, Suggestion()),), "s", -1) == ()
