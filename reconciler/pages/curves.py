"""Series of a run as small curves: read in bounds, thinned out, and drawn as paths of SVG.

What it must never do: read a series to its end because it is long, or draw what is no number.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import cast

import anyio

from planner.model.metric import Metric
from reconciler.api.measured import Series
from reconciler.core import Core
from reconciler.pages.words import number

__all__ = ["HEIGHT", "WIDTH", "Curve", "Drawn", "curves", "draw"]

WIDTH, HEIGHT = 240, 48
"""Of a curve, in the units of its path."""
_MOST_POINTS = 20_000
"""Values of a run that are read."""
_MOST_CURVES = 50
_SECONDS = 3.0
_BUCKETS = WIDTH // 2
_EDGE = 3.0

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Curve:
    """A series.

    Attributes:
        name: of the metric, with the replica that measured it.
        last: its newest value that was read.
        step: of that; None where the run said nothing.
        count: how many values were read.
        path: of SVG; "" where there is no line to draw.
        words: the same for whoever does not see it.
    """

    name: str
    last: str
    step: int | None
    count: int
    path: str
    words: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """The curves of a run, and whether all of its values are in them."""

    curves: tuple[Curve, ...] = ()
    whole: bool = True


async def curves(core: Core, series: Series) -> Drawn:
    """The series of the newest of the attempts."""
    found: dict[tuple[str, str], list[Metric]] = {}
    whole = False
    with anyio.move_on_after(_SECONDS):
        whole = await _read(core, series, found)
    shown = [_curve(name, replica, points) for (name, replica), points in list(found.items())[:_MOST_CURVES]]
    return Drawn(tuple(shown), whole and len(found) <= _MOST_CURVES)


async def _read(core: Core, series: Series, found: dict[tuple[str, str], list[Metric]]) -> bool:
    """Read into `found`; returns whether that was all."""
    count = 0
    for attempt in series.attempts[-1:]:
        pieces = core.backend.metrics(series.source.key.at_attempt(attempt))
        # What is not read to its end has to let go of its file.
        async with contextlib.aclosing(cast("AsyncGenerator[Sequence[Metric], None]", pieces)) as read:
            async for piece in read:
                for point in piece[: _MOST_POINTS - count]:
                    found.setdefault((point.name, point.replica or ""), []).append(point)
                count += len(piece)
                if count > _MOST_POINTS:
                    return False
    return True


def _curve(name: str, replica: str, points: Sequence[Metric]) -> Curve:
    last = points[-1]
    drawn = draw(points)
    numbers = [point.value for point in points if not isinstance(point.value, str)]
    words = f"{len(points)} values"
    if numbers:
        words += f" from {number(numbers[0])} to {number(numbers[-1])}"
        words += f", lowest {number(min(numbers))}, highest {number(max(numbers))}"
    return Curve(f"{name} ({replica})" if replica else name, number(last.value), last.step, len(points), drawn, words)


def draw(points: Sequence[Metric]) -> str:
    """The path of a series; gaps where it has no numbers; "" for fewer than two of them."""
    runs = [run for run in _runs(points) if run]
    if sum(map(len, runs)) < 2:
        return ""
    every = [point for run in runs for point in run]
    left, right = min(x for x, _ in every), max(x for x, _ in every)
    low, high = min(y for _, y in every), max(y for _, y in every)
    scaled = [[_placed(point, (left, right), (low, high)) for point in run] for run in runs]
    return " ".join(_line(_thinned(run)) for run in scaled)


def _runs(points: Sequence[Metric]) -> list[list[Point]]:
    """The numbers of a series, in stretches without a gap: over their steps where these go up, else in order."""
    steps = [point.step for point in points]
    by_step = all(step is not None for step in steps) and steps == sorted(steps, key=lambda step: step or 0)
    runs: list[list[Point]] = [[]]
    for at, point in enumerate(points):
        if isinstance(point.value, str) or not math.isfinite(point.value):
            runs.append([])
        else:
            runs[-1].append((float(point.step or 0) if by_step else float(at), float(point.value)))
    return runs


def _placed(point: Point, across: Point, up: Point) -> Point:
    x, y = (
        (value - low) / (high - low) if high > low else 0.5
        for value, (low, high) in zip(point, (across, up), strict=True)
    )
    return _EDGE + x * (WIDTH - 2 * _EDGE), HEIGHT - _EDGE - y * (HEIGHT - 2 * _EDGE)


def _thinned(run: Sequence[Point]) -> Sequence[Point]:
    """Of many points the highest and lowest of each stretch, so that no peak is lost."""
    if len(run) <= 2 * _BUCKETS:
        return run
    kept: list[Point] = []
    for bucket in range(_BUCKETS):
        part = run[bucket * len(run) // _BUCKETS : (bucket + 1) * len(run) // _BUCKETS]
        ends = {part.index(min(part, key=_height)), part.index(max(part, key=_height))}
        kept += [part[at] for at in sorted(ends)]
    return kept


def _height(point: Point) -> float:
    return point[1]


def _line(run: Sequence[Point]) -> str:
    """A stretch; of a single point a short line, as nothing else of it could be seen."""
    pairs = [f"{x:.1f} {y:.1f}" for x, y in run]
    return f"M{pairs[0]} h1" if len(pairs) == 1 else f"M{' L'.join(pairs)}"
