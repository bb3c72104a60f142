"""Bayesian optimisation: each trial where a Gaussian process of those before promises most (reference, section 13.4).

The first trials are by chance. A failed trial counts as bad as the worst one seen, so that the search does not return
to where things fail. A pending trial counts as what the model expects of it. The point of the greatest worth is
looked for among points by chance and around the best ones; from the best of these a gradient is climbed in the
continuous features.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from planner.canon import Json
from planner.model.search import BayesSearch, Suggestion, Trial, TrialState
from planner.search import acquisition, draws, features, gaussian, ranking, spaces, unlike
from planner.search.features import Features
from planner.search.gaussian import Model
from planner.search.spaces import Params

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

__all__ = ["suggest"]

_LEAST = 2
"""Trials with a value, before which a model says nothing."""
_ANYWHERE, _NEAR = 400, 40
"""Points by chance, and around each of the best."""
_BEST = 5
_STEP = 1e-6
_CLIMB = 20


@dataclass(frozen=True, slots=True)
class _View:
    """What a suggestion is made from."""

    search: BayesSearch
    features: Features
    model: Model
    best: float
    path: tuple[str, int]

    def unit(self, word: str, count: int, *more: str | int) -> float:
        seed, number = self.path
        return draws.unit(seed, "bayes", number, word, count, *more)

    def worth(self, rows: Floats) -> Floats:
        mean, deviation = self.model.predicted(rows)
        return acquisition.worth(self.search.utility, mean, deviation, self.best)


def suggest(search: BayesSearch, trials: Sequence[Trial], seed: str, room: int) -> tuple[Suggestion, ...]:
    """At most `room` suggestions after `trials`; each counts as pending for the next."""
    held = list(trials)
    for _ in range(min(room, search.initial + search.iterations - len(trials))):
        params = _one(search, held, seed)
        if params is None:
            break
        held.append(Trial(len(held), Suggestion(params)))
    return tuple(trial.suggestion for trial in held[len(trials) :])


def _one(search: BayesSearch, held: Sequence[Trial], seed: str) -> dict[str, Json] | None:
    taken = [trial.suggestion.params for trial in held]
    if len(held) < search.initial or len(ranking.ranked(search.goal, held)) < _LEAST:
        return next(unlike.points(search.space, taken, seed, 1), None)
    found = _promising(_view(search, held, (seed, len(held))), taken)
    return found or unlike.another(search.space, taken, f"{seed}/else", len(held))


def _view(search: BayesSearch, held: Sequence[Trial], path: tuple[str, int]) -> _View:
    import numpy as np

    encoded = features.of(search.space)
    over = [trial for trial in held if trial.state is not TrialState.PENDING]
    known = [ranking.loss(search.goal, trial) for trial in over]
    worst = max(loss for loss in known if loss is not None)
    scores = gaussian.evened([worst if loss is None else loss for loss in known])
    rows = np.array([encoded.row(trial.suggestion.params) for trial in over])
    model = gaussian.fitted(search.utility.kernel, rows, scores, lambda word, count: draws.unit(path[0], word, count))
    pending = [encoded.row(trial.suggestion.params) for trial in held if trial.state is TrialState.PENDING]
    return _View(search, encoded, model.believing(np.array(pending)), float(scores.max()), path)


def _promising(view: _View, taken: Sequence[Params]) -> dict[str, Json] | None:
    """The point of the greatest worth that is not taken."""
    import numpy as np

    rows = np.array([view.features.row(params) for params in _candidates(view, taken)])
    order = np.argsort(-view.worth(rows), kind="stable")
    climbed = [_climbed(view, rows[index]) for index in order[: view.search.utility.iterations]]
    points = [view.features.params(list(row)) for row in [*climbed, *rows[order]]]
    seen = spaces.keys(part := spaces.wide(view.search.space), taken)
    free = [params for params in points if spaces.key(part, params) not in seen]
    if not free:
        return None
    worth = view.worth(np.array([view.features.row(params) for params in free]))
    return free[int(np.argmax(worth))]


def _candidates(view: _View, taken: Sequence[Params]) -> list[dict[str, Json]]:
    """Points by chance, and points that have something of the best ones."""
    space = view.search.space
    count = max(_ANYWHERE, view.search.utility.warmup)
    found = [spaces.point(space, view.path[0], "bayes", view.path[1], index) for index in range(count)]
    return found + _around(view, taken)


def _around(view: _View, taken: Sequence[Params]) -> list[dict[str, Json]]:
    import numpy as np

    rows = np.array([view.features.row(params) for params in taken])
    mean, _ = view.model.predicted(rows)
    best = np.argsort(-mean, kind="stable")[:_BEST]
    return [
        _changed(view, rows[index], place * _NEAR + turn) for place, index in enumerate(best) for turn in range(_NEAR)
    ]


def _changed(view: _View, row: Floats, turn: int) -> dict[str, Json]:
    """A point near another: some of its dimensions a little elsewhere, the more turns the nearer."""
    near = list(row)
    width = 0.3 * 10 ** (-2.5 * view.unit("width", turn))
    some = max(1.0 / len(view.features.parts), view.unit("some", turn))
    for part in view.features.parts:
        if view.unit("which", turn, part.first) >= some:
            continue
        share = view.unit("where", turn, part.first)
        if part.unordered:
            near[part.first : part.first + part.width] = [0.0] * part.width
            near[part.first + min(int(share * part.width), part.width - 1)] = 1.0
        else:
            near[part.first] = min(max(near[part.first] + width * (2 * share - 1), 0.0), 1.0)
    return view.features.params(near)


def _climbed(view: _View, row: Floats) -> Floats:
    """Where the worth is greatest near a row, in the features that are continuous."""
    import numpy as np
    from scipy.optimize import minimize

    free = [part.first for part in view.features.parts if part.values is None]
    if not free:
        return row
    steps = np.zeros((len(free) + 1, len(row)))
    for index, column in enumerate(free):
        steps[index + 1, column] = _STEP

    def goal(at: Floats) -> tuple[float, Floats]:
        rows = np.tile(row, (len(free) + 1, 1))
        rows[:, free] = at
        found = -view.worth(rows + steps)
        return float(found[0]), (found[1:] - found[0]) / _STEP

    bounds = [(0.0, 1.0)] * len(free)
    result = minimize(goal, row[free], jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": _CLIMB})
    climbed = row.copy()
    climbed[free] = np.clip(result.x, 0.0, 1.0)
    return climbed
