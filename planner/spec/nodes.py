"""Nodes of a document while it is composed, and how merge keys (`<<`) are resolved.

A node knows what it would cost if its aliases were written out. This module must never see an event or a file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from planner.canon import Json
from planner.spec.places import Entry, Places, Spot

__all__ = ["Entries", "Node", "YamlDocument", "sources"]


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """One document of a file.

    Attributes:
        index: its position in the file, from 0.
        value: plain dicts, lists and scalars; aliased parts are shared, so it is read only.
        places: where each value and key stands.
        spoilt: whether the reader reported problems inside it: what they touched may be missing from `value`.
    """

    index: int
    value: Json
    places: Places
    spoilt: bool = False


@dataclass(frozen=True, slots=True)
class Node:
    """A node with an anchor. `size` counts its nodes and `height` its levels, with what its aliases repeat."""

    value: Any
    spot: Spot
    size: int = 1
    height: int = 0


@dataclass(slots=True)
class Entries:
    """A mapping while it is read."""

    values: dict[str, Any]
    spots: dict[str, Entry]
    merged: list[Node] = field(default_factory=list)
    merge_line: int = 0

    def merge(self) -> int:
        """Adds what the merged mappings have and the mapping itself does not; returns the nodes that this repeats.

        Explicit keys win, then those of the earlier mapping.
        """
        repeated = 0
        for source in self.merged:
            entries = source.spot[2]
            assert isinstance(entries, dict)
            repeated += len(entries)
            for key, value in source.value.items():
                if key not in self.values:
                    self.values[key] = value
                    self.spots[key] = entries[key]
        return repeated


def sources(value: Any, spot: Spot) -> list[Node] | None:
    """The mappings that the value of a merge key names, in order; None where it is something else."""
    match value, spot[2]:
        case dict(), _:
            return [Node(value, spot)]
        case list() as values, list() as spots if all(isinstance(value, dict) for value in values):
            return [Node(value, spot) for value, spot in zip(values, spots, strict=True)]
        case _:
            return None
