"""Values of each distribution: how many, which, from what chance (reference, section 13.2)."""

from __future__ import annotations

import json
import math

import pytest

from planner.model.search import Dimension
from planner.search import chance
from planner.search.points import points
from tests.planner.search.sweeps import choice, numbers, pchoice

pytestmark = pytest.mark.unit

FINITE = [
    pytest.param(choice("x", "a", "b", "a", 1, 1.0, True), ["a", "b", 1, True], id="equal values count once"),
    pytest.param(choice("x", [1, 2], {"a": 1}, [1, 2], None), [[1, 2], {"a": 1}, None], id="lists and mappings"),
    pytest.param(pchoice("x", ("a", 0.5), ("b", 0.0), ("c", 0.1)), ["a", "c"], id="probability zero is no value"),
    pytest.param(pchoice("x", ("a", 0.5), ("b", 0.5), ("c", 0.3)), ["a", "b"], id="nothing is left for the last"),
    pytest.param(numbers("x", "range", 1, 6, 2), [1.0, 3.0, 5.0], id="a range leaves out its end"),
    pytest.param(numbers("x", "range", 1, 7, 2, whole=True), [1, 3, 5], id="whole"),
    pytest.param(numbers("x", "range", 0, 2, 0.5, whole=True), [0, 1, 2], id="rounded values count once"),
    pytest.param(numbers("x", "range", 0.5, 4, 1, whole=True), [1, 2, 3, 4], id="halves are rounded up"),
    pytest.param(numbers("x", "range", 5, 5.5, 1), [5.0], id="a step past the end"),
    pytest.param(numbers("x", "range", 1e16, 1e16 + 4, 1), [1e16, 1e16 + 2, 1e16 + 4], id="steps too fine for floats"),
    pytest.param(numbers("x", "linspace", 0, 1, 5), [0, 0.25, 0.5, 0.75, 1], id="linspace has both ends"),
    pytest.param(
        numbers("x", "linspace", 0, 0.7, 8), [*[0.7 / 7 * step for step in range(7)], 0.7], id="its end is exact"
    ),
    pytest.param(numbers("x", "linspace", 3, 9, 1), [3], id="one point"),
    pytest.param(numbers("x", "linspace", -1.7e308, 1.7e308, 3), [-1.7e308, 0.0, 1.7e308], id="huge linspace"),
    pytest.param(numbers("x", "linspace", 0, 2, 9, whole=True), [0, 1, 2], id="whole linspace"),
    pytest.param(numbers("x", "logspace", -3, 0, 4), [0.001, 0.01, 0.1, 1.0], id="logspace of base 10"),
    pytest.param(numbers("x", "logspace", 0, 3, 4, 2, whole=True), [1, 2, 4, 8], id="base 2, whole"),
    pytest.param(numbers("x", "logspace", 0, 3, 4, 1), [1.0], id="base 1 has one value"),
    pytest.param(numbers("x", "logspace", 0, 1, 30, whole=True), list(range(1, 11)), id="rounded powers count once"),
    pytest.param(numbers("x", "geomspace", 1, 1000, 4), [1, 10, 100, 1000], id="geomspace"),
    pytest.param(numbers("x", "geomspace", -8, -1, 4), [-8, -4, -2, -1], id="geomspace below zero"),
    pytest.param(numbers("x", "geomspace", 1e-300, 1e300, 3), [1e-300, 1.0, 1e300], id="huge geomspace"),
    pytest.param(numbers("x", "geomspace", 5, 7, 1), [5.0], id="geomspace of one"),
    pytest.param(numbers("x", "daterange", 739943, 739948, 2), ["2026-11-23", "2026-11-25", "2026-11-27"], id="dates"),
    pytest.param(
        numbers("x", "datetimerange", 0, 7200, 3600), ["1970-01-01T00:00:00", "1970-01-01T01:00:00"], id="instants"
    ),
    pytest.param(
        numbers("x", "datetimerange", 0, 2, 1.5, offset=3600),
        ["1970-01-01T01:00:00+01:00", "1970-01-01T01:00:01.500000+01:00"],
        id="instants with an offset",
    ),
    pytest.param(numbers("x", "quniform", 0, 10, 3), [0, 3, 6, 9], id="quanta"),
    pytest.param(numbers("x", "quniform", 0, 9, 3), [0, 3, 6], id="the bound itself is never reached"),
    pytest.param(
        numbers("x", "quniform", 0, 1, 0.1), [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9], id="tidy quanta"
    ),
    pytest.param(numbers("x", "quniform", 1, 6, 4), [0, 4], id="rounded down, below the bound"),
    pytest.param(numbers("x", "quniform", 0, 1, 0.25, whole=True), [0, 1], id="whole quanta below 1"),
    pytest.param(numbers("x", "qloguniform", 0, math.log(9), 4), [0, 4, 8], id="logarithmic quanta"),
    pytest.param(numbers("x", "uniform", 2, 2), [2], id="both bounds alike"),
    pytest.param(numbers("x", "loguniform", 0, 0), [1.0], id="both logarithms alike"),
    pytest.param(numbers("x", "normal", 5, 0), [5], id="no deviation"),
    pytest.param(numbers("x", "qlognormal", math.log(10.5), 0, 4), [8], id="no deviation, quantised"),
    pytest.param(numbers("x", "uniform", 0.4, 3, whole=True), [0, 1, 2, 3], id="whole uniform"),
    pytest.param(numbers("x", "uniform", 0, 0.5, whole=True), [0], id="what is never reached is no value"),
]


