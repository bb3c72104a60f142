"""Searches: what a sweep tries next, as functions of its trials (docs/search.md; reference, section 13.4).

There is no study and no generator with a state: the same search, trials and seed give the same suggestions on any
machine, after any restart. Nothing here runs, waits or writes. Importing it loads no library; what a search needs is
imported when it is asked, and `SearchUnavailable` says what to install where it is missing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import assert_never

from planner.model.search import (
    BayesSearch,
    Goal,
    GridSearch,
    HyperbandSearch,
    HyperoptSearch,
    IterativeSearch,
    MappingSearch,
    RandomSearch,
    Search,
    Space,
    Suggestion,
    Trial,
)
from planner.search import anneal, bayes, hyperband, listed, parzen_tree, ranking, rungs, spaces, threads, unlike
from planner.search.errors import SearchUnavailable

__all__ = ["SearchUnavailable", "best", "most", "suggest", "takes_long", "width"]

_LIBRARIES = frozenset({"numpy", "scipy", "sklearn", "threadpoolctl"})


def suggest(search: Search, trials: Sequence[Trial], seed: str, room: int) -> tuple[Suggestion, ...]:
    """What to try next.

    Args:
        search: how the sweep chooses.
        trials: all so far, numbers 0 to n - 1 in order, whatever their state.
        seed: of the sweep; another one gives other trials.
        room: how many suggestions at most.

    Returns:
        The suggestions of the trials n, n + 1, …. None: nothing before a pending trial is over, and nothing ever where
        none is pending. Always none of an iterative search, whose suggestions its tuner makes.

    Raises:
        SearchUnavailable: a library that the search needs is not installed.
        ValueError: the space is of a kind that the search does not take.
    """
    if room <= 0:
        return ()
    match search:
        case MappingSearch():
            return listed.mapping(search, len(trials), room)
        case GridSearch():
            return listed.grid(search, len(trials), room)
        case RandomSearch():
            return unlike.suggest(search, trials, seed, room)
        case HyperbandSearch():
            return hyperband.suggest(search, trials, seed, room)
        case HyperoptSearch():
            return _hyperopt(search, trials, seed, room)
        case BayesSearch():
            with _needing("bayes"), threads.in_one():
                return bayes.suggest(search, trials, seed, room)
        case IterativeSearch():
            return ()
    assert_never(search)


def _hyperopt(search: HyperoptSearch, trials: Sequence[Trial], seed: str, room: int) -> tuple[Suggestion, ...]:
    match search.algorithm:
        case "rand":
            by_chance = RandomSearch(search.space, search.runs * search.iterations)
            return unlike.suggest(by_chance, trials, seed, room)
        case "anneal":
            return anneal.suggest(search, trials, seed, room)
        case "tpe":
            with _needing("hyperopt: tpe"):
                return parzen_tree.suggest(search, trials, seed, room)
    assert_never(search.algorithm)


@contextlib.contextmanager
def _needing(search: str) -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _LIBRARIES:
            raise
        raise SearchUnavailable(search) from error


def most(search: Search) -> int | None:
    """How many trials at most, promoted ones of hyperband included; None where only a tuner knows (iterative)."""
    match search:
        case MappingSearch():
            return len(search.entries)
        case GridSearch():
            return listed.grid_size(search)
        case RandomSearch():
            return _at_most(search.space, search.runs)
        case HyperbandSearch():
            return rungs.most(search)
        case BayesSearch():
            return _at_most(search.space, search.initial + search.iterations)
        case HyperoptSearch():
            return _at_most(search.space, search.runs * search.iterations)
        case IterativeSearch():
            return None
    assert_never(search)


def _at_most(space: Space, count: int) -> int:
    size = spaces.size(space)
    return count if size is None else min(size, count)


def width(search: Search, trials: Sequence[Trial]) -> int | None:
    """How many trials may be pending at once where no `concurrency` is written; None: no limit."""
    match search:
        case MappingSearch() | GridSearch() | RandomSearch() | HyperbandSearch() | IterativeSearch():
            return None
        case HyperoptSearch():
            return search.runs
        case BayesSearch():
            return search.initial if len(trials) < search.initial else 1
    assert_never(search)


def takes_long(search: Search) -> bool:
    """Whether a suggestion may cost tens of milliseconds and large libraries: the plan asks for such a one."""
    return isinstance(search, BayesSearch) or (isinstance(search, HyperoptSearch) and search.algorithm == "tpe")


def best(goal: Goal, trials: Sequence[Trial]) -> Trial | None:
    """The best trial that has a value, of equal ones the first; None where none has."""
    found = ranking.ranked(goal, trials)
    return found[0] if found else None
