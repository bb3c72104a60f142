"""What a compiled operation has at a place: a node of a graph, or any trial of a sweep."""

from __future__ import annotations

from planner.keys import is_trial
from planner.model.desired import CompiledOperation, Dag, Sweep

__all__ = ["TRIAL", "step_into", "untried"]

TRIAL = "a trial"
"""Stands for the number of every trial of a sweep."""


def step_into(operation: CompiledOperation, name: str) -> CompiledOperation:
    """The operation that is called `name` below another one."""
    if isinstance(operation.body, Sweep):
        return operation.body.trial
    assert isinstance(operation.body, Dag)
    return next(node.operation for node in operation.body.nodes if node.operation.name == name)


def untried(place: tuple[str, ...]) -> tuple[str, ...]:
    """A place with the numbers of trials left out."""
    return tuple(TRIAL if is_trial(part) else part for part in place)