def listed(dimension: Dimension) -> list[object]:
    found = points(dimension)
    assert found is not None
    return [found.at(index) for index in range(found.count)]


@pytest.mark.parametrize(("dimension", "expected"), FINITE)
def test_finite_dimensions_have_these_values(dimension: Dimension, expected: list[object]) -> None:
    assert json.dumps(listed(dimension)) == json.dumps(
        [
            float(value) if isinstance(shown, float) else value
            for value, shown in zip(expected, listed(dimension), strict=True)
        ]
    )


@pytest.mark.parametrize(("dimension", "expected"), FINITE)
def test_chance_finds_each_value_and_no_other(dimension: Dimension, expected: list[object]) -> None:
    found = [chance.value(dimension, step / 5_000) for step in range(5_000)]

    assert {json.dumps(value) for value in found} == {json.dumps(value) for value in listed(dimension)}


CONTINUOUS = [
    numbers("x", "uniform", -2, 3),
    numbers("x", "uniform", -1.7e308, 1.7e308),
    numbers("x", "loguniform", math.log(1e-5), 0),
    numbers("x", "loguniform", -1e308, 709),
    numbers("x", "normal", 10, 3),
    numbers("x", "normal", 1e308, 1e308),
    numbers("x", "lognormal", 0, 1),
    numbers("x", "lognormal", 700, 500),
    numbers("x", "normal", 0, 5, whole=True),
    numbers("x", "qnormal", 0, 10, 5),
    numbers("x", "qlognormal", 2, 1, 0.1),
    numbers("x", "quniform", 0, 1e308, 1e-300),
    numbers("x", "qloguniform", 0, 700, 2, whole=True),
    numbers("x", "loguniform", 0, 40, whole=True),
]


@pytest.mark.parametrize("dimension", CONTINUOUS, ids=lambda found: f"{found.kind}{found.numbers}{found.whole}")
def test_continuous_dimensions_give_finite_numbers_that_grow_with_the_share(dimension: Dimension) -> None:
    found = [chance.value(dimension, step / 1000) for step in range(1000)]

    assert points(dimension) is None
    assert all(isinstance(value, int if dimension.whole else float) and math.isfinite(value) for value in found)
    assert found == sorted(found)  # type: ignore[type-var]
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize(
    "dimension", [*CONTINUOUS, *(found.values[0] for found in FINITE)], ids=lambda found: f"{found}"
)
def test_the_place_of_a_value_gives_that_value(dimension: Dimension) -> None:
    for step in range(1, 50):
        chosen = chance.value(dimension, step / 50)
        place = chance.place(dimension, chosen)

        assert 0 <= place < 1
        again = chance.value(dimension, place)
        if isinstance(chosen, float):
            assert again == pytest.approx(chosen, rel=1e-6, abs=1e-6) or abs(place - step / 50) < 1e-6
        else:
            assert json.dumps(again) == json.dumps(chosen)


def test_bounds_of_log_kinds_are_logarithms() -> None:
    found = [chance.value(numbers("x", "loguniform", -2, 1), step / 100) for step in range(100)]

    assert found[0] == pytest.approx(math.exp(-2))
    assert found[50] == pytest.approx(math.exp(-0.5))


def test_weights_are_what_was_written_and_the_last_has_the_rest() -> None:
    dimension = pchoice("x", ("a", 0.2), ("b", 0.3), ("c", 0.1))
    found = [chance.value(dimension, step / 1000) for step in range(1000)]

    assert [found.count(value) for value in "abc"] == [200, 300, 500]


def test_a_value_of_an_older_space_has_a_place_too() -> None:
    assert chance.place(choice("x", "a", "b"), "gone") == 0.25
    assert chance.place(numbers("x", "uniform", 0, 1), "text") == 0.5
    assert chance.place(numbers("x", "uniform", 0, 1), 7) < 1
    assert chance.place(numbers("x", "range", 0, 1000, 1), 12.2) == pytest.approx(12.5 / 1000)
    assert chance.place(pchoice("x", ("a", 0.5), ("b", 0.5)), "gone") == 0.5
