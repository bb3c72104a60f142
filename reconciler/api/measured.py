"""Series of metrics of a run, as lines of JSON: what it wrote, read where it lies, also while it runs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from planner.model.records import RunRecord
from reconciler.api import find, problems
from reconciler.api.logs import Write
from reconciler.api.stories import Story, one
from reconciler.core import Core

__all__ = ["Series", "prepare", "stream", "worker", "worker_of"]


@dataclass(frozen=True, slots=True)
class Series:
    """Which metrics.

    Attributes:
        source: the run that did the work.
        attempts: whose metrics, oldest first.
        name: of the one metric; "" for all.
    """

    source: RunRecord
    attempts: tuple[int, ...]
    name: str = ""


async def prepare(core: Core, name: str, metric: str = "") -> Series:
    """What `name` stands for: all attempts of a run, or the one that was named. Of a cached run, those of its source.

    Raises:
        ApiError: nothing fits, more than one thing does, or it has no metrics of its own.
    """
    source, attempt = await worker(core, name)
    numbers = tuple(entry.number for entry in source.attempts)
    return Series(source, (attempt,) if attempt else numbers, metric)


async def worker(core: Core, name: str) -> tuple[RunRecord, int]:
    """The run that did the work of the one that `name` names, also where it is cached, and the attempt that was named.

    Raises:
        ApiError: nothing fits, more than one thing does, or it is a DAG, which does nothing itself.
    """
    found = await find.run(core, name)
    assert found.run is not None
    if found.run.is_parent:
        what, below = ("sweep", "trials") if found.run.kind == "matrix" else ("DAG", "nodes")
        like = "0000" if found.run.kind == "matrix" else "NODE"
        raise problems.conflict(f"{found.run.key} is a {what}: name one of its {below}, as `{found.run.key}/{like}`")
    story = await one(core, found.run.key, newest=False) or Story(found.run, found.run, found.run)
    return await worker_of(core, story), found.attempt


async def worker_of(core: Core, story: Story) -> RunRecord:
    """The run that did the work of a run, also where that is cached."""
    source = story.source
    if source.cached_from is not None:
        cached = await one(core, source.cached_from, newest=False)
        source = cached.source if cached is not None else source
    return source


async def stream(core: Core, series: Series, write: Write) -> None:
    """Write a line for each point of `series`."""
    for number in series.attempts:
        async for piece in core.backend.metrics(series.source.key.at_attempt(number)):
            lines = [
                json.dumps({**asdict(point), "attempt": number}, ensure_ascii=False) + "\n"
                for point in piece
                if series.name in {"", point.name}
            ]
            if lines:
                await write("".join(lines).encode())
