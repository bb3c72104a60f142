"""TPE, the tree-structured Parzen estimator (Bergstra et al. 2011), with joint kernels (Falkner et al. 2018).

The best tenth of what is over makes one density, the rest another. Of points drawn from the first, the one at which
the first is largest against the second is suggested. A pending trial counts among the rest, so that nobody else is
sent to where it is; so does a failed one, so that the search keeps away from where things fail. Until enough are
over, points are by chance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from planner.canon import Json
from planner.model.search import HyperoptSearch, Suggestion, Trial
from planner.search import draws, parzen, ranking, spaces, unlike

__all__ = ["suggest"]

_START = 10
"""Trials that must have a value first."""
_GOOD, _MOST_GOOD = 0.1, 25
"""The share of trials that counts as good, and how many do at most."""
_CANDIDATES = 24


def suggest(search: HyperoptSearch, trials: Sequence[Trial], seed: str, room: int) -> tuple[Suggestion, ...]:
    """At most `room` suggestions after `trials`; each counts as pending for the next."""
    held = list(trials)
    axes = parzen.axes(search.space)
    rows = [_row(axes, trial) for trial in held]
    for _ in range(min(room, search.runs * search.iterations - len(trials))):
        params = _one(search, axes, held, (rows, seed))
        if params is None:
            break
        held.append(Trial(len(held), Suggestion(params)))
        rows.append(_row(axes, held[-1]))
    return tuple(trial.suggestion for trial in held[len(trials) :])


def _row(axes: Sequence[parzen.Axis], trial: Trial) -> list[float]:
    return [axis.place(trial.suggestion.params.get(axis.dimension.name)) for axis in axes]


def _one(
    search: HyperoptSearch, axes: tuple[parzen.Axis, ...], held: Sequence[Trial], known: tuple[list[list[float]], str]
) -> dict[str, Json] | None:
    rows, seed = known
    taken = [trial.suggestion.params for trial in held]
    ranked = ranking.ranked(search.goal, held)
    if len(ranked) < _START:
        return next(unlike.points(search.space, taken, seed, 1), None)
    best = {trial.number for trial in ranked[: min(math.ceil(_GOOD * len(ranked)), _MOST_GOOD)]}
    good = parzen.density(axes, [rows[number] for number in sorted(best)])
    rest = parzen.density(axes, [row for number, row in enumerate(rows) if number not in best])
    number = len(held)
    places = parzen.sampled(good, lambda word, row: draws.unit(seed, "tpe", number, word, row), _CANDIDATES)
    score = good.logs(places) - rest.logs(places)
    seen = spaces.keys(part := spaces.wide(search.space), taken)
    for row in sorted(range(len(places)), key=lambda row: (-float(score[row]), row)):
        params = {axis.dimension.name: axis.value(float(at)) for axis, at in zip(axes, places[row], strict=True)}
        if spaces.key(part, params) not in seen:
            return params
    return unlike.another(search.space, taken, f"{seed}/else", number)
