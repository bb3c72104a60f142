"""The graph of a DAG as places on a plane: columns from left to right, and lines between them. Pure.

Large graphs are not drawn: nobody reads them, and the list below says the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["MOST_NODES", "Box", "Drawing", "drawing_of"]

MOST_NODES = 60
"""Nodes of a graph that is drawn."""

_WIDTH, _HEIGHT, _ACROSS, _DOWN, _EDGE = 172, 46, 44, 14, 4
_LONGEST = 20
"""Letters that fit a box."""


@dataclass(frozen=True, slots=True)
class Box:
    """A node: where it is, and what it says."""

    x: int
    y: int
    path: str
    name: str
    state: str
    run: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """A graph: its size, its boxes, and the lines between them as paths; `inner` leads into a DAG inside it."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    lines: tuple[str, ...]
    inner: tuple[str, ...]
    box_width: int = _WIDTH
    box_height: int = _HEIGHT


def drawing_of(graph: Mapping[str, Any]) -> Drawing | None:
    """The drawing of a graph as the API gives it; None where it is no DAG, or too large."""
    nodes: Sequence[Mapping[str, Any]] = graph["nodes"]
    if graph["kind"] != "dag" or not 0 < len(nodes) <= MOST_NODES:
        return None
    edges = [(str(edge["source"]), str(edge["target"])) for edge in graph["edges"]]
    columns = _columns([str(node["path"]) for node in nodes], edges)
    filled: dict[int, int] = {}
    boxes: dict[str, Box] = {}
    for node in nodes:
        path, told = str(node["path"]), node["told"]
        column = columns[path]
        row = filled[column] = filled.get(column, -1) + 1
        state = "refused" if node["refused"] else str(told["status"])
        x, y = _EDGE + column * (_WIDTH + _ACROSS), _EDGE + row * (_HEIGHT + _DOWN)
        boxes[path] = Box(x, y, path, _short(path.rpartition("/")[2]), state, str(told["run"]))
    reached = {target for _, target in edges}
    inner = [(_above(path), path) for path in boxes if _above(path) in boxes and path not in reached]
    return Drawing(
        width=2 * _EDGE + (max(columns.values()) + 1) * (_WIDTH + _ACROSS) - _ACROSS,
        height=2 * _EDGE + (max(filled.values()) + 1) * (_HEIGHT + _DOWN) - _DOWN,
        boxes=tuple(boxes.values()),
        lines=tuple(_line(boxes[source], boxes[target]) for source, target in edges),
        inner=tuple(_line(boxes[source], boxes[target]) for source, target in inner),
    )


def _columns(paths: Sequence[str], edges: Sequence[tuple[str, str]]) -> dict[str, int]:
    """The column of each node: behind all that it waits for, and what is inside a DAG behind that."""
    sources: dict[str, list[str]] = {}
    for source, target in edges:
        sources.setdefault(target, []).append(source)
    columns: dict[str, int] = {}
    ends: dict[str, int] = {}
    for path in paths:  # a node comes after what it waits for, and after the DAG that it is in
        above = _above(path)
        before = [ends[source] for source in sources.get(path, ()) if source in ends]
        before += [columns[above]] if above in columns else []
        columns[path] = ends[path] = max(before, default=-1) + 1
        while above and above in ends:
            ends[above] = max(ends[above], columns[path])
            above = _above(above)
    return columns


def _above(path: str) -> str:
    return path.rpartition("/")[0]


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


def _line(source: Box, target: Box) -> str:
    begin, end = source.x + _WIDTH, target.x
    half = max((end - begin) // 2, 16)
    first, last = source.y + _HEIGHT // 2, target.y + _HEIGHT // 2
    return f"M{begin} {first} C{begin + half} {first} {end - half} {last} {end} {last}"
