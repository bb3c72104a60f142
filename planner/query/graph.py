"""Where a run stands in its DAG: its own compiled operation, and the nodes before and after it. Reads no record."""

from __future__ import annotations

from planner.keys import is_trial, tuner_number
from planner.model.desired import CompiledOperation, Dag, Sweep

__all__ = ["beside", "node_of"]


def node_of(top: CompiledOperation | None, place: tuple[str, ...]) -> CompiledOperation | None:
    """The compiled operation at a place below `top`; None where it has none there."""
    for name in place:
        top = _below(top, name) if top is not None else None
    return top


def _below(operation: CompiledOperation, name: str) -> CompiledOperation | None:
    if isinstance(operation.body, Dag):
        node = operation.body.node(name)
        return node.operation if node is not None else None
    if isinstance(operation.body, Sweep) and is_trial(name):
        return operation.body.trial
    if isinstance(operation.body, Sweep) and tuner_number(name) is not None:
        return operation.body.tuner
    return operation.build if operation.build is not None and operation.build.name == name else None


def beside(top: CompiledOperation | None, place: tuple[str, ...], *, above: bool) -> tuple[str, ...]:
    """Names of the nodes that the one at `place` waits for, or of those that wait for it."""
    parent = node_of(top, place[:-1]) if place else None
    body = parent.body if parent is not None else None
    if not isinstance(body, Dag) or place[-1] not in body.positions:
        return ()
    position = body.positions[place[-1]]
    if above:
        return body.nodes[position].upstream
    return tuple(body.nodes[after].operation.name for after in body.dependents[position])
