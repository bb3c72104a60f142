"""The graph of a DAG: what each operation waits for, checked, and an order to compile them in.

Edges are `dependencies` and params with `ref: ops.X`. Ties of the order go by place in the file.
Reference, section 12.1.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from planner.compile.origin import Origin, Report
from planner.spec.operation import Operation
from planner.spec.shape import is_template
from planner.spec.words import nearest, short, some

__all__ = ["Vertex", "arrange"]


@dataclass(frozen=True, slots=True)
class Vertex:
    """An operation of a DAG.

    Attributes:
        operation: it.
        origin: where it is written.
        upstream: names of the operations that it waits for, in the order in which they are named.
    """

    operation: Operation
    origin: Origin
    upstream: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its name."""
        assert self.operation.name is not None  # `arrange` leaves out those without
        return self.operation.name


def arrange(operations: Sequence[Operation], origin: Origin, report: Report) -> tuple[Vertex, ...]:
    """The operations of a DAG in topological order, without those that have no place in it.

    Args:
        operations: as written.
        origin: where the list is written.
        report: takes missing and double names, unknown operations and cycles.
    """
    named = _named(operations, origin, report)
    vertices = {name: _vertex(name, named, report) for name in named}
    order, left = _sorted(vertices)
    for cycle in _cycles(vertices, left):
        first = vertices[cycle[0]]
        where = first.origin.first(("dependencies",), ("params",))
        hint = "remove one of these dependencies or refs"
        report.add(where.problem("PL-303", f"dependency cycle: {some([*cycle, cycle[0]], ' → ')}", hint))
    return tuple(vertices[name] for name in (*order, *left))  # the others too, for the problems in them


def _named(operations: Sequence[Operation], origin: Origin, report: Report) -> Mapping[str, tuple[Operation, Origin]]:
    found: dict[str, tuple[Operation, Origin]] = {}
    for index, operation in enumerate(operations):
        where = origin.at(index)
        if operation.name is None:
            report.add(where.problem("PL-307", "an operation of a DAG needs a name", "add `name`"))
        elif operation.name in found:
            first = found[operation.name][1].at("name").place
            message = f"two operations named `{operation.name}`"
            report.add(where.at("name").problem("PL-301", message, f"the first is in line {first.line}"))
        else:
            found[operation.name] = (operation, where)
    return found


def _vertex(name: str, named: Mapping[str, tuple[Operation, Origin]], report: Report) -> Vertex:
    operation, origin = named[name]
    for field in ("dependencies", "trigger"):
        if is_template(getattr(operation, field)):
            message = f"`{field}` cannot be a template: the graph is known before anything runs"
            report.add(origin.at(field).problem("PL-406", message, "write it out"))
    upstream: dict[str, None] = {}
    for other, where in _edges(operation, origin):
        if other in named:
            upstream[other] = None
            continue
        near = "" if report.full else nearest(other, (known for known in named if known != name))
        hint = f"did you mean `{near}`?" if near else f"there are {', '.join(list(named)[:8])}"
        report.add(where.problem("PL-304", f"the DAG has no operation `{short(other)}`", hint))
    return Vertex(operation, origin, tuple(upstream))


def _edges(operation: Operation, origin: Origin) -> list[tuple[str, Origin]]:
    """What an operation waits for: `dependencies`, params and events of others (reference, section 12.1)."""
    named = operation.dependencies if isinstance(operation.dependencies, tuple) else ()
    found = [(name, origin.at("dependencies", index)) for index, name in enumerate(named)]
    for param, value in (operation.params or {}).items():
        reference = value.reference
        if reference is not None and reference.source == "ops":
            found.append((reference.name, origin.at("params", param, "ref")))
    for index, event in enumerate(operation.events if isinstance(operation.events, tuple) else ()):
        if event.operation:
            found.append((event.operation, origin.at("events", index, "ref")))
    return found


def _sorted(vertices: Mapping[str, Vertex]) -> tuple[list[str], list[str]]:
    """Names in order, and the names that are in a cycle or behind one."""
    rank = {name: index for index, name in enumerate(vertices)}
    names = list(vertices)
    below: dict[str, list[str]] = {name: [] for name in vertices}
    waits = {name: len(vertex.upstream) for name, vertex in vertices.items()}
    for name, vertex in vertices.items():
        for other in vertex.upstream:
            below[other].append(name)
    ready = [rank[name] for name, count in waits.items() if not count]
    order: list[str] = []
    while ready:
        name = names[heapq.heappop(ready)]
        order.append(name)
        for other in below[name]:
            waits[other] -= 1
            if not waits[other]:
                heapq.heappush(ready, rank[other])
    return order, [name for name in names if waits[name]]


def _cycles(vertices: Mapping[str, Vertex], left: Sequence[str]) -> Iterator[list[str]]:
    """Cycles that have no operation in common, until none is left without one of theirs."""
    while left:
        inside = set(left)
        path: list[str] = []
        name = left[0]
        while name not in path:
            path.append(name)
            name = next(other for other in vertices[name].upstream if other in inside)
        cycle = path[path.index(name) :]
        yield cycle
        rest = {
            name: replace(vertex, upstream=tuple(other for other in vertex.upstream if other in inside - set(cycle)))
            for name, vertex in vertices.items()
            if name in inside - set(cycle)
        }
        vertices, left = rest, _sorted(rest)[1]
