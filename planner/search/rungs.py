"""Hyperband's brackets and rungs: how many, how large, with how much of the resource (Li et al. 2017, algorithm 1).

With R the most that a trial gets, and eta: s_max = floor(ln R / ln eta), B = (s_max + 1) R. Bracket i = 0..s_max has
s = s_max - i. Its first rung has n(s) = ceil(B / R * eta^s / (s + 1)) trials, rung j gives R * eta^(j - s) of the
resource, and of a rung with n trials floor(n / eta) go on. The bracket is over after rung s.
"""

from __future__ import annotations

import math

from planner.model.search import HyperbandSearch, Resource
from planner.search import spaces
from planner.search.numbers import bounded

__all__ = ["MOST_BRACKETS", "amount", "brackets", "brackets_of", "first_size", "kept", "last_rung", "most", "sizes"]

MOST_BRACKETS = 40
"""More of them, of an eta near 1, would give all trials nearly the same of the resource."""
_SLACK = 1e-9
"""Logarithms and quotients that should be whole are not: ln 243 / ln 3 is 4.999…."""


def brackets(search: HyperbandSearch) -> int:
    """How many brackets, at least one."""
    return min(MOST_BRACKETS, brackets_of(search.most, search.eta))


def brackets_of(most: float, eta: float) -> int:
    """How many the paper has, however many that are."""
    if most <= 1 or eta <= 1:
        return 1
    return math.floor(math.log(most) / math.log(eta) + _SLACK) + 1


def last_rung(search: HyperbandSearch, bracket: int) -> int:
    """The number of the last rung of a bracket: s."""
    return brackets(search) - 1 - bracket


def first_size(search: HyperbandSearch, bracket: int) -> int:
    """Trials in the first rung of a bracket: n(s), fewer where the space has fewer combinations."""
    last = last_rung(search, bracket)
    planned = math.ceil(brackets(search) * search.eta**last / (last + 1) - _SLACK)
    size = spaces.size(search.space)
    return planned if size is None else min(planned, size)


def kept(search: HyperbandSearch, count: int) -> int:
    """How many of `count` trials go on."""
    return math.floor(count / search.eta + _SLACK)


def sizes(search: HyperbandSearch, bracket: int) -> list[int]:
    """Trials in each rung of a bracket, where none fails."""
    found = [first_size(search, bracket)]
    for _ in range(last_rung(search, bracket)):
        found.append(kept(search, found[-1]))
    return found


def most(search: HyperbandSearch) -> int:
    """How many trials at most; a promoted one is one more.

    Rungs that promote before they are whole may promote some that are not among the best in the end, at most all.
    """
    count = brackets(search)
    if search.asynchronous:
        return sum(first_size(search, bracket) * (last_rung(search, bracket) + 1) for bracket in range(count))
    return sum(sum(sizes(search, bracket)) for bracket in range(count))


def amount(search: HyperbandSearch, bracket: int, rung: int) -> int | float:
    """What a trial gets of the resource; a whole amount is rounded down, and at least 1."""
    given = bounded(search.most / search.eta ** (last_rung(search, bracket) - rung))
    return cast(search.resource, given)


def cast(resource: Resource, given: float) -> int | float:
    """An amount as the input takes it."""
    if not resource.whole:
        return float(f"{given:.12g}")
    return max(1, math.floor(given * (1 + 1e-12) + _SLACK))
