"""Both sides of a comparison: ours by `planner.search`, optuna's by its peer. Each gives what was lost, trial by trial.

With `pending` trials at work, the one that was begun first ends first.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import Any

from benchmarks.peers.environment import Peer
from benchmarks.quality.problems import MOST, Problem
from planner import search
from planner.model.search import (
    BayesSearch,
    Dimension,
    Goal,
    HyperbandSearch,
    HyperoptSearch,
    Resource,
    Search,
    Trial,
    TrialState,
)
from planner.search import points

TRIALS = 100
ETA = 3
GOAL = Goal("loss", maximize=False)
BUDGET = 714
"""Under hyperband: how much of the resource in all. Two sweeps, and as much as 26 trials get whole."""

_RUNGS = frozenset({1, 3, 9, 27})

Losses = list[float]


def wanted(kind: str, problem: Problem) -> Search:
    """Our search of a kind, as its fields are by default."""
    if kind == "bayes":
        return BayesSearch(problem.space, 10, TRIALS - 10, GOAL)
    if kind == "hyperband":
        return HyperbandSearch(problem.space, MOST, ETA, Resource("resource", whole=True), GOAL, resume=True)
    return HyperoptSearch(problem.space, 1, TRIALS, GOAL, "anneal" if kind == "anneal" else "tpe")


def ours(kind: str, problem: Problem, seed: int, pending: int) -> Losses:
    """What our search loses."""
    kept = wanted(kind, problem)
    lost: Losses = []
    trials: list[Trial] = []
    at_work: deque[int] = deque()
    while len(lost) < TRIALS:
        for found in search.suggest(kept, tuple(trials), f"quality/{seed}", pending - len(at_work)):
            at_work.append(len(trials))
            trials.append(Trial(len(trials), found))
        if not at_work:
            break  # the space has no more
        number = at_work.popleft()
        value = problem.loss(trials[number].suggestion.params, 1)
        trials[number] = replace(trials[number], state=TrialState.DONE, value=value)
        lost.append(value)
    return lost


def theirs(kind: str, problem: Problem, peer: Peer, asked: tuple[int, int]) -> Losses:
    """What optuna's sampler loses."""
    _, pending = asked
    _start(kind, problem, peer, asked)
    at_work: deque[dict[str, Any]] = deque()
    lost: Losses = []
    while len(lost) < TRIALS:
        while len(at_work) < pending:
            at_work.append(peer.ask({"do": "ask"}))
        trial = at_work.popleft()
        lost.append(problem.loss(trial["params"], 1))
        peer.ask({"do": "tell", "number": trial["number"], "value": lost[-1]})
    return lost


def our_rungs(problem: Problem, seed: int, pending: int) -> Losses:
    """What hyperband loses with all of the resource, for the budget; promoted trials go on from what they had."""
    kept = wanted("hyperband", problem)
    trials: list[Trial] = []
    lost: Losses = []
    at_work: deque[int] = deque()
    spent = round_ = 0
    while spent < BUDGET:
        for found in search.suggest(kept, tuple(trials), f"quality/{seed}/{round_}", pending - len(at_work)):
            at_work.append(len(trials))
            trials.append(Trial(len(trials), found))
        if not at_work:  # the sweep is over: another one
            round_, trials = round_ + 1, []
            continue
        number = at_work.popleft()
        made = trials[number].suggestion
        given = int(made.params["resource"])  # type: ignore[arg-type]
        before = 0 if made.origin is None else int(trials[made.origin].suggestion.params["resource"])  # type: ignore[arg-type]
        params = {name: value for name, value in made.params.items() if name != "resource"}
        value = problem.loss(params, given / MOST)
        trials[number] = replace(trials[number], state=TrialState.DONE, value=value)
        spent += given - before
        if given == MOST and spent <= BUDGET:
            lost.append(value)
    return lost


def their_rungs(problem: Problem, peer: Peer, asked: tuple[int, int]) -> Losses:
    """What optuna's random sampler loses with all of the resource under its HyperbandPruner, for the same budget.

    Trials at work go on in turn, each by one of the resource.
    """
    _start("hyperband", problem, peer, asked)
    lost: Losses = []
    at_work: deque[tuple[dict[str, Any], int]] = deque()
    spent = 0
    while spent < BUDGET:
        while len(at_work) < asked[1]:
            at_work.append((peer.ask({"do": "ask"}), 0))
        trial, step = at_work.popleft()
        step, spent = step + 1, spent + 1
        if step not in _RUNGS:
            at_work.append((trial, step))
            continue
        value = problem.loss(trial["params"], step / MOST)
        answer = peer.ask({"do": "report", "number": trial["number"], "step": step, "value": value})
        if step < MOST and not answer["prune"]:
            at_work.append((trial, step))
            continue
        peer.ask({"do": "tell", "number": trial["number"], "value": value, "pruned": step < MOST})
        if step == MOST and spent <= BUDGET:
            lost.append(value)
    return lost


def _start(kind: str, problem: Problem, peer: Peer, asked: tuple[int, int]) -> None:
    seed, pending = asked
    space = [_described(dimension) for dimension in problem.space]
    sampler = "gp" if kind == "bayes" else kind
    question = {"do": "start", "sampler": sampler, "space": space, "seed": seed, "pending": pending}
    peer.ask({**question, "most": MOST, "eta": ETA})


def _described(dimension: Dimension) -> dict[str, Any]:
    if dimension.kind == "choice":
        return {"name": dimension.name, "kind": "choice", "values": list(dimension.values)}
    values = points.points(dimension)
    if values is not None:
        return {"name": dimension.name, "kind": "int", "low": values.at(0), "high": values.at(values.count - 1)}
    return {"name": dimension.name, "kind": "float", "low": dimension.numbers[0], "high": dimension.numbers[1]}
