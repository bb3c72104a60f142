"""The parts of `bayes`: what a point promises, where it is looked for, and what pending trials are taken for."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from planner import search
from planner.model.search import BayesSearch, Kernel, Space, Suggestion, Trial, TrialState, Utility
from planner.search import acquisition, candidates, draws, features, gaussian
from tests.planner.search.sweeps import LOSS, MIXED, PLANE, numbers, sweep

pytestmark = pytest.mark.unit

SPACE = (*MIXED, numbers("layers", "uniform", 1, 4, whole=True))


def chance(word: str, count: int) -> list[float]:
    return draws.units(count, "s", word)


def improvement(mean: float, deviation: float, best: float) -> float:
    found, _ = quad(lambda z: max(mean + deviation * z - best, 0) * norm.pdf(z), -12, 12, points=[(best - mean)])
    return float(found)


@pytest.mark.parametrize(("mean", "deviation"), [(0.0, 1.0), (1.5, 0.3), (-2.0, 1.0), (0.2, 2.0)])
def test_what_is_expected_is_the_mean_over_all_outcomes(mean: float, deviation: float) -> None:
    means, deviations, bests = np.array([[mean, mean - 1]]), np.array([deviation]), np.array([0.5, -0.5])
    (found,) = acquisition.worth(Utility("ei"), means, deviations, bests)
    (chances,) = acquisition.worth(Utility("poi"), means, deviations, bests)

    expected = [improvement(mean, deviation, 0.5), improvement(mean - 1, deviation, -0.5)]
    better = [norm.sf(0.5, mean, deviation), norm.sf(-0.5, mean - 1, deviation)]
    assert math.exp(found) == pytest.approx(sum(expected) / 2, rel=1e-6)
    assert math.exp(chances) == pytest.approx(sum(better) / 2, rel=1e-9)


@pytest.mark.parametrize("function", ["ei", "poi"])
def test_what_is_hopeless_still_has_an_order(function: str) -> None:
    """Far below the best, where the functions themselves are 0 as numbers."""
    means = -np.array([[40.0], [60.0], [3000.0], [1e5]])
    found = acquisition.worth(Utility(function), means, np.ones(4), np.zeros(1))  # type: ignore[arg-type]

    assert np.all(np.isfinite(found))
    assert np.all(np.diff(found) < 0)


def test_rows_by_chance_are_those_of_points() -> None:
    encoded = features.of(SPACE)
    rows = candidates.by_chance(encoded, 200, chance)

    again = np.array([encoded.row(encoded.params(list(row))) for row in rows])
    np.testing.assert_allclose(again, rows, atol=1e-12)
    np.testing.assert_allclose(encoded.snapped(rows), rows, atol=1e-12)
    seen = {name: {str(encoded.params(list(row))[name]) for row in rows} for name in ("model", "depth", "layers")}
    assert {name: len(values) for name, values in seen.items()} == {"model": 3, "depth": 4, "layers": 4}


@pytest.mark.parametrize(("space", "least"), [(PLANE, 1.0), (SPACE, 0.6)])
def test_what_is_around_a_point_is_a_point_and_not_that_one(space: Space, least: float) -> None:
    """Of few values in order the same one may be nearest still."""
    encoded = features.of(space)
    centres = candidates.by_chance(encoded, 3, chance)
    rows = candidates.around(encoded, centres, 50, chance)

    np.testing.assert_allclose(encoded.snapped(rows), rows, atol=1e-12)
    moved = np.abs(rows - np.repeat(centres, 50, axis=0))
    assert np.mean(moved.max(axis=1) > 0) >= least
    assert np.median(moved[:, encoded.width - 1]) < 0.1


@pytest.mark.parametrize("width", [1, 3, 20, 70])
def test_beliefs_have_the_slope_that_they_say(width: int) -> None:
    start = np.linspace(-1, 1, width + 2)
    believed = gaussian._beliefs(start)
    at = start + 0.3 * np.cos(np.arange(width + 2))

    _, slope = believed(at)
    steps = 1e-6 * np.eye(width + 2)
    numeric = [(believed(at + step)[0] - believed(at - step)[0]) / 2e-6 for step in steps]
    np.testing.assert_allclose(slope, numeric, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kernel", [Kernel(), Kernel("rbf"), Kernel(nu=2.5, restarts=2)])
def test_a_model_knows_what_it_was_told_and_doubts_elsewhere(kernel: Kernel) -> None:
    rows = np.linspace(0, 1, 12)[:, None]
    model = gaussian.fitted(kernel, rows, np.sin(6 * rows[:, 0]), chance)
    means, deviation = model.predicted(np.array([[0.5], [3.0]]))

    assert means[0, 0] == pytest.approx(math.sin(3), abs=0.05)
    assert deviation[0] < 0.1 < deviation[1]


def test_outcomes_of_pending_trials_are_as_wide_as_the_doubt_and_leave_none() -> None:
    rows = np.linspace(0, 0.5, 8)[:, None]
    model = gaussian.fitted(Kernel(nu=2.5), rows, np.sin(6 * rows[:, 0]), chance)
    pending = np.array([[0.9], [0.9001]])
    before = model.predicted(pending)
    supposed = model.supposing(pending, chance)
    means, deviation = supposed.predicted(pending)

    assert means.shape == (2, gaussian._OUTCOMES)
    assert 0.5 < means[0].std() / before[1][0] < 2
    assert abs(means[0].mean() - before[0][0, 0]) < before[1][0]
    np.testing.assert_allclose(means[0], means[1], atol=0.05)  # they are as good as one point
    assert deviation.max() < 0.2 * before[1].max()


def test_matrices_that_rounding_has_spoilt_are_factored_and_others_refused() -> None:
    alike = np.ones((3, 3))
    factor = gaussian._factor(alike)
    np.testing.assert_allclose(factor @ factor.T, alike, atol=1e-6)
    with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
        gaussian._factor(-alike)


def test_a_batch_does_not_crowd_around_one_point() -> None:
    """Eight at once, all suggested before any of them is over."""
    wanted = BayesSearch(PLANE, 12, 20, LOSS)
    tried = sweep(wanted, lambda params: (float(params["x"]) - 1) ** 2 + float(params["y"]) ** 2)[:12]  # type: ignore[arg-type]
    batch = [(float(one.params["x"]), float(one.params["y"])) for one in search.suggest(wanted, tried, "s", 8)]  # type: ignore[arg-type]

    nearest = [math.dist(one, other) for one, other in itertools.combinations(batch, 2)]
    assert len(batch) == 8
    assert sum(apart < 0.2 for apart in nearest) <= 2


def test_everything_pending_is_no_reason_to_stop() -> None:
    wanted = BayesSearch(PLANE, 3, 40, LOSS)
    values = [3.0, 2.0, None]
    tried = [
        Trial(
            number, Suggestion({"x": number, "y": number / 2}), TrialState.DONE if value else TrialState.FAILED, value
        )
        for number, value in enumerate(values)
    ]
    found = search.suggest(wanted, tried, "s", 40)

    assert len({tuple(one.params.values()) for one in found}) == 40
