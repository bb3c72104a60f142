"""`dag`: operations that wait for one another (reference, section 12)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial

from planner.canon import Json
from planner.compile.bindings import Around, Sibling
from planner.compile.building import Wanted, build_of, built, is_built, name_of, with_refusal
from planner.compile.graph import Vertex, arrange
from planner.compile.ground import Ground, whole
from planner.compile.origin import Origin, warning
from planner.compile.resolve import Found
from planner.compile.settled import settled
from planner.model.desired import CompiledOperation, Dag, Event, Node
from planner.spec import run as spec
from planner.spec.events import RUN_STATUS
from planner.spec.plain import plain

__all__ = ["Child", "components_of", "lower", "unused"]

Child = Callable[[Vertex, Around], tuple[CompiledOperation | None, Sibling]]
"""Compiles one operation of the DAG; None where it has an error."""


def components_of(said: spec.Dag, origin: Origin, ground: Ground) -> Mapping[str, Found]:
    """The components of a DAG by name; double and missing names are problems."""
    found: dict[str, Found] = {}
    for index, component in enumerate(said.components or ()):
        where = origin.at("components", index)
        if component.name is None:
            ground.report.add(where.problem("PL-307", "a component of a DAG needs a name", "add `name`"))
        elif component.name in found:
            ground.report.add(where.at("name").problem("PL-211", f"two components named `{component.name}`"))
        else:
            found[component.name] = Found(component, where)
    return found


def lower(said: spec.Dag, ground: Ground, around: Around, child: Child) -> Dag | None:
    """The graph with its compiled operations; None with a problem where it has none.

    Args:
        said: the run.
        ground: where it is written.
        around: the DAG as its operations see it, no sibling compiled yet.
        child: compiles one operation.
    """
    origin = ground.origin.at("operations")
    concurrency = whole(said.concurrency, 1, ground.origin.at("concurrency"), (ground.scope, ground.report))
    for found in unused(said, around.components):
        where = found.origin.first(("name",))
        message = f"no operation uses the component `{found.component.name}`"
        ground.report.add(warning(where.problem("PL-309", message, "name it in a `dagRef`, or remove it")))
    if not said.operations:
        where = ground.origin.first(("operations",))
        ground.report.add(where.problem("PL-202", "a DAG needs operations", "add `operations`"))
        return None
    siblings: dict[str, Sibling] = {}
    nodes: list[Node] = []
    names = frozenset(operation.name for operation in said.operations if operation.name)
    for vertex in arrange(said.operations, origin, ground.report):
        compiled, sibling = child(vertex, replace(around, siblings=siblings))
        siblings[vertex.name] = sibling
        if compiled is not None:
            trigger, skips = vertex.operation.trigger, vertex.operation.skip_on_upstream_skip
            events = tuple(_events(compiled.sections.get("events")))
            node = Node(compiled, vertex.upstream, trigger or "all_succeeded", skips is True, events)
            if is_built(compiled):
                inner = replace(around, siblings=siblings)
                wanted = Wanted(vertex, compiled, sibling, inner, ground)
                nodes += _with_build(wanted, node, partial(_compiled, child, inner), names)
            else:
                nodes.append(node)
    return Dag(tuple(nodes), concurrency, tuple(_rules(said, ground)))


def _compiled(child: Child, around: Around, vertex: Vertex) -> CompiledOperation | None:
    return child(vertex, around)[0]


def _with_build(
    wanted: Wanted, node: Node, compile_one: Callable[[Vertex], CompiledOperation | None], names: frozenset[str]
) -> list[Node]:
    """The node after one that builds its image; refused where nothing can, and none with a problem."""
    name, report = name_of(wanted.vertex), wanted.ground.report
    if name in names:
        message = f"the DAG has an operation `{name}`, which is the name of what builds an image here"
        report.add(wanted.vertex.origin.first(("build",)).problem("PL-301", message, "rename it"))
        return []
    if wanted.refused:
        return [_refused(node, wanted.refused)]
    made = build_of(wanted)
    compiled = compile_one(made[0]) if made is not None else None
    if made is None or compiled is None:
        return []
    if made[1]:
        return [_refused(node, made[1])]
    build = Node(compiled, node.upstream, skip_on_upstream_skip=node.skip_on_upstream_skip)
    return [build, built(wanted, node)]


def _refused(node: Node, reason: str) -> Node:
    return replace(node, operation=with_refusal(node.operation, reason))


def _events(bound: Json) -> Iterator[Event]:
    """Events of other operations of the DAG; all others refuse the operation."""
    for event in bound if isinstance(bound, list | tuple) else ():
        source, kinds = (event.get("ref"), event.get("kinds")) if isinstance(event, Mapping) else ("", ())
        if isinstance(source, str) and source.startswith("ops.") and isinstance(kinds, list | tuple):
            statuses = tuple(str(kind).removeprefix(RUN_STATUS) for kind in kinds)
            yield Event(source.removeprefix("ops."), statuses)


def _rules(said: spec.Dag, ground: Ground) -> Iterator[Mapping[str, Json]]:
    """Rules of early stopping, their templates evaluated but those that each run of a sweep has values for."""
    for index, rule in enumerate(said.early_stopping or ()):
        found = settled(rule, ground.origin.at("earlyStopping", index), ground.scope, ground.report, stays="trial")
        data = None if found is None else plain(found)
        if isinstance(data, Mapping):
            yield data


def unused(said: spec.Dag, library: Mapping[str, Found]) -> tuple[Found, ...]:
    """Components of a DAG that none of its operations names."""
    used = {operation.dag_ref for operation in said.operations or ()}
    return tuple(found for name, found in library.items() if name not in used)
