"""What a sweep has found so far: its trials in order, the best of them, what its params do, and how it stands.

For people alone. What a search goes by is decided in `planner.search`, and what becomes of trials in `planner.desire`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from planner import canon
from planner.canon import Json
from planner.keys import trial as name_of
from planner.model.search import Goal

__all__ = ["Choice", "Influence", "Rung", "Step", "Tried", "history", "influences", "ranked", "rungs_of", "standing"]

_CHOICES = 50
"""Values of a param that are told apart; of more the first in order of their text are."""


@dataclass(frozen=True, slots=True)
class Tried:
    """A trial as people look at it.

    Attributes:
        number: from 0.
        status: in the words of statuses, of its newest round.
        params: what it was made with.
        value: of the metric, finite; None where none counts: it has not ended, has failed, or nothing is looked at.
        over: whether it has ended.
        running: whether something of it is at work.
        ended_at: when it ended.
        bracket, rung: where in hyperband it is; None elsewhere.
    """

    number: int
    status: str
    params: Mapping[str, Json]
    value: float | None = None
    over: bool = False
    running: bool = False
    ended_at: datetime | None = None
    bracket: int | None = None
    rung: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A trial that ended with a value, and the best value until then, in the order of the ends."""

    number: int
    value: float
    best: float


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a param: in how many trials with a value it was, and what their mean is."""

    value: Json
    count: int
    mean: float


@dataclass(frozen=True, slots=True)
class Influence:
    """What a param has to do with the metric.

    Attributes:
        name: of the param.
        numeric: whether all of its values are numbers.
        count: trials that have a value and the param.
        correlation: Spearman's rank correlation of a numeric one with the metric, from -1 to 1; None where it has none:
            fewer than three trials, or one side never differs.
        choices: of one that is not numeric, its values, the best mean first.
    """

    name: str
    numeric: bool
    count: int
    correlation: float | None = None
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True)
class Rung:
    """One rung of hyperband: its trials, how many have ended, and the best of them."""

    bracket: int
    rung: int
    trials: int
    ended: int
    best: float | None


def ranked(trials: Sequence[Tried], goal: Goal | None) -> list[Tried]:
    """Those with a value, the best first and of equal ones the first; then the others by number."""
    if goal is None:
        return sorted(trials, key=lambda one: one.number)
    valued = [one for one in trials if one.value is not None]
    rest = [one for one in trials if one.value is None]
    valued.sort(key=lambda one: (_loss(goal, one.value), one.number))
    return [*valued, *sorted(rest, key=lambda one: one.number)]


def history(trials: Sequence[Tried], goal: Goal) -> list[Step]:
    """How the best value came about."""
    valued = [one for one in trials if one.value is not None]
    valued.sort(key=lambda one: (one.ended_at.timestamp() if one.ended_at is not None else math.inf, one.number))
    found: list[Step] = []
    for one in valued:
        assert one.value is not None
        before = found[-1].best if found else one.value
        better = max(before, one.value) if goal.maximize else min(before, one.value)
        found.append(Step(one.number, one.value, better))
    return found


def influences(trials: Sequence[Tried], goal: Goal) -> list[Influence]:
    """What each param has to do with the metric; params in the order in which they first appear."""
    valued = [one for one in trials if one.value is not None]
    names = dict.fromkeys(name for one in valued for name in one.params)
    return [_influence(name, valued, goal) for name in names]


def rungs_of(trials: Sequence[Tried], goal: Goal) -> list[Rung]:
    """The rungs of hyperband that have trials, in order."""
    groups: dict[tuple[int, int], list[Tried]] = {}
    for one in trials:
        if one.bracket is not None and one.rung is not None:
            groups.setdefault((one.bracket, one.rung), []).append(one)
    return [
        Rung(bracket, rung, len(found), sum(one.over for one in found), ranked(found, goal)[0].value)
        for (bracket, rung), found in sorted(groups.items())
    ]


def standing(trials: Sequence[Tried], total: int | None, goal: Goal | None) -> str:
    """How a sweep stands, such as `12 of 60 trials ended, 4 running, best loss 0.31 of 0017`.

    Args:
        trials: those that there are.
        total: how many there may be; None where nobody knows.
        goal: what they are compared by.
    """
    whole = len(trials) if total is None else max(total, len(trials))
    parts = [f"{sum(one.over for one in trials)} of {whole}{'' if total is not None else ' or more'} trials ended"]
    running = sum(one.running for one in trials)
    parts += [f"{running} running"] if running else []
    found = ranked(trials, goal)
    if goal is not None and found and found[0].value is not None:
        parts.append(f"best {goal.metric} {found[0].value:.6g} of {name_of(found[0].number)}")
    return ", ".join(parts)


def _loss(goal: Goal, value: float | None) -> float:
    assert value is not None
    return -value if goal.maximize else value


def _influence(name: str, valued: Sequence[Tried], goal: Goal) -> Influence:
    pairs = [(one.params[name], one.value) for one in valued if name in one.params and one.value is not None]
    if all(_is_number(param) for param, _ in pairs):
        xs, ys = [float(param) for param, _ in pairs], [value for _, value in pairs]  # type: ignore[arg-type]
        return Influence(name, numeric=True, count=len(pairs), correlation=_spearman(xs, ys))
    groups: dict[str, tuple[Json, list[float]]] = {}
    for param, value in pairs:
        groups.setdefault(canon.dumps(param), (param, []))[1].append(value)
    few = sorted(groups.items())[:_CHOICES]
    choices = [Choice(param, len(values), math.fsum(values) / len(values)) for _, (param, values) in few]
    choices.sort(key=lambda one: _loss(goal, one.mean))
    return Influence(name, numeric=False, count=len(pairs), choices=tuple(choices))


def _is_number(value: Json) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number that no float holds
        return False


def _spearman(xs: Sequence[float], ys: Sequence[float]) -> float | None:
    """Pearson's correlation of the ranks; equal values share the mean of their ranks."""
    if len(xs) < 3:
        return None
    left, right = _ranks(xs), _ranks(ys)
    middle = (len(xs) + 1) / 2
    both = math.fsum((one - middle) * (other - middle) for one, other in zip(left, right, strict=True))
    spread = math.fsum((one - middle) ** 2 for one in left) * math.fsum((one - middle) ** 2 for one in right)
    return both / math.sqrt(spread) if spread > 0 else None


def _ranks(values: Sequence[float]) -> list[float]:
    order = sorted(range(len(values)), key=values.__getitem__)
    found = [0.0] * len(values)
    begin = 0
    while begin < len(order):
        end = begin
        while end + 1 < len(order) and values[order[end + 1]] == values[order[begin]]:
            end += 1
        for index in order[begin : end + 1]:
            found[index] = (begin + end) / 2 + 1
        begin = end + 1
    return found
