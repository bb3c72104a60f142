"""Sweeps that know all their trials: a mapping, and a grid whose n-th combination is computed when it is asked for."""

from __future__ import annotations

from planner.model.search import GridSearch, MappingSearch, Suggestion
from planner.search import spaces

__all__ = ["grid", "grid_size", "mapping"]


def mapping(search: MappingSearch, opened: int, room: int) -> tuple[Suggestion, ...]:
    """The entries after the first `opened`, `room` of them."""
    return tuple(Suggestion(dict(entry)) for entry in search.entries[opened : opened + room])


def grid_size(search: GridSearch) -> int:
    """How many combinations are tried.

    Raises:
        ValueError: if a dimension is continuous.
    """
    return _limited(search, spaces.size(search.space))


def grid(search: GridSearch, opened: int, room: int) -> tuple[Suggestion, ...]:
    """The combinations after the first `opened`, `room` of them.

    Raises:
        ValueError: if a dimension is continuous.
    """
    listed = spaces.finite(search.space) or ()
    count = grid_size(search)
    return tuple(Suggestion(spaces.combination(listed, index)) for index in range(opened, min(count, opened + room)))


def _limited(search: GridSearch, size: int | None) -> int:
    if size is None:
        raise ValueError("a grid has no continuous dimension")
    return size if search.limit is None else min(size, search.limit)
