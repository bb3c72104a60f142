"""What one file may cost: nodes, depth, aliases and problems, counted as if aliases and merge keys were written out.

Aliases share what they repeat, so a small file can stand for a huge tree; whoever walks it pays for the tree. Counting
ends the reading before that. This module must never look at values.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from planner.errors import Place, Problem

__all__ = ["MAX_ALIASES", "MAX_DEPTH", "MAX_NODES", "MAX_PROBLEMS", "Budget", "Stop"]

MAX_DEPTH = 64
MAX_ALIASES = 100
MAX_NODES = 50_000
"""Nodes of a file, keys included."""
MAX_PROBLEMS = 50


class Stop(Exception):  # noqa: N818 - it ends the reading of a file and never leaves the reader
    """The file is not read any further."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem


@dataclass(slots=True)
class Budget:
    """What a file has used so far.

    Attributes:
        problems: those reported, in order.
        depth: open collections.
        used: nodes so far, written or repeated; whoever counts one by one adds to it.
    """

    problems: list[Problem] = field(default_factory=list)
    depth: int = 0
    used: int = 0
    _aliases: int = 0
    _deepest: int = 0

    def nodes(self, count: int, where: Callable[[], Place]) -> None:
        """Counts nodes, written or repeated."""
        self.used += count
        if self.used > MAX_NODES:
            raise self.overdrawn(where())

    def overdrawn(self, place: Place) -> Stop:
        """What ends the reading where there are too many nodes."""
        message = f"more than {MAX_NODES:,} values, counting what aliases and merge keys repeat"
        return Stop(Problem("PL-105", message, place, hint="split the file"))

    def alias(self, where: Callable[[], Place]) -> None:
        """Counts an alias."""
        self._aliases += 1
        if self._aliases > MAX_ALIASES:
            raise Stop(Problem("PL-105", f"more than {MAX_ALIASES} aliases", where(), hint="write the values out"))

    def enter(self, where: Callable[[], Place]) -> None:
        """A collection begins."""
        self.depth += 1
        self.levels(0, where)

    def levels(self, below: int, where: Callable[[], Place]) -> None:
        """Checks the depth of a node with `below` levels in it."""
        depth = self.depth + below
        if depth > self._deepest:
            self._deepest = depth
            if depth > MAX_DEPTH:
                raise Stop(Problem("PL-104", f"nested more than {MAX_DEPTH} levels deep", where()))

    def climb(self) -> int:
        """Starts to measure a node; what it gives is for `descend` at the end of the node."""
        around, self._deepest = self._deepest, self.depth
        return around

    def descend(self, around: int) -> int:
        """The levels of the node that `climb` began."""
        height = self._deepest - self.depth
        self._deepest = max(self._deepest, around)
        return height

    def report(self, problem: Problem) -> None:
        """Takes a problem that the reading survives; the one after the last one shown says that there are more."""
        if len(self.problems) >= MAX_PROBLEMS:
            raise Stop(Problem("PL-212", "more problems than are shown", problem.place, hint="repair these first"))
        self.problems.append(problem)
