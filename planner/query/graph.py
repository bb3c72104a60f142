"""Where a run stands in its DAG: its own compiled operation, and the nodes before and after it. Reads no record."""

from __future__ import annotations

from planner.model.desired import CompiledOperation, Dag, Node

__all__ = ["beside", "node_of"]


def node_of(top: CompiledOperation | None, place: tuple[str, ...]) -> CompiledOperation | None:
    """The compiled operation at a place below `top`; None where it has none there."""
    for name in place:
        nodes = _nodes(top)
        top = nodes[name].operation if name in nodes else None
    return top


def beside(top: CompiledOperation | None, place: tuple[str, ...], *, above: bool) -> tuple[str, ...]:
    """Names of the nodes that the one at `place` waits for, or of those that wait for it."""
    nodes = _nodes(node_of(top, place[:-1]))
    if not place or place[-1] not in nodes:
        return ()
    if above:
        return nodes[place[-1]].upstream
    return tuple(name for name, node in nodes.items() if place[-1] in node.upstream)


def _nodes(operation: CompiledOperation | None) -> dict[str, Node]:
    body = operation.body if operation is not None else None
    return {node.operation.name: node for node in body.nodes} if isinstance(body, Dag) else {}
