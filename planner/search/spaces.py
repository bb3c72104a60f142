"""Spaces: how many combinations there are, which is the n-th, and whether two are the same."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from planner.canon import Json
from planner.model.search import Dimension, Space
from planner.search import chance, draws
from planner.search.points import Atom, Points, atom, points

__all__ = ["combination", "finite", "key", "keys", "point", "size", "wide"]

_NARROW = 1e-3
_SAFE_LOG = 600.0

Params = Mapping[str, Json]
Listed = tuple[tuple[str, Points], ...]


def finite(space: Space) -> Listed | None:
    """The values of each dimension; None where one of them is continuous."""
    found = []
    for dimension in space:
        values = points(dimension)
        if values is None:
            return None
        found.append((dimension.name, values))
    return tuple(found)


def size(space: Space) -> int | None:
    """How many different combinations; None where a dimension is continuous. A space without dimensions has one."""
    listed = finite(space)
    return None if listed is None else math.prod(values.count for _, values in listed)


def combination(listed: Listed, index: int) -> dict[str, Json]:
    """The combination at `index`, the last dimension changing first."""
    chosen: dict[str, Json] = {}
    for name, values in reversed(listed):
        index, place = divmod(index, values.count)
        chosen[name] = values.at(place)
    return {name: chosen[name] for name, _ in listed}


def point(space: Space, seed: str, *path: str | int) -> dict[str, Json]:
    """A point by chance; each dimension has chance of its own, so that one more leaves the others as they are."""
    return {dimension.name: chance.value(dimension, draws.unit(seed, dimension.name, *path)) for dimension in space}


def key(space: Space, params: Params) -> tuple[Atom, ...]:
    """What a point is known by; params that are no dimension, such as the resource of hyperband, do not count."""
    return tuple(atom(params.get(dimension.name)) for dimension in space)


def keys(space: Space, taken: Iterable[Params]) -> set[tuple[Atom, ...]]:
    """What points are known by."""
    return {key(space, params) for params in taken}


def wide(space: Space) -> Space:
    """A part of the space that tells points apart as well as the whole does: a continuous dimension, if any.

    It has at least 2**39 values of much the same probability. That two of 10,000 points were taken for one by chance
    would take 10,000 such sweeps; then another point is drawn.
    """
    for dimension in space:
        if _is_wide(dimension):
            return (dimension,)
    return space


def _is_wide(dimension: Dimension) -> bool:
    if dimension.whole or dimension.kind not in {"uniform", "loguniform", "normal", "lognormal"}:
        return False
    first, second = dimension.numbers[:2]
    if dimension.kind == "uniform":
        return second - first > _NARROW * max(abs(first), abs(second))
    if dimension.kind == "normal":
        return second > _NARROW * abs(first)
    spread = second - first if dimension.kind == "loguniform" else second
    ends = (first, second) if dimension.kind == "loguniform" else (first - 8 * second, first + 8 * second)
    return spread > _NARROW and all(abs(end) < _SAFE_LOG for end in ends)
