"""A graph as lines for a terminal, and as a flowchart of Mermaid."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from planner.graph import Edge, Graph, Told, Vertex
from planner.render.counted import many

__all__ = ["graph_mermaid", "graph_text"]

_SHOWN = 4
"""Nodes before one that a line names."""


def graph_text(graph: Graph) -> Iterator[str]:
    """One line a node, layer by layer: what it is, how it goes, and what it waits for, and why."""
    count = len(graph.nodes)
    layers = max((node.layer for node in graph.nodes if "/" not in node.path), default=1)
    status = f", {_word(graph.told)}" if graph.told.status else ""
    name = graph.told.run or graph.operation
    yield f"{name} ({graph.kind}): {many(count, 'node')} in {many(layers, 'layer')}{status}"
    above: dict[str, list[Edge]] = {}
    for edge in graph.edges:
        above.setdefault(edge.target, []).append(edge)
    rows = list(_rows(graph, above))
    widths = [max((len(row[at]) for row in rows), default=0) for at in range(3)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, (*widths, 0), strict=True))
        yield "  ".join(cells).rstrip()


def _rows(graph: Graph, above: dict[str, list[Edge]]) -> Iterator[tuple[str, str, str, str]]:
    before: dict[str, int] = {}
    for node in graph.nodes:
        parent, _, name = node.path.rpartition("/")
        indent = "    " * node.path.count("/")
        # The number of a layer stands at its first node.
        number = f"{node.layer}" if before.get(parent) != node.layer else ""
        before[parent] = node.layer
        head = f"{indent}{number:>3} {name or graph.operation}"
        yield head, node.kind, _word(node.told), _after(node, above.get(node.path, []))


def _word(told: Told) -> str:
    return f"{told.status}: {told.reason}" if told.reason and told.reason != told.status else told.status


def _after(node: Vertex, edges: list[Edge]) -> str:
    shown = [f"{edge.source.rpartition('/')[2]}{_why(edge.reasons)}" for edge in edges[:_SHOWN]]
    rest = f" and {len(edges) - _SHOWN} more" if len(edges) > _SHOWN else ""
    trigger = f" [{node.trigger}]" if node.trigger != "all_succeeded" else ""
    parts = [f"after {', '.join(shown)}{rest}{trigger}"] if shown else []
    if node.joins:
        parts.append(many(node.joins, "join"))
    if node.refused:
        parts.append(f"refused: {node.refused}")
    return "; ".join(parts)


def _why(reasons: Iterable[str]) -> str:
    said = [reason for reason in reasons if reason != "dependency"]
    return f" ({'; '.join(said)})" if said else ""


# Mermaid


def graph_mermaid(graph: Graph) -> Iterator[str]:
    """A flowchart; nodes have numbers for ids, as a name such as `end` means something to Mermaid."""
    idents = {node.path: f"n{number}" for number, node in enumerate(graph.nodes)}
    groups = {node.path for node in graph.nodes if any(other.path.startswith(f"{node.path}/") for other in graph.nodes)}
    yield "flowchart TD"
    yield from _group(graph, "", (idents, groups), 1)
    for edge in graph.edges:
        why = "; ".join(reason for reason in edge.reasons if reason != "dependency")
        arrow = f'-->|"{_escaped(why)}"|' if why else "-->"
        yield f"    {idents[edge.source]} {arrow} {idents[edge.target]}"
    for status, colour in _COLOURS.items():
        found = [idents[node.path] for node in graph.nodes if node.told.status == status and node.path not in groups]
        if found:
            yield f"    classDef {status} {colour}"
            yield f"    class {','.join(found)} {status}"


def _group(graph: Graph, parent: str, known: tuple[dict[str, str], set[str]], depth: int) -> Iterator[str]:
    idents, groups = known
    indent = "    " * depth
    for node in graph.nodes:
        if node.path.rpartition("/")[0] != parent or (node.path == parent and parent):
            continue
        label = _label(node, graph)
        if node.path not in groups:
            yield f"{indent}{idents[node.path]}{label}"
            continue
        yield f"{indent}subgraph {idents[node.path]}{label}"
        yield from _group(graph, node.path, known, depth + 1)
        yield f"{indent}end"


def _label(node: Vertex, graph: Graph) -> str:
    name = node.path.rpartition("/")[2] or graph.operation
    more = [node.told.status] if node.told.status else []
    more += [node.trigger] if node.trigger != "all_succeeded" else []
    return f'["{"<br/>".join(map(_escaped, (name, *more)))}"]'


_ESCAPES = {"#": "#35;", '"': "#quot;", "|": "#124;", "<": "#lt;", ">": "#gt;", "[": "#91;", "]": "#93;", "`": "#96;"}


def _escaped(text: str) -> str:
    return "".join(_ESCAPES.get(letter, letter) for letter in text)


_COLOURS = {
    "succeeded": "fill:#d4edda,stroke:#28a745",
    "failed": "fill:#f8d7da,stroke:#dc3545",
    "upstream_failed": "fill:#f8d7da,stroke:#dc3545",
    "running": "fill:#cce5ff,stroke:#007bff",
    "skipped": "fill:#e2e3e5,stroke:#6c757d",
    "stopped": "fill:#e2e3e5,stroke:#6c757d",
}
