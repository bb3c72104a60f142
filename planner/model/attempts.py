"""Records of single attempts, and of wishes to end them. `planner.model.records` has what they are a part of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from planner.model.run import Leases
from planner.model.status import RunStatus, StopReason

__all__ = ["MOST_KEPT", "AttemptRecord", "Drift", "Stop"]

MOST_KEPT = 8
"""Attempts of a run that a ttl keeps: the older ones of a service that fails all the time go at once."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A recorded wish to end an attempt or a run: why, who asked, when.

    `ends` and `words` are how a run ends by it and why, where that is more than `stopped`.
    """

    reason: StopReason
    by: str
    at: datetime
    ends: RunStatus | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class Drift:
    """How an attempt is not as it was made, or when that was last put right.

    Attributes:
        words: one sentence; "" since it is as it was made again.
        since: when it was first seen so.
        corrects: whether it is to be put right, and nobody has tried since that was decided.
        tried_at: when that was last tried; None for never.
        failure: why it could not be put right the last time, or "".
    """

    words: str
    since: datetime
    corrects: bool = False
    tried_at: datetime | None = None
    failure: str = ""


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """One attempt. `intended_at` is written before acting; the rest only by observation.

    Attributes:
        number: from 1.
        intended_at: when the intent was recorded.
        leases: ports and slots that it holds until it ended.
        seen_at: when its object was first seen; None while the intent is open.
        started_at: when its program started.
        ready: whether it answers its probe now.
        ready_at: when it first did.
        ended_at: when it ended, by the backend's clock.
        reason: why it ended, by the backend's word or by its absence.
        exit_code: of its program, 128 + n for signal n.
        message: one sentence, or "".
        stop: the wish to end it, if there was one.
        cleaned: whether the backend was told to forget it.
        kept_until: until when it is not told to (`termination.ttl`); None for at once.
        images: the image that each of its containers really had, by digest; empty where there are none.
        drift: how it is not as it was made; None where it always was.
    """

    number: int
    intended_at: datetime
    leases: Leases = Leases()
    seen_at: datetime | None = None
    started_at: datetime | None = None
    ready: bool = False
    ready_at: datetime | None = None
    ended_at: datetime | None = None
    reason: StopReason | None = None
    exit_code: int | None = None
    message: str = ""
    stop: Stop | None = None
    cleaned: bool = False
    kept_until: datetime | None = None
    images: Mapping[str, str] = field(default_factory=dict)
    drift: Drift | None = None

    @property
    def live(self) -> bool:
        """Whether it may exist: intended and not seen to end."""
        return self.ended_at is None

    @property
    def trouble(self) -> str:
        """What keeps it from starting, or from being ready, as its backend says; "" where nothing does."""
        return self.message if self.live and self.stop is None else ""
