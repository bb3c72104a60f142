"""Places of merged values: parts of several files in one tree (decision 0040)."""

from __future__ import annotations

from collections.abc import Mapping

from planner.spec.places import Elsewhere, Part, Spot, camel, pointer

__all__ = ["moved", "with_parts"]


def with_parts(home: Part, changed: Mapping[str, Part]) -> Part:
    """A mapping's part with other parts at some of its keys."""
    entries = dict(home.spot[2]) if isinstance(home.spot[2], dict) else {}
    snakes = [old for old in entries if "_" in old]
    for name, part in changed.items():
        for spelled in (name, *(old for old in snakes if camel(old) == name and old != name)):
            entries.pop(spelled, None)
        entries[name] = (*part.key, *moved(part, home, name))
    return home._replace(spot=(*home.spot[:2], entries))


def moved(part: Part, home: Part, name: str) -> Spot:
    """A part's spot as it is written below another part, under a key or an index."""
    if part.path == home.path and part.at == home.at + pointer(name):
        return part.spot
    below = part.spot[2]
    assert not isinstance(below, Elsewhere)
    return (part.spot[0], part.spot[1], Elsewhere(part.path, part.at, below))
