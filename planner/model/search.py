"""Searches: what a sweep may choose from, how it chooses, and what came of its trials (reference, section 13).

Values only. Compile makes a `Search` of a matrix; `planner.search` makes suggestions of it; records of runs keep the
suggestion that each trial was made with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from planner.canon import Json

__all__ = [
    "UNWRITTEN",
    "BayesSearch",
    "Dimension",
    "Goal",
    "GridSearch",
    "HyperbandSearch",
    "HyperoptSearch",
    "IterativeSearch",
    "Kernel",
    "MappingSearch",
    "RandomSearch",
    "Resource",
    "Search",
    "Space",
    "Suggestion",
    "Trial",
    "TrialState",
    "Utility",
    "goal_of",
]


@dataclass(frozen=True, slots=True)
class Dimension:
    """One param that is chosen, by a distribution of reference section 13.2.

    Attributes:
        name: of the param.
        kind: of the distribution, as in the reference: `choice`, `range`, `loguniform`, ….
        values: of `choice` and `pchoice`, in order.
        weights: of `pchoice`, for each of `values`; what is missing to 1 goes to the last one.
        numbers: arguments of the others in the order of the reference: `(start, stop, step)` of ranges, `(start, stop,
            num)` of spaces with the base after them for `logspace`, `(low, high)` or `(low, high, q)` of uniform kinds,
            `(loc, scale)` or `(loc, scale, q)` of normal ones. Bounds of the `log` kinds are natural logarithms. Of
            dates they are proleptic ordinals and days, of instants seconds since 1970 and seconds.
        whole: whether the input takes whole numbers only: what is chosen is rounded then.
        offset: of instants: seconds east of UTC of what is written; None where they have no offset.
    """

    name: str
    kind: str
    values: tuple[Json, ...] = ()
    weights: tuple[float, ...] = ()
    numbers: tuple[float, ...] = ()
    whole: bool = False
    offset: int | None = None


Space = tuple[Dimension, ...]
"""Params in the order in which they are written."""


@dataclass(frozen=True, slots=True)
class Goal:
    """What a search makes better: a metric or output of each trial."""

    metric: str
    maximize: bool = True


@dataclass(frozen=True, slots=True)
class MappingSearch:
    """A trial for each entry, in order."""

    entries: tuple[Mapping[str, Json], ...]


@dataclass(frozen=True, slots=True)
class GridSearch:
    """A trial for each combination, the last param changing first; the first `limit` of them."""

    space: Space
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class RandomSearch:
    """`runs` trials by chance, no two the same; fewer where there are fewer combinations."""

    space: Space
    runs: int


@dataclass(frozen=True, slots=True)
class Resource:
    """What hyperband gives more of: the param `name`, a whole number or any."""

    name: str
    whole: bool = False


@dataclass(frozen=True, slots=True)
class HyperbandSearch:
    """Brackets of successive halving (Li et al. 2017).

    Attributes:
        space: what is chosen.
        most: the most of the resource that one trial gets (R).
        eta: of so many trials one goes on.
        resource: what promoted trials get more of.
        goal: by which they are compared.
        resume: whether a promoted trial starts with what it left before.
        asynchronous: whether rungs promote as soon as they can (ASHA, Li et al. 2018), instead of when they are whole.
    """

    space: Space
    most: float
    eta: float
    resource: Resource
    goal: Goal
    resume: bool = False
    asynchronous: bool = False


@dataclass(frozen=True, slots=True)
class Kernel:
    """The Gaussian process of a `bayes` search, as scikit-learn names its parts."""

    name: Literal["matern", "rbf"] = "matern"
    length_scale: float = 1.0
    nu: float = 1.5
    restarts: int = 0


@dataclass(frozen=True, slots=True)
class Utility:
    """The acquisition function of a `bayes` search (reference, section 13.4)."""

    function: Literal["ucb", "ei", "poi"] = "ucb"
    kappa: float = 2.576
    eps: float = 0.0
    kernel: Kernel = Kernel()
    warmup: int = 5
    iterations: int = 10


UNWRITTEN = Utility("ei", kernel=Kernel(nu=2.5))
"""What counts where a `bayes` search has no `utilityFunction`."""


@dataclass(frozen=True, slots=True)
class BayesSearch:
    """`initial` trials by chance, then `iterations` where a model promises most."""

    space: Space
    initial: int
    iterations: int
    goal: Goal
    utility: Utility = UNWRITTEN


@dataclass(frozen=True, slots=True)
class HyperoptSearch:
    """`runs` times `iterations` trials by an algorithm of hyperopt; without another word, `runs` of them at once."""

    space: Space
    runs: int
    iterations: int
    goal: Goal
    algorithm: Literal["tpe", "rand", "anneal"] = "tpe"


@dataclass(frozen=True, slots=True)
class IterativeSearch:
    """At most `iterations` times what a tuner of the user's own suggests."""

    iterations: int
    space: Space = ()


Search = MappingSearch | GridSearch | RandomSearch | HyperbandSearch | BayesSearch | HyperoptSearch | IterativeSearch
"""How a sweep chooses."""


def goal_of(search: Search) -> Goal | None:
    """What a search makes better; None for one that does not look at what trials come to."""
    match search:
        case HyperbandSearch() | BayesSearch() | HyperoptSearch():
            return search.goal
        case _:
            return None


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What one trial is to be run with.

    Attributes:
        params: values by name, as JSON; the resource of hyperband is one of them.
        bracket, rung: where in hyperband it is; None elsewhere.
        origin: number of the trial that it goes on from, where it was promoted.
        iteration: of an iterative search, from 0; None elsewhere.
    """

    params: Mapping[str, Json] = field(default_factory=dict)
    bracket: int | None = None
    rung: int | None = None
    origin: int | None = None
    iteration: int | None = None


class TrialState(StrEnum):
    """How far a trial has come."""

    PENDING = "pending"
    """Suggested, and not over: waiting or running."""
    DONE = "done"
    """Over, and its value is known; of one that was stopped early, what it reported last."""
    FAILED = "failed"
    """Over without a value that counts."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A trial as the search sees it.

    Attributes:
        number: from 0, in the order of suggestion, without gaps.
        suggestion: what it was made with.
        state: how far it has come.
        value: of the goal's metric, finite, as it was reported (not negated); None unless done, and where the search
            has no goal.
    """

    number: int
    suggestion: Suggestion
    state: TrialState = TrialState.PENDING
    value: float | None = None
