"""What is wanted of a root, what is in force of it, and what keeps it down. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from planner.keys import Key
from planner.model.people import Hold
from planner.model.status import StopReason

__all__ = ["Applied", "Down", "Planned"]


@dataclass(frozen=True, slots=True)
class Planned:
    """What the newest planned commit wants of a root: the target that reconciling moves to.

    Attributes:
        commit: the commit that first planned this digest and live digest.
        digest: root digest; None when the root is to be absent.
        live: live digest.
        form: the stored compiled form; "" when absent.
        path: the file it comes from.
        hold: what keeps it from being applied.
        kept: why the target is not what the newest commit says (its file is bad), or "".
        prune: whether its removal from the repository stops it.
        refused: why it cannot run here, or "".
    """

    commit: str
    digest: str | None
    live: str
    form: str
    path: str
    hold: Hold | None = None
    kept: str = ""
    prune: bool = True
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Applied:
    """The generation in force.

    Attributes:
        number: from 1, counts absences too.
        digest: root digest; None for an absence.
        commit: the commit that it was first applied with.
        form: the stored compiled form; "" for an absence.
        key: its top run; None for an absence.
        started: whether an intent was made under it.
        before: the generation that it replaces, while it has not started.
    """

    number: int
    digest: str | None
    commit: str
    form: str
    key: Key | None
    at: datetime
    started: bool = False
    before: Applied | None = None


@dataclass(frozen=True, slots=True)
class Down:
    """A decided stop: stays down until `retry`, `run` or a new generation."""

    generation: int
    by: str
    at: datetime
    reason: StopReason
