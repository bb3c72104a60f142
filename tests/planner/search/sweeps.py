"""Sweeps of tests: spaces in short, and worlds that run trials in an order of their own."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from planner import search
from planner.canon import Json
from planner.model.search import Dimension, Goal, Search, Suggestion, Trial, TrialState

LOSS = Goal("loss", maximize=False)
Evaluate = Callable[[Mapping[str, Json]], float | None]


def choice(name: str, *values: Json) -> Dimension:
    return Dimension(name, "choice", values=values)


def numbers(name: str, kind: str, *given: float, whole: bool = False, offset: int | None = None) -> Dimension:
    return Dimension(name, kind, numbers=tuple(given), whole=whole, offset=offset)


def pchoice(name: str, *pairs: tuple[Json, float]) -> Dimension:
    values, weights = zip(*pairs, strict=True)
    return Dimension(name, "pchoice", values=values, weights=weights)


PLANE = (numbers("x", "uniform", -5, 5), numbers("y", "uniform", -5, 5))
MIXED = (
    choice("model", "tree", "forest", [1, 2]),
    numbers("depth", "range", 1, 9, 2, whole=True),
    numbers("rate", "uniform", 0, 1),
    numbers("size", "geomspace", 1, 1000, 4),
    numbers("constant", "uniform", 3, 3),
)


def text(suggestions: Sequence[Suggestion]) -> list[str]:
    return [json.dumps(dict(found.params), sort_keys=True) for found in suggestions]


def ended(trial: Trial, evaluate: Evaluate) -> Trial:
    value = evaluate(trial.suggestion.params)
    if value is None:
        return replace(trial, state=TrialState.FAILED)
    return replace(trial, state=TrialState.DONE, value=value)


def sweep(
    wanted: Search, evaluate: Evaluate, seed: str = "s", pending: int | None = None, order: int | None = None
) -> list[Trial]:
    """All trials of a sweep, at most `pending` at work; which one ends next is drawn from `order`, else the first."""
    chance, trials = random.Random(order), []  # type: ignore[var-annotated]
    while True:
        at_work = [trial for trial in trials if trial.state is TrialState.PENDING]
        limit = pending if pending is not None else search.width(wanted, trials) or 10_000
        room = limit - len(at_work)
        if order is not None and room > 0:
            room = chance.randint(0 if at_work else 1, room)
        found = search.suggest(wanted, tuple(trials), seed, room)
        assert len(found) <= max(room, 0)
        trials += [Trial(len(trials) + index, suggestion) for index, suggestion in enumerate(found)]
        at_work = [trial for trial in trials if trial.state is TrialState.PENDING]
        if not at_work:
            return trials
        trial = at_work[0] if order is None else chance.choice(at_work)
        trials[trial.number] = ended(trial, evaluate)
