"""Searches that learn (bayes, tpe, anneal): they get better, survive every kind of trial, and repeat nothing."""

from __future__ import annotations

import builtins
import json
import math
import statistics
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from planner import search
from planner.canon import Json
from planner.model.search import (
    BayesSearch,
    Dimension,
    Goal,
    HyperoptSearch,
    Kernel,
    Search,
    Suggestion,
    Trial,
    TrialState,
    Utility,
)
from tests.planner.search.sweeps import LOSS, MIXED, PLANE, choice, numbers, sweep, text

pytestmark = pytest.mark.unit

UP = Goal("score")
FINITE = (choice("a", "p", "q", None), numbers("b", "range", 0, 4, 1, whole=True))
WIDE = (
    *MIXED,
    numbers("log", "loguniform", math.log(1e-5), 0),
    numbers("quanta", "quniform", 0, 10, 2.5),
    numbers("bell", "normal", 0, 3),
    numbers("qbell", "qnormal", 0, 30, 10, whole=True),
    numbers("long", "lognormal", 0, 2),
    numbers("qlong", "qloguniform", 0, 5, 3),
)


def bayes(space: tuple[Dimension, ...], count: int = 20, **utility: Any) -> BayesSearch:
    return BayesSearch(space, 5, count - 5, LOSS, Utility(**utility))


def hyperopt(algorithm: Any, space: tuple[Dimension, ...], count: int = 40) -> HyperoptSearch:
    return HyperoptSearch(space, 4, count // 4, LOSS, algorithm)


def kinds(space: tuple[Dimension, ...], wide: tuple[Dimension, ...], count: int, few: int = 15) -> list[Any]:
    return [
        pytest.param(bayes(space, min(count, few)), id="bayes"),
        pytest.param(hyperopt("tpe", wide, count), id="tpe"),
        pytest.param(hyperopt("anneal", wide, count), id="anneal"),
        pytest.param(hyperopt("rand", wide, count), id="rand"),
    ]


def bowl(params: Mapping[str, Json]) -> float:
    return (float(params["x"]) - 1) ** 2 + (float(params["y"]) + 2) ** 2  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param(bayes(PLANE, 18), id="bayes"),
        pytest.param(bayes(PLANE, 18, function="ei"), id="bayes ei"),
        pytest.param(bayes(PLANE, 18, function="poi", eps=0.01), id="bayes poi"),
        pytest.param(bayes(PLANE, 18, kernel=Kernel("rbf", restarts=1)), id="bayes rbf"),
        pytest.param(hyperopt("tpe", PLANE, 60), id="tpe"),
        pytest.param(hyperopt("anneal", PLANE, 60), id="anneal"),
    ],
)
def test_a_search_learns_where_it_is_good(wanted: Search) -> None:
    values = [trial.value for trial in sweep(wanted, bowl)]

    assert statistics.median(values[-6:]) < 0.4 * statistics.median(values[:6])  # type: ignore[type-var, operator]


@pytest.mark.parametrize("wanted", kinds(PLANE, PLANE, 24))
def test_maximize_is_minimize_of_the_opposite(wanted: BayesSearch) -> None:
    down = sweep(wanted, bowl)
    up = sweep(replace(wanted, goal=UP), lambda params: -bowl(params))

    assert text([trial.suggestion for trial in up]) == text([trial.suggestion for trial in down])


@pytest.mark.parametrize("wanted", kinds(MIXED, WIDE, 24, few=9))
@pytest.mark.parametrize(
    "evaluate",
    [
        pytest.param(lambda _: None, id="all failed"),
        pytest.param(lambda _: 1.0, id="all equal"),
        pytest.param(lambda params: 1e308 * (float(params["rate"]) - 0.5) * 2, id="huge"),
        pytest.param(lambda params: 1e-320 * float(params["rate"]), id="tiny"),
        pytest.param(lambda params: float(params["rate"]) if params["rate"] > 0.5 else None, id="half failed"),
        pytest.param(lambda params: None if params["rate"] > 0.1 else 5.0, id="nearly all failed"),
        pytest.param(lambda params: 1e9 + 1e-3 * float(params["rate"]), id="all but equal"),
    ],
)
def test_whatever_trials_come_to_the_sweep_goes_on_and_repeats_nothing(wanted: Search, evaluate: Any) -> None:
    trials = sweep(wanted, evaluate)
    found = text([trial.suggestion for trial in trials])

    assert len(found) == search.most(wanted) == len(set(found))
    assert all(json.loads(json.dumps(dict(trial.suggestion.params), allow_nan=False)) for trial in trials)


