"""Runs of a state with one holder: changed in place, and found by what they lie below.

Folding a fact makes a new state, which costs as much as there are runs. Who folds many facts one after the other and
shows nobody what is in between takes the runs over once; a state that is handed out again has its own copy. So
nobody outside sees a state change. This module decides nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from planner.keys import Key
from planner.model.records import RunRecord

__all__ = ["OwnRuns", "below"]

_Node = tuple[str, str, tuple[str, ...]]


class OwnRuns(dict[Key, RunRecord]):
    """Runs by key, in order of opening. Whoever made it is the only one that may hold it."""

    __slots__ = ("_below",)

    def __init__(self, runs: Mapping[Key, RunRecord]) -> None:
        super().__init__(runs)
        self._below: dict[_Node, list[Key]] | None = None

    def put(self, run: RunRecord) -> None:
        """Put `run` in, or replace it."""
        if self._below is not None and run.key not in self:
            _file(self._below, run.key)
        self[run.key] = run

    def below(self, node: Key) -> Collection[Key]:
        """Keys of the runs at places below `node`, of all rounds."""
        if self._below is None:
            self._below = {}
            for key in self:
                _file(self._below, key)
        return self._below.get((node.root, node.cause, node.place), ())


def below(runs: Mapping[Key, RunRecord], node: Key) -> Collection[Key]:
    """Keys of those `runs` at places below `node`, of all rounds; costs as much as there are of them, where own."""
    return (runs if isinstance(runs, OwnRuns) else OwnRuns(runs)).below(node)


def _file(index: dict[_Node, list[Key]], key: Key) -> None:
    for depth in range(len(key.place)):
        index.setdefault((key.root, key.cause, key.place[:depth]), []).append(key)
