"""How much a plan starts: runs and GPUs, for people. Nothing is limited here, which is for `planner.guard`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from planner import keys
from planner.gpus import gpus_of
from planner.keys import Key
from planner.model.desired import CompiledOperation, Leaf, Sweep
from planner.model.facts import Opened
from planner.plan import RootPlan
from planner.search import most

__all__ = ["Scale", "scale_of"]


@dataclass(frozen=True, slots=True)
class Scale:
    """What starts, now or later, without another cause.

    Attributes:
        runs: how many; nodes of a DAG that wait for others are counted, hooks and retries are not.
        gpus: that they ask for together, whether at once or not.
    """

    runs: int = 0
    gpus: int = 0

    def __add__(self, other: Scale) -> Scale:
        return Scale(self.runs + other.runs, self.gpus + other.gpus)


def scale_of(root: RootPlan, operation: CompiledOperation | None) -> Scale:
    """What the plan of a root starts. What was carried over, is cached, runs or has ended does not start."""
    applied = root.state.record.applied
    opens = any(isinstance(fact, Opened) for fact in root.facts)
    if operation is None or applied is None or applied.key is None or not (root.ready or opens):
        return Scale()
    found = Scale()
    for key, leaf in _leaves(operation, applied.key):
        record = root.state.runs.get(key)
        if record is None or not (record.status.final or record.alive or record.carried_from is not None):
            found += Scale(1, gpus_of(leaf))
    return found


def _leaves(operation: CompiledOperation, key: Key) -> Iterator[tuple[Key, CompiledOperation]]:
    if operation.build is not None:
        yield key.child(operation.build.name), operation.build
    if isinstance(operation.body, Leaf):
        yield key, operation
        return
    if isinstance(operation.body, Sweep):
        for number in range(most(operation.body.search) or 1):
            yield from _leaves(operation.body.trial, key.child(keys.trial(number)))
        return
    for node in operation.body.nodes:
        yield from _leaves(node.operation, key.child(node.operation.name))
