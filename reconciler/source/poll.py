"""Asking a source whether its branch moved: at an interval with jitter, at every hint, and slower after errors.

A hint (a webhook, a local change) only makes the next question come sooner; the answer is always the source's own.
Sleeping is anyio's and randomness is given, so that virtual time makes all of it exact. Nothing is fetched here.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import NoReturn, Protocol

import anyio

from reconciler.errors import Transient

__all__ = ["LOCAL", "REMOTE", "Moved", "News", "Nudge", "Pace", "Unreachable", "watch_head"]


@dataclass(frozen=True, slots=True)
class Pace:
    """How often to ask; all in seconds.

    Attributes:
        interval: between two questions when all is well.
        jitter: share of the interval that is added at random, from 0.
        floor: least time between two questions, however many hints come.
        retry: first wait after an error; doubled with each further error.
        cap: longest wait after errors.
    """

    interval: float = 60.0
    jitter: float = 0.2
    floor: float = 1.0
    retry: float = 1.0
    cap: float = 300.0

    def pause(self, failures: int, rng: random.Random) -> float:
        """Seconds to wait after `failures` errors in a row; 0 errors: until the next regular question."""
        if not failures:
            return self.interval * (1 + self.jitter * rng.random())
        longest = min(self.cap, self.retry * 2.0 ** min(failures - 1, 30))
        return float(longest * (0.5 + rng.random() / 2))


REMOTE = Pace()
LOCAL = Pace(interval=30.0, floor=0.02, retry=0.5, cap=30.0)
"""For repositories on this machine, where a question costs microseconds and changes are noticed anyway."""


@dataclass(frozen=True, slots=True)
class Moved:
    """The branch is at `head` now (None: it does not exist). Also told once at the start and after an outage."""

    head: str | None


@dataclass(frozen=True, slots=True)
class Unreachable:
    """The source could not be asked.

    Attributes:
        reason: one sentence.
        failures: errors in a row, this one included.
        retry_in: seconds until the next question, unless a hint comes.
    """

    reason: str
    failures: int
    retry_in: float


News = Moved | Unreachable


class Headed(Protocol):
    """What is asked: any source."""

    async def head(self) -> str | None:
        """The commit id at the branch; raises Transient."""
        ...


class Nudge:
    """Wakes a poll early. Many nudges before the poll looks are one."""

    def __init__(self) -> None:
        self._event = anyio.Event()

    def wake(self) -> None:
        """Ask soon. From the event loop's thread only."""
        self._event.set()

    async def wait(self) -> None:
        """Return at the next nudge, or at once when one came since the last wait ended."""
        await self._event.wait()
        self._event = anyio.Event()


@dataclass(slots=True)
class _State:
    heard: tuple[str | None] | None = None
    failures: int = 0


async def watch_head(
    source: Headed,
    tell: Callable[[News], None],
    nudge: Nudge,
    pacing: tuple[Pace, random.Random],
    hints: AsyncIterator[None] | None = None,
) -> NoReturn:
    """Ask `source` for ever and `tell` what is new; runs until cancelled.

    Args:
        source: what to ask.
        tell: called at each move and each error; must not block.
        nudge: makes the next question come now.
        pacing: how often, and the randomness for jitter.
        hints: further nudges, such as `watch.changes`.
    """
    async with anyio.create_task_group() as tasks:
        if hints is not None:
            tasks.start_soon(_pass_on, hints, nudge)
        pace, rng = pacing
        state = _State()
        while True:
            pause = await _ask(source, tell, state, pace.pause, rng)
            with anyio.move_on_after(max(pause, pace.floor)):
                await anyio.sleep(pace.floor)
                await nudge.wait()
    raise AssertionError("the loop ends by cancellation only")


async def _pass_on(hints: AsyncIterator[None], nudge: Nudge) -> None:
    async for _ in hints:
        nudge.wake()


async def _ask(
    source: Headed,
    tell: Callable[[News], None],
    state: _State,
    pause_after: Callable[[int, random.Random], float],
    rng: random.Random,
) -> float:
    """One question; gives the seconds until the next."""
    try:
        head = await source.head()
    except Transient as error:
        state.failures += 1
        pause = pause_after(state.failures, rng)
        tell(Unreachable(error.message, state.failures, pause))
        return pause
    if state.heard != (head,) or state.failures:
        tell(Moved(head))
    state.heard = (head,)
    state.failures = 0
    return pause_after(0, rng)
