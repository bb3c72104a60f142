"""Points by chance, no two of them the same: the search of kind `random`, and the first trials of the others.

Where all combinations are as likely, the n-th point is the n-th of an order by chance: it costs nothing to know, and
the points run out when the combinations do. Elsewhere the n-th point is drawn until it is none of those before; in a
finite space whose rest is too unlikely to be drawn, the combinations are gone through. Either way point n follows
from seed, n and the points before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from planner.canon import Json
from planner.model.search import RandomSearch, Space, Suggestion, Trial
from planner.search import draws, spaces
from planner.search.points import Atom
from planner.search.spaces import Listed, Params

__all__ = ["another", "points", "suggest"]

_DRAWS = 500
"""Until the rest of a space counts as too unlikely to be drawn."""

Seen = set[tuple[Atom, ...]]


def suggest(search: RandomSearch, trials: Sequence[Trial], seed: str, room: int) -> tuple[Suggestion, ...]:
    """At most `room` points after those of `trials`."""
    count = min(room, search.runs - len(trials))
    taken = [trial.suggestion.params for trial in trials]
    return tuple(Suggestion(params) for params in points(search.space, taken, seed, count))


def points(space: Space, taken: Sequence[Params], seed: str, count: int) -> Iterator[dict[str, Json]]:
    """At most `count` points after those that are `taken`; fewer where the space has no more."""
    listed = spaces.finite(space)
    if listed is not None and all(values.even or values.count == 1 for _, values in listed):
        yield from _shuffled(listed, spaces.size(space) or 0, len(taken), (seed, count))
        return
    part = spaces.wide(space)
    seen = spaces.keys(part, taken)
    for number in range(len(taken), len(taken) + count):
        found = _drawn(space, part, seen, (seed, number))
        if found is None and listed is not None:
            found = _rest(space, listed, seen, draws.unit(seed, "rest", number))
        if found is None:
            return
        seen.add(spaces.key(part, found))
        yield found


def _shuffled(listed: Listed, size: int, opened: int, asked: tuple[str, int]) -> Iterator[dict[str, Json]]:
    seed, count = asked
    for number in range(opened, min(size, opened + count)):
        yield spaces.combination(listed, draws.permuted(seed, number, size))


def another(space: Space, taken: Sequence[Params], seed: str, number: int) -> dict[str, Json] | None:
    """A point that is none of those `taken`, wherever these come from; None where there is none left."""
    part = spaces.wide(space)
    seen = spaces.keys(part, taken)
    found = _drawn(space, part, seen, (seed, number))
    listed = None if found is not None else spaces.finite(space)
    return found if listed is None else _rest(space, listed, seen, draws.unit(seed, "rest", number))


def _drawn(space: Space, part: Space, seen: Seen, asked: tuple[str, int]) -> dict[str, Json] | None:
    seed, number = asked
    for turn in range(_DRAWS):
        found = spaces.point(space, seed, number, turn)
        if spaces.key(part, found) not in seen:
            return found
    return None


def _rest(space: Space, listed: Listed, seen: Seen, share: float) -> dict[str, Json] | None:
    """The first combination that is not seen, from a place by chance on: as many steps as there are seen ones."""
    size = spaces.size(space) or 0
    start = min(int(share * size), size - 1)
    for step in range(min(size, len(seen) + 1)):
        found = spaces.combination(listed, (start + step) % size)
        if spaces.key(space, found) not in seen:
            return found
    return None
