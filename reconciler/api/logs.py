"""Captured output of runs, as a stream: of one attempt, of all attempts to come, or of all nodes of a DAG.

Following ends by itself when the run is final. Nothing is kept in memory but the line that is not whole yet.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import anyio
from anyio.abc import TaskGroup

from planner.keys import Key
from planner.model.records import AttemptRecord, RunRecord
from reconciler.admission import waits_of
from reconciler.api import archived, find, problems, views
from reconciler.api.stories import Story, leaves, one
from reconciler.core import Core

__all__ = ["Wanted", "Write", "prepare", "stream"]

Write = Callable[[bytes], Awaitable[None]]

_LOOK = 0.2
_LONGEST_LINE = 64 << 10


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which output.

    Attributes:
        run: the run; the top of a DAG for all of its nodes.
        attempt: only of this one; 0 for the newest, and with `follow` those after it.
        follow: go on until the run is final.
        tail: only so many last lines of what there is; None for all.
    """

    run: RunRecord
    attempt: int = 0
    follow: bool = False
    tail: int | None = None


async def prepare(core: Core, name: str, *, follow: bool = False, tail: int | None = None) -> Wanted:
    """What `name` stands for.

    Raises:
        ApiError: nothing fits, more than one thing does, or it has not started and nobody wants to wait.
    """
    found = await find.run(core, name)
    assert found.run is not None
    story = await one(core, found.run.key, newest=False)
    run = found.run
    if story is not None and not follow and not run.is_parent and not story.source.attempts:
        raise problems.conflict(_not_started(core, story))
    return Wanted(run, found.attempt, follow=follow, tail=tail)


def _not_started(core: Core, story: Story) -> str:
    run = story.run
    if run.status.final:
        return f"{run.key} never started: {run.status}{f', {run.reason}' if run.reason else ''}"
    waits = [wait for wait in waits_of(core, run.root) if wait.key.run == run.key]
    why = views.sentence(waits[0]) if waits else f"{run.status} since {views.instant(run.opened_at)}"
    return f"{run.key} has not started: {why}"


async def stream(core: Core, wanted: Wanted, write: Write) -> None:
    """Write the output of `wanted`, until all of it was written or, with `follow`, the run is final."""
    if wanted.run.is_parent:
        await _tree(core, wanted, write)
    else:
        await _leaf(core, wanted, write)


async def _leaf(core: Core, wanted: Wanted, write: Write) -> None:
    """One run: the attempt that was asked for, or the newest and, with `follow`, those after it, with marks between."""
    number, tail, last = wanted.attempt, wanted.tail, b""
    while True:
        story = await one(core, wanted.run.key, newest=False)
        if story is None:
            return
        source = story.source
        attempt = _attempt(source, number) if number else source.last
        if attempt is not None and _has_output(attempt, follow=wanted.follow):
            key = source.key.at_attempt(attempt.number)
            if number and not wanted.attempt:
                # What a program wrote last need not end its line.
                await write((b"" if last in {b"", b"\n"} else b"\n") + f"[attempt {attempt.number}]\n".encode())
                last = b""
            had = core.backend.logs(key, follow=wanted.follow, tail=tail)
            async for chunk in archived.or_stored(core, source, attempt.number, had, tail):
                await write(chunk)
                last = chunk[-1:] or last
            number, tail = attempt.number + 1, None
            if wanted.attempt or not wanted.follow:
                return
        elif story.status.final or not wanted.follow or 0 < number < source.attempt_count:
            return
        else:
            await anyio.sleep(_LOOK)


def _attempt(run: RunRecord, number: int) -> AttemptRecord | None:
    return next((attempt for attempt in run.attempts if attempt.number == number), None)


def _has_output(attempt: AttemptRecord, *, follow: bool) -> bool:
    """Whether the backend has it: following one that it has yet to make would end at once."""
    return attempt.seen_at is not None or not attempt.live or not follow


# --- DAGs ---


@dataclass(slots=True)
class _Lines:
    """Passes on whole lines with a name before them."""

    name: str
    write: Write
    rest: bytes = b""

    async def take(self, chunk: bytes) -> None:
        """More output."""
        *lines, self.rest = (self.rest + chunk).split(b"\n")
        if len(self.rest) > _LONGEST_LINE:
            lines, self.rest = [*lines, self.rest], b""
        if lines:
            head = f"{self.name} | ".encode()
            await self.write(b"".join(head + line + b"\n" for line in lines))

    async def finish(self) -> None:
        """No more output: what is left is a line."""
        if self.rest:
            await self.take(b"\n")


async def _tree(core: Core, wanted: Wanted, write: Write) -> None:
    """All nodes of a DAG; with `follow` side by side, those that start later too."""
    if not wanted.follow:
        for key, story in (await leaves(core, wanted.run)).items():
            if story.source.attempts:
                await _node(core, replace(wanted, run=story.run), (_name(key), write))
        return
    begun: set[Key] = set()
    async with anyio.create_task_group() as group:
        goes_on = True
        while goes_on:
            goes_on = await _begin(core, wanted, (group, begun), write)
            await anyio.sleep(_LOOK if goes_on else 0)


async def _begin(core: Core, wanted: Wanted, tasks: tuple[TaskGroup, set[Key]], write: Write) -> bool:
    """Follow nodes that are new; returns whether the DAG goes on."""
    group, begun = tasks
    top = await one(core, wanted.run.key)
    if top is None:
        return False
    for key, story in (await leaves(core, top.node)).items():
        if story.run.key not in begun:
            begun.add(story.run.key)
            group.start_soon(_node, core, replace(wanted, run=story.run), (_name(key), write))
    return not top.status.final


async def _node(core: Core, wanted: Wanted, named: tuple[str, Write]) -> None:
    name, write = named
    lines = _Lines(name, write)
    await _leaf(core, wanted, lines.take)
    await lines.finish()


def _name(key: Key) -> str:
    return "/".join(key.place)
