"""Hyperband: brackets of successive halving, rung by rung, or asynchronously (ASHA, Li et al. 2018).

Synchronous. Trials are numbered rung by rung: the first rungs of all brackets, then the second ones, and so on;
within a rung of promoted trials by rank. All first rungs can be opened at once, so that machines are not idle while a
rung waits for its last trial. A rung is filled when the one below it is whole, and so are all rungs before it in that
order: what trial n is does not depend on which trial ended first, nor on how many were asked for at a time.

Asynchronous. Whenever there is room, the highest trial that is among the best of those over in its rung goes on;
where there is none, the next of the first rungs is opened. Machines are never idle; what is tried depends on what
ended first.

Failed trials count for the size of their rung, and never go on. Equal values go by number.
"""

from __future__ import annotations

from collections.abc import Sequence

from planner.model.search import HyperbandSearch, Suggestion, Trial, TrialState
from planner.search import ranking, rungs, unlike

__all__ = ["suggest"]

Rungs = dict[tuple[int, int], list[Trial]]
"""Trials by (bracket, rung), in order of their numbers."""


def suggest(search: HyperbandSearch, trials: Sequence[Trial], seed: str, room: int) -> tuple[Suggestion, ...]:
    """At most `room` suggestions after `trials`."""
    found: list[Suggestion] = []
    held = _held(trials)
    while len(found) < room:
        limit = room - len(found)
        more = _promising(search, held, seed, limit) if search.asynchronous else _next(search, held, seed, limit)
        if not more:
            break
        for suggestion in more:
            # What was just suggested is pending.
            _put(held, Trial(len(trials) + len(found), suggestion))
            found.append(suggestion)
    return tuple(found)


def _held(trials: Sequence[Trial]) -> Rungs:
    held: Rungs = {}
    for trial in trials:
        _put(held, trial)
    return held


def _put(held: Rungs, trial: Trial) -> None:
    place = (trial.suggestion.bracket or 0, trial.suggestion.rung or 0)
    held.setdefault(place, []).append(trial)


def _next(search: HyperbandSearch, held: Rungs, seed: str, limit: int) -> list[Suggestion]:
    """What is missing of the first rung that is not whole yet in the order of numbers."""
    count = rungs.brackets(search)
    for rung in range(count):
        for bracket in range(count - rung):
            opened = held.get((bracket, rung), [])
            if rung == 0:
                more = _first(search, bracket, opened, (seed, limit))
            else:
                below = held.get((bracket, rung - 1), [])
                if any(trial.state is TrialState.PENDING for trial in below):
                    return []
                more = _promoted(search, (bracket, rung), _best(search, below)[len(opened) :][:limit])
            if more:
                return more
    return []


def _first(search: HyperbandSearch, bracket: int, opened: Sequence[Trial], asked: tuple[str, int]) -> list[Suggestion]:
    seed, limit = asked
    missing = min(limit, rungs.first_size(search, bracket) - len(opened))
    if missing <= 0:
        return []
    taken = [trial.suggestion.params for trial in opened]
    given = rungs.amount(search, bracket, 0)
    return [
        Suggestion({**params, search.resource.name: given}, bracket=bracket, rung=0)
        for params in unlike.points(search.space, taken, f"{seed}/{bracket}", missing)
    ]


def _promoted(search: HyperbandSearch, place: tuple[int, int], best: Sequence[Trial]) -> list[Suggestion]:
    bracket, rung = place
    given = rungs.amount(search, bracket, rung)
    return [
        Suggestion(
            {**trial.suggestion.params, search.resource.name: given}, bracket=bracket, rung=rung, origin=trial.number
        )
        for trial in best
    ]


def _best(search: HyperbandSearch, over: Sequence[Trial]) -> list[Trial]:
    """Those of a rung that go on, best first."""
    return ranking.ranked(search.goal, over)[: rungs.kept(search, len(over))]


def _promising(search: HyperbandSearch, held: Rungs, seed: str, limit: int) -> list[Suggestion]:
    """One promotion, from as high up as can be; or new trials where there is none."""
    count = rungs.brackets(search)
    for rung in range(count - 1, 0, -1):
        for bracket in range(count - rung):
            over = [trial for trial in held.get((bracket, rung - 1), []) if trial.state is not TrialState.PENDING]
            gone = {trial.suggestion.origin for trial in held.get((bracket, rung), [])}
            waiting = [trial for trial in _best(search, over) if trial.number not in gone]
            if waiting:
                return _promoted(search, (bracket, rung), waiting[:limit])
    for bracket in range(count):
        more = _first(search, bracket, held.get((bracket, 0), []), (seed, limit))
        if more:
            return more
    return []