@pytest.mark.parametrize("pending", [1, 5, 100])
@pytest.mark.parametrize("wanted", kinds(FINITE, FINITE, 1000))
def test_a_finite_space_is_tried_once_and_ends(wanted: Search, pending: int) -> None:
    wanted = replace(wanted, iterations=200)  # type: ignore[call-arg]
    trials = sweep(wanted, lambda params: float(params["b"]), pending=pending)  # type: ignore[arg-type]

    assert len(set(text([trial.suggestion for trial in trials]))) == len(trials) == 12 == search.most(wanted)


@pytest.mark.parametrize("wanted", kinds((choice("a", "only"),), (choice("a", "only"),), 12))
def test_a_space_of_one_point_has_one_trial(wanted: Search) -> None:
    assert len(sweep(wanted, lambda _: 1.0)) == 1


@pytest.mark.parametrize("wanted", kinds(MIXED, WIDE, 24))
def test_a_suggestion_follows_from_the_trials_alone(wanted: Search) -> None:
    trials = sweep(wanted, lambda params: float(params["rate"]))[:14]  # type: ignore[arg-type]
    trials[11] = replace(trials[11], state=TrialState.PENDING, value=None)
    trials[13] = replace(trials[13], state=TrialState.FAILED, value=None)

    once = search.suggest(wanted, tuple(trials), "s", 3)
    one = [search.suggest(wanted, (*trials, *opened(14, once[:count])), "s", 1)[0] for count in range(len(once))]

    assert text(once) == text(search.suggest(wanted, list(trials), "s", 3)) == text(one)
    assert text(once) != text(search.suggest(wanted, tuple(trials), "other", 3))


def opened(first: int, found: tuple[Suggestion, ...]) -> list[Trial]:
    return [Trial(first + index, made) for index, made in enumerate(found)]


@pytest.mark.parametrize("wanted", kinds(PLANE, PLANE, 40))
def test_pending_trials_are_spread(wanted: Search) -> None:
    trials = sweep(wanted, bowl)[:12]
    found = search.suggest(replace(wanted, iterations=60), trials, "s", 6)  # type: ignore[call-arg]

    points = {tuple(made.params.values()) for made in found}
    assert len(points) == len(found)


def test_more_iterations_go_on_where_fewer_ended() -> None:
    few = sweep(hyperopt("tpe", PLANE, 24), bowl)
    more = sweep(hyperopt("tpe", PLANE, 32), bowl)

    assert text([trial.suggestion for trial in more])[:24] == text([trial.suggestion for trial in few])


@pytest.mark.parametrize("wanted", kinds(PLANE, PLANE, 24))
def test_trials_of_an_older_space_do_not_stop_a_search(wanted: Search) -> None:
    old = [Trial(number, Suggestion({"x": "gone", "z": 1}), TrialState.DONE, float(number)) for number in range(11)]

    assert len(search.suggest(wanted, old, "s", 1)) == 1


@pytest.mark.parametrize("wanted", kinds(PLANE, PLANE, 24))
def test_hundreds_of_values_without_an_order_are_no_hundreds_of_lengths(wanted: Search) -> None:
    space = (choice("name", *(f"v{index}" for index in range(300))), numbers("x", "uniform", 0, 1))
    trials = sweep(replace(wanted, space=space), lambda params: float(params["x"]))[:8]  # type: ignore[call-arg, arg-type]

    assert len(search.suggest(replace(wanted, space=space), trials, "s", 2)) == 2  # type: ignore[call-arg]


def test_width_and_what_takes_long() -> None:
    wanted, trials = bayes(PLANE), opened(0, (Suggestion(),) * 5)

    assert [search.width(wanted, ()), search.width(wanted, trials[:4]), search.width(wanted, trials)] == [5, 5, 1]
    assert search.width(hyperopt("tpe", PLANE), ()) == 4
    assert [search.takes_long(hyperopt(name, PLANE)) for name in ("tpe", "anneal", "rand")] == [True, False, False]
    assert search.takes_long(wanted)


@pytest.mark.parametrize(("wanted", "word"), [(bayes(PLANE), "bayes"), (hyperopt("tpe", PLANE), "hyperopt: tpe")])
def test_without_its_libraries_a_search_says_what_to_install(
    wanted: Search, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trials = [Trial(number, Suggestion({"x": number, "y": 0}), TrialState.DONE, 1.0 * number) for number in range(12)]
    real = builtins.__import__

    def missing(name: str, *given: Any, **more: Any) -> Any:
        if name.partition(".")[0] in {"numpy", "scipy", "sklearn"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *given, **more)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(search.SearchUnavailable, match=rf"^{word} needs the extra `search`: pip install"):
        search.suggest(wanted, trials, "s", 1)


def test_importing_the_searches_loads_no_library() -> None:
    code = "import sys, planner.search; print(sorted({'numpy', 'scipy', 'sklearn'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
