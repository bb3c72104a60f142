"""Which nodes of a DAG are looked at when it is walked, and in which order: those that anything may follow for.

Of a large DAG most nodes only wait: nothing that they wait for has ended, and nothing of them has a record. They are
passed over, so that walking costs as much as what has begun, however much is still to come. This module must never
say what follows for a node.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterator

from planner.model.desired import Dag, Node

__all__ = ["Frontier"]


class Frontier:
    """The nodes of `dag` in topological order, but for those that certainly wait. Lives for one walk."""

    def __init__(self, dag: Dag, begun: Collection[str]) -> None:
        """Begin.

        Args:
            dag: it.
            begun: names of its nodes of which anything has a record.
        """
        self._dag = dag
        self._seen = {dag.positions[name] for name in begun if name in dag.positions}.union(dag.sources)
        self._heap = sorted(self._seen)

    def __iter__(self) -> Iterator[Node]:
        while self._heap:
            yield self._dag.nodes[heapq.heappop(self._heap)]

    def ended(self, name: str) -> None:
        """Have those looked at that wait for `name`; they come after it in the order."""
        for position in self._dag.dependents[self._dag.positions[name]]:
            if position not in self._seen:
                self._seen.add(position)
                heapq.heappush(self._heap, position)
