"""The graph of an operation as a value for people: its nodes in layers, and why one waits for another.

Made of the compiled operation alone; how a run goes is told by who knows it. Nothing here decides what starts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from planner.model.desired import CompiledOperation, Dag, Leaf, Node, Sweep

__all__ = ["Edge", "Graph", "Told", "Vertex", "graph_of"]


@dataclass(frozen=True, slots=True)
class Told:
    """How a node goes: its status, why, and the key of its run; all "" where it has none yet."""

    status: str = ""
    reason: str = ""
    run: str = ""


@dataclass(frozen=True, slots=True)
class Vertex:
    """A node.

    Attributes:
        path: names from the graph's operation on, such as `inner/train`; "" for an operation that is no DAG.
        kind: of its run.
        layer: from 1; a node comes after all nodes of its DAG that it waits for.
        trigger: which ends of these let it start.
        refused: why it cannot run here, or "".
        joins: how many joins it has; they wait for nobody.
        told: how it goes.
    """

    path: str
    kind: str
    layer: int = 1
    trigger: str = "all_succeeded"
    refused: str = ""
    joins: int = 0
    told: Told = Told()


@dataclass(frozen=True, slots=True)
class Edge:
    """That a node waits for another one.

    Attributes:
        source: path of the other one.
        target: its own path.
        reasons: `dependency`, `param NAME (outputs.X)` or `event STATUS`.
    """

    source: str
    target: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Graph:
    """A graph.

    Attributes:
        operation: name of its root.
        kind: of the operation.
        nodes: layer by layer, those of a DAG inside it after it.
        edges: in the order of the nodes that wait.
        told: how the run as a whole goes.
    """

    operation: str
    kind: str
    nodes: tuple[Vertex, ...] = ()
    edges: tuple[Edge, ...] = ()
    told: Told = Told()


def graph_of(operation: CompiledOperation, told: Mapping[tuple[str, ...], Told] | None = None) -> Graph:
    """The graph of an operation.

    Args:
        operation: a DAG; anything else is one node.
        told: how the nodes go, by place; the empty place for the run as a whole.
    """
    work = _Work(told or {})
    if isinstance(operation.body, Dag):
        work.dag(operation.body, ())
    else:
        work.single(operation)
    return Graph(operation.name, operation.kind, tuple(work.nodes), tuple(work.edges), work.told.get((), Told()))


@dataclass(slots=True)
class _Work:
    told: Mapping[tuple[str, ...], Told]
    nodes: list[Vertex] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)

    def single(self, operation: CompiledOperation) -> None:
        """An operation that is no DAG, after what builds its image."""
        build = operation.build
        if build is not None:
            told = self.told.get((build.name,), Told())
            self.nodes.append(_vertex(build, build.name, 1, "all_succeeded", told))
            self.edges.append(Edge(build.name, "", tuple(_reasons(Node(operation), build.name, (build.name,)))))
        layer = 1 if build is None else 2
        self.nodes.append(_vertex(operation, "", layer, "all_succeeded", self.told.get((), Told())))

    def dag(self, dag: Dag, place: tuple[str, ...]) -> None:
        layers = _layers(dag)
        for node in sorted(dag.nodes, key=lambda node: layers[node.operation.name]):
            operation = node.operation
            here = (*place, operation.name)
            told = self.told.get(here, Told())
            path = "/".join(here)
            self.nodes.append(_vertex(operation, path, layers[operation.name], node.trigger, told))
            for name in node.upstream:
                reasons = tuple(_reasons(node, name, (*place, name)))
                self.edges.append(Edge("/".join((*place, name)), path, reasons or ("dependency",)))
            if isinstance(operation.body, Dag):
                self.dag(operation.body, here)


def _vertex(operation: CompiledOperation, path: str, layer: int, trigger: str, told: Told) -> Vertex:
    joins = len(operation.body.joins) if isinstance(operation.body, Leaf) else 0
    return Vertex(path, operation.kind, layer, trigger, operation.refused, joins, told)


def _layers(dag: Dag) -> dict[str, int]:
    """The nodes are in topological order: what one waits for has its layer already."""
    found: dict[str, int] = {}
    for node in dag.nodes:
        found[node.operation.name] = 1 + max((found[name] for name in node.upstream), default=0)
    return found


def _reasons(node: Node, name: str, place: tuple[str, ...]) -> Iterator[str]:
    """Why a node waits for its neighbour `name`, apart from `dependencies`: those are not told from the rest."""
    for param, source in sorted(set(_references(node.operation, place))):
        yield f"param {param} ({source})"
    for event in node.events:
        if event.upstream == name:
            yield f"event {', '.join(event.statuses)}"


def _references(operation: CompiledOperation, place: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    if isinstance(operation.body, Dag):
        for node in operation.body.nodes:
            yield from _references(node.operation, place)
        return
    if isinstance(operation.body, Sweep):
        yield from _references(operation.body.trial, place)
        return
    for param, reference in operation.body.references.items():
        if reference.place[: len(place)] == place:
            yield param, ".".join((*reference.place[len(place) :], *reference.path))
