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
from planner.search import acquisition, candidates, draws, features, gaussian, ranking, spaces, unlike
from planner.search.candidates import Chance
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


@dataclass(frozen=True, slots=True)
class _View:
    """What a suggestion is made from."""

    search: BayesSearch
    features: Features
    model: Model
    chance: Chance

    def worth(self, rows: Floats) -> Floats:
        means, deviation = self.model.predicted(rows)
        return acquisition.worth(self.search.utility, means, deviation, self.model.scores.max(axis=0))


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
    pending = [encoded.row(trial.suggestion.params) for trial in held if trial.state is TrialState.PENDING]

    def chance(word: str, count: int) -> list[float]:
        return draws.units(count, path[0], "bayes", path[1], word)

    model = gaussian.fitted(search.utility.kernel, rows, scores, chance).supposing(np.array(pending), chance)
    return _View(search, encoded, model, chance)


def _promising(view: _View, taken: Sequence[Params]) -> dict[str, Json] | None:
    """The point of the greatest worth that is not taken."""
    import numpy as np

    anywhere, near = _candidates(view, taken)
    rows = np.vstack([anywhere, near, view.features.snapped(_climbs(view, anywhere, near))])
    seen = spaces.keys(part := spaces.wide(view.search.space), taken)
    for index in np.argsort(-view.worth(rows), kind="stable"):
        params = view.features.params(list(rows[index]))
        if spaces.key(part, params) not in seen:
            return params
    return None


def _candidates(view: _View, taken: Sequence[Params]) -> tuple[Floats, Floats]:
    """Points by chance, and points that have something of the best ones."""
    import numpy as np

    tried = np.array([view.features.row(params) for params in taken])
    means, _ = view.model.predicted(tried)
    best = tried[np.argsort(-means.mean(axis=1), kind="stable")[:_BEST]]
    anywhere = candidates.by_chance(view.features, max(_ANYWHERE, view.search.utility.warmup), view.chance)
    return anywhere, candidates.around(view.features, best, _NEAR, view.chance)


def _climbs(view: _View, anywhere: Floats, near: Floats) -> Floats:
    """Where climbs end: half of them begin far from what is known to be good, which no point near it could outdo."""
    import numpy as np

    count = view.search.utility.iterations
    begin = [
        rows[np.argsort(-view.worth(rows), kind="stable")[:most]]
        for rows, most in ((anywhere, count - count // 2), (near, count // 2))
    ]
    return np.array([candidates.climbed(view.features, row, view.worth) for row in np.vstack(begin)])
