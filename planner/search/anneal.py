"""Annealing as hyperopt does it: near one of the best trials so far, and the nearer the more there are.

For each dimension a trial is drawn, mostly the best, and a value around its own: from a part of the distribution that
is 1 / (1 + n / 10) of it after n trials. Pending and failed trials are no place to go to; their points are not
suggested again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from planner.canon import Json
from planner.model.search import HyperoptSearch, Suggestion, Trial
from planner.search import draws, parzen, ranking, spaces, unlike
from planner.search.parzen import Axis

__all__ = ["suggest"]

_PLACE = 2.0
"""The mean rank of the trial that is drawn, the best being 1."""
_SHRINKS = 0.1
_DRAWS = 20


def suggest(search: HyperoptSearch, trials: Sequence[Trial], seed: str, room: int) -> tuple[Suggestion, ...]:
    """At most `room` suggestions after `trials`; each counts as pending for the next."""
    taken = [trial.suggestion.params for trial in trials]
    ranked = ranking.ranked(search.goal, trials)
    axes = parzen.axes(search.space)
    found: list[Suggestion] = []
    for number in range(len(trials), min(len(trials) + room, search.runs * search.iterations)):
        if ranked:
            params = _near(search, (axes, ranked), taken, (seed, number))
        else:
            params = next(unlike.points(search.space, taken, seed, 1), None)
        if params is None:
            break
        taken.append(params)
        found.append(Suggestion(params))
    return tuple(found)


def _near(
    search: HyperoptSearch,
    known: tuple[Sequence[Axis], Sequence[Trial]],
    taken: Sequence[spaces.Params],
    path: tuple[str, int],
) -> dict[str, Json] | None:
    axes, ranked = known
    seed, number = path
    part = spaces.wide(search.space)
    seen = spaces.keys(part, taken)
    for turn in range(_DRAWS):
        params = {axis.dimension.name: _value(axis, ranked, (seed, number, turn)) for axis in axes}
        if spaces.key(part, params) not in seen:
            return params
    return unlike.another(search.space, taken, f"{seed}/else", number)


def _value(axis: Axis, ranked: Sequence[Trial], path: tuple[str, int, int]) -> Json:
    seed, number, turn = path
    name = axis.dimension.name
    rank = _geometric(draws.unit(seed, "anneal", name, number, turn, "rank"))
    center = axis.place(ranked[min(rank, len(ranked) - 1)].suggestion.params.get(name))
    width = 1 / (1 + _SHRINKS * len(ranked))
    share = draws.unit(seed, "anneal", name, number, turn)
    if not axis.prior:
        low = min(max(center - width / 2, 0.0), 1 - width)
        return axis.value(min(low + width * share, 1 - 2.0**-53))
    if share >= width:
        return axis.value(center)
    return axis.value(parzen.cell(axis.prior, share / width))


def _geometric(share: float) -> int:
    """A rank from 0 on, of which the mean is `_PLACE` - 1."""
    return int(math.log1p(-share) / math.log1p(-1 / _PLACE))
