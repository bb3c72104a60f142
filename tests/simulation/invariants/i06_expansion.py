"""I6: a matrix always becomes the same trials in the same order with the same names, whatever ends when.

Where what others came to does not matter: mapping, grid, random. Of all kinds, trials are numbered without gaps.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from planner import canon
from planner.canon import Json
from planner.keys import Key
from planner.model.facts import Renamed
from planner.model.search import GridSearch, HyperoptSearch, MappingSearch, RandomSearch, Search
from tests.simulation.history import History
from tests.simulation.invariants.sweeping import Opening, openings

NAME = "I6"


def check(history: History) -> list[str]:
    found: list[str] = []
    children: dict[Key, list[Opening]] = {}
    for one in openings(history):
        children.setdefault(one.parent, []).append(one)
    drawn: dict[tuple[object, ...], tuple[Key, list[Json]]] = {}
    renamed = {fact.root for fact in history.facts() if isinstance(fact, Renamed)}
    for key, trials in children.items():
        names = [one.key.place[-1] for one in trials]
        if names != [f"{number:04d}" for number in range(len(names))]:
            found.append(f"the trials of {key} are called {names}")
        params: list[Json] = [dict(one.suggestion.params) for one in trials]
        found += _unlike_what_is_written(key, trials[0].sweep.search, params)
        # What was drawn under another name may have been taken over.
        found += _unlike_another(key, trials[0], params, {} if key.root in renamed else drawn)
    return found


def _unlike_what_is_written(key: Key, search: Search, params: Sequence[Json]) -> list[str]:
    match search:
        case MappingSearch():
            wanted: list[Json] = [dict(entry) for entry in search.entries]
        case GridSearch():
            axes = [[(one.name, value) for value in one.values or _steps(one.numbers)] for one in search.space]
            wanted = [dict(point) for point in itertools.product(*axes)]
        case _:
            return []
    same = _rounded(params) == _rounded(wanted[: len(params)])
    return [] if same else [f"the trials of {key} are {params}, and not {wanted}"]


def _rounded(points: Sequence[Json]) -> list[Json]:
    """To what two ways of computing a step agree on."""
    assert all(isinstance(point, Mapping) for point in points)
    return [
        {name: round(value, 12) if isinstance(value, float) else value for name, value in dict(point).items()}  # type: ignore[call-overload]
        for point in points
    ]


def _steps(numbers: tuple[float, ...]) -> list[float]:
    """Of a linspace: the other dimension that grids of the simulation have is a choice."""
    start, stop, count = numbers
    return [start + (stop - start) * step / (count - 1) for step in range(int(count))] if count > 1 else [start]


def _unlike_another(
    key: Key, first: Opening, params: list[Json], drawn: dict[tuple[object, ...], tuple[Key, list[Json]]]
) -> list[str]:
    """What is drawn for one run of an operation is drawn for every other one: the shorter is the longer's beginning."""
    search = first.sweep.search
    if not isinstance(search, RandomSearch) and not (isinstance(search, HyperoptSearch) and search.algorithm == "rand"):
        return []
    found = [] if len({canon.digest(one) for one in params}) == len(params) else [f"{key} tries a point twice"]
    same = (key.root, key.place, search.space, first.sweep.seed)
    other, longest = drawn.setdefault(same, (key, params))
    length = min(len(longest), len(params))
    if longest[:length] != params[:length]:
        found.append(f"the trials of {key} are {params}, and those of {other} {longest}")
    if len(params) > len(longest):
        drawn[same] = key, params
    return found
