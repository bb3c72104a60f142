"""Letting go of what belongs to no run: what is asked of a ledger, and of caches. Values and one Protocol.

Runs have a rule of their own (`reconciler.retention`). All else that is recorded with time is bounded here: by an age,
by a number, or by what still names it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, runtime_checkable

from planner.model.records import RunRecord

__all__ = ["Bounds", "Cache", "Ended", "Eraser", "Kept", "Stage", "Sweep", "Trimmed"]


@dataclass(frozen=True, slots=True)
class Kept:
    """How much is kept of what belongs to no run.

    Attributes:
        events: how long an event that was received is known, so that it counts once.
        history: how long facts of no run, and answers to commands, are kept.
        commits: the newest so many planned commits keep what they say.
        caches: how long what can be made again is kept after its last use.
        local: how long after its end what a run left stays on this machine, once the store has it; None for always.
    """

    events: timedelta = timedelta(days=30)
    history: timedelta = timedelta(days=90)
    commits: int = 5000
    caches: timedelta = timedelta(days=14)
    local: timedelta | None = None

    def bounds(self, now: datetime) -> Bounds:
        """The instants that this comes to."""
        return Bounds(now - self.events, now - self.history)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a sweep of the ledger lets go of, unless something needs it.

    Attributes:
        events: events that were received earlier.
        history: answers that were given, and facts of no run that were recorded, earlier.
    """

    events: datetime
    history: datetime


class Stage(StrEnum):
    """What a step of a sweep is about, in their order. The first only reads which names are in use."""

    USED = "used"
    CONTENT = "content"
    EVENTS = "events"
    NOTICES = "notices"
    ANSWERS = "answers"
    FACTS = "facts"
    DONE = "done"

    @property
    def following(self) -> Stage:
        """The next one."""
        stages = list(Stage)
        return stages[stages.index(self) + 1]


@dataclass(slots=True)
class Sweep:
    """One way through the ledger, step by step; not durable: whoever is cut off begins anew.

    Attributes:
        remove: whether rows go; else they are only counted.
        stage: what the next step is about.
        place: where in it; "" for its beginning.
        used: hashes of names that something in the ledger has. One that is there by chance keeps something too long.
        sequence: up to where facts were looked through for such names.
        gone: how many rows went, or would go, by stage.
    """

    remove: bool = True
    stage: Stage = Stage.USED
    place: str = ""
    used: set[int] = field(default_factory=set)
    sequence: int = 0
    gone: Counter[str] = field(default_factory=Counter)

    @property
    def done(self) -> bool:
        """Whether there is no more of it."""
        return self.stage is Stage.DONE

    def went(self, count: int, place: str) -> None:
        """Note a step that was committed: what went, and where the next begins; "" where the stage is over."""
        if count:
            self.gone[str(self.stage)] += count
        self.place = place
        if not place:
            self.stage = self.stage.following


@dataclass(frozen=True, slots=True)
class Ended:
    """A page of tops that are over, each with all below it; where the next begins, or None."""

    tops: Sequence[Sequence[RunRecord]]
    after: int | None


@dataclass(frozen=True, slots=True)
class Trimmed:
    """What a cache let go of, or would: things, and their bytes."""

    count: int = 0
    size: int = 0


class Cache(Protocol):
    """Something on the disk that can be made again."""

    @property
    def name(self) -> str:
        """What is in it, in one word for people."""
        ...

    async def trim(self, before: datetime, *, remove: bool) -> Trimmed:
        """Let go of what was last used before then, and is not in use; a bounded part of it at a time.

        Raises:
            Transient: it cannot be removed now.
        """
        ...


@runtime_checkable
class Eraser(Protocol):
    """A forge that can take back what it was told of commits."""

    async def erase(self, commits: Sequence[str]) -> None:
        """Show nothing of `commits` any more. Twice is once; what others said there stays.

        Raises:
            Transient: not now; none, some or all may be gone.
            Refused: a person must change something first; the message says what.
        """
        ...
