"""How much is kept of what a commit has wrong: enough to show people where it is, whatever they pushed.

A commit may have ten thousand broken files, each with words of megabytes; what is kept of it has a bound.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import replace

from planner.errors import Place, Problem, Severity
from planner.model.commits import Details

__all__ = ["LETTERS", "MOST", "PREFIX", "commit_of", "details_of", "name_of"]

MOST = 200
"""Problems of one commit, as many as a check has marks."""
LETTERS = 100_000
"""Of all of them together: paths, sentences and hints."""
PREFIX = "problems:"
"""What the name of such content begins with, and no digest."""
_SENTENCE = 1000
_PATH = 1000
_WEIGHT = {Severity.ERROR: 0, Severity.WARNING: 1}


def details_of(problems: Iterable[Problem]) -> Details | None:
    """What is kept of `problems`; None where none of them is an error.

    What only informs is left out: it is about files that are none of ours.
    """
    weighed = ((_WEIGHT[one.severity], one.sort_key, index, one) for index, one in _worth(problems))
    found = [one for *_, one in heapq.nsmallest(MOST, weighed)]
    if not found or found[0].severity is not Severity.ERROR:
        return None
    kept, room = [], LETTERS
    for problem in map(_short, found):
        room -= len(problem.place.path) + len(problem.message) + len(problem.hint)
        if room < 0:
            break
        kept.append(problem)
    return Details(tuple(kept))


def name_of(commit: str, digest: str) -> str:
    """The name of what is kept of a commit, by the digest of its text."""
    return f"{PREFIX}{commit}:{digest}"


def commit_of(name: str) -> str:
    """The commit whose problems content of that name has; "" for other content."""
    return name.removeprefix(PREFIX).partition(":")[0] if name.startswith(PREFIX) else ""


def _worth(problems: Iterable[Problem]) -> Iterable[tuple[int, Problem]]:
    return ((index, one) for index, one in enumerate(problems) if one.severity in _WEIGHT)


def _short(problem: Problem) -> Problem:
    """The same within bounds. A path that is cut is none that could be marked: it loses its line."""
    place = problem.place
    if len(place.path) > _PATH:
        place = Place(f"{place.path[: _PATH - 1]}…")
    return replace(problem, message=_cut(problem.message), hint=_cut(problem.hint), place=place, pointer="", address="")


def _cut(text: str) -> str:
    return text if len(text) <= _SENTENCE else f"{text[: _SENTENCE - 1]}…"
