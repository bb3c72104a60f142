"""Mappings, grids and chance: what is tried, whatever the order and the room."""

from __future__ import annotations

import math

import pytest

from planner import search
from planner.model.search import GridSearch, MappingSearch, RandomSearch, Suggestion, Trial
from planner.search import draws
from tests.planner.search.sweeps import choice, numbers, pchoice, sweep, text

pytestmark = pytest.mark.unit

GRID = (choice("model", "tree", "forest"), numbers("depth", "range", 2, 8, 2, whole=True))


def trials(suggestions: tuple[Suggestion, ...]) -> tuple[Trial, ...]:
    return tuple(Trial(number, suggestion) for number, suggestion in enumerate(suggestions))


def test_a_mapping_has_a_trial_for_each_entry_equal_ones_too() -> None:
    wanted = MappingSearch(({"a": 1}, {"a": 2}, {"a": 1}))

    assert [dict(found.params) for found in search.suggest(wanted, (), "s", 9)] == [{"a": 1}, {"a": 2}, {"a": 1}]
    assert search.most(wanted) == 3


def test_a_grid_changes_the_last_param_first() -> None:
    found = search.suggest(GridSearch(GRID), (), "s", 99)

    assert [(trial.params["model"], trial.params["depth"]) for trial in found] == [
        ("tree", 2), ("tree", 4), ("tree", 6), ("forest", 2), ("forest", 4), ("forest", 6)
    ]  # fmt: skip
    assert search.most(GridSearch(GRID)) == 6


def test_a_limit_cuts_a_grid_and_a_larger_one_goes_on() -> None:
    four, five = GridSearch(GRID, 4), GridSearch(GRID, 5)
    found = search.suggest(four, (), "s", 99)

    assert search.most(four) == len(found) == 4
    assert search.suggest(four, trials(found), "s", 99) == ()
    assert text(search.suggest(five, trials(found), "s", 99)) == text(search.suggest(GridSearch(GRID), (), "s", 5))[4:]


def test_equal_values_of_a_grid_count_once() -> None:
    wanted = GridSearch((choice("x", 1, 1, 1.0, 2), choice("y", "a", "a")))

    assert [dict(found.params) for found in search.suggest(wanted, (), "s", 99)] == [
        {"x": 1, "y": "a"},
        {"x": 2, "y": "a"},
    ]
    assert search.most(wanted) == 2


def test_the_end_of_a_huge_grid_is_as_near_as_its_beginning() -> None:
    wanted = GridSearch(tuple(numbers(name, "range", 0, 10**6, 1, whole=True) for name in "abcdefgh"))
    opened = tuple(Trial(number, Suggestion()) for number in range(123))

    assert search.most(wanted) == 10**48
    assert dict(search.suggest(wanted, opened, "s", 1)[0].params) == {**dict.fromkeys("abcdefg", 0), "h": 123}


def test_a_grid_refuses_what_is_continuous() -> None:
    with pytest.raises(ValueError, match="continuous"):
        search.most(GridSearch((numbers("x", "uniform", 0, 1),)))


SPACES = [
    pytest.param(GRID, 6, id="all alike"),
    pytest.param((choice("x", "a"),), 1, id="one point"),
    pytest.param((), 1, id="no params"),
    pytest.param((choice("x", "a", "a", "a"), choice("y", 1, 1.0, True)), 2, id="equal values listed twice"),
    pytest.param((pchoice("x", ("a", 0.999999999), ("b", 0.0), ("c", 0.0)), choice("y", 1, 2)), 4, id="weights"),
    pytest.param((numbers("x", "quniform", 0, 10, 5), numbers("y", "uniform", 0, 3, whole=True)), 8, id="quanta"),
    pytest.param((numbers("x", "uniform", 4, 4), numbers("y", "normal", 1, 0)), 1, id="constants"),
]


@pytest.mark.parametrize(("space", "size"), SPACES)
def test_chance_tries_a_finite_space_once_and_ends(space: tuple, size: int) -> None:
    wanted = RandomSearch(space, 1000)
    found = sweep(wanted, lambda _: 1.0)

    assert search.most(wanted) == size == len(found) == len(set(text([trial.suggestion for trial in found])))


CONTINUOUS = [
    pytest.param((numbers("x", "uniform", 0, 1), choice("y", "a", "b")), id="uniform"),
    pytest.param((numbers("x", "uniform", -1e308, 1e308), numbers("y", "loguniform", -5, 2)), id="huge"),
    pytest.param((numbers("x", "qnormal", 0, 1e6, 1), choice("y", "a")), id="quanta of a bell"),
    pytest.param((numbers("x", "loguniform", 0, 30, whole=True),), id="whole logarithms"),
]


@pytest.mark.parametrize("space", [found.values[0] for found in (*CONTINUOUS, *SPACES[:5])])
def test_chance_gives_the_same_points_in_any_order_and_room(space: tuple) -> None:
    wanted = RandomSearch(space, 40)
    expected = text(search.suggest(wanted, (), "seed", 40))

    assert len(set(expected)) == len(expected) == search.most(wanted)
    for order in range(3):
        assert text([trial.suggestion for trial in sweep(wanted, lambda _: None, "seed", 7, order)]) == expected


@pytest.mark.parametrize("space", CONTINUOUS)
def test_more_runs_go_on_where_fewer_ended(space: tuple) -> None:
    twelve = search.suggest(RandomSearch(space, 12), (), "seed", 99)
    more = search.suggest(RandomSearch(space, 18), trials(twelve), "seed", 99)

    assert text((*twelve, *more)) == text(search.suggest(RandomSearch(space, 18), (), "seed", 99))
    assert text(twelve) != text(search.suggest(RandomSearch(space, 12), (), "other", 99))


def test_a_bell_with_few_quanta_ends_when_nothing_else_comes() -> None:
    found = sweep(RandomSearch((numbers("x", "qnormal", 0, 1, 100),), 50), lambda _: 1.0)

    assert sorted(trial.suggestion.params["x"] for trial in found) == [-100, 0]  # type: ignore[type-var]


def test_these_points_are_a_contract() -> None:
    # Extending a sweep after an update of the daemon must go on with the same points: they may never change.
    space = (
        numbers("lr", "loguniform", math.log(1e-5), 0),
        choice("model", "a", "b", "c"),
        numbers("d", "normal", 0, 1),
    )

    assert [dict(found.params) for found in search.suggest(RandomSearch(space, 2), (), "seed", 9)] == CONTRACT
    assert [draws.permuted("seed", index, 10) for index in range(10)] == ORDER


CONTRACT = [
    {"lr": 0.04948292237903, "model": "c", "d": 0.1916971021042},
    {"lr": 7.732984254206e-05, "model": "b", "d": -1.463836926489},
]
ORDER = [3, 8, 2, 1, 6, 5, 7, 0, 9, 4]


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 16, 17, 100, 257])
def test_an_order_by_chance_has_each_number_once(size: int) -> None:
    assert sorted(draws.permuted("s", index, size) for index in range(size)) == list(range(size))


def test_the_order_of_a_space_beyond_all_integers_of_machines_is_known_too() -> None:
    size = 10**240

    assert len({draws.permuted("s", index, size) for index in range(100)}) == 100
    assert all(0 <= draws.permuted("s", index, size) < size for index in range(100))
