"""Commits that were planned, what each changed, and what it says: records, folded from facts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from planner.errors import Problem

__all__ = ["Change", "CommitRecord", "Details", "StatusRecord", "StatusState", "What"]


class What(StrEnum):
    """What a commit changed of a root."""

    ADDED = "added"
    CHANGED = "changed"
    LIVE = "live"
    REMOVED = "removed"
    RENAMED = "renamed"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class Change:
    """One root that a commit was the first planned one to change.

    Attributes:
        root: its name.
        what: what of it.
        before: the stored compiled form that was wanted until then; "" for none, or where it is not told.
        form: the one that is wanted since; "" for none, or where it is not told.
        was: its name until then, where that was another.
    """

    root: str
    what: What
    before: str = ""
    form: str = ""
    was: str = ""


@dataclass(frozen=True, slots=True)
class CommitRecord:
    """A planned commit and what it caused.

    Attributes:
        ident: full id.
        tree: id of its tree.
        branch: that was followed when it was first planned.
        at: when that was.
        changes: the roots that it was the first planned one to change.
        problems: how many its specs have.
        first_problem: one of them, for people.
        details: name of the content that has its problems (`Details`); "" where it has none.
        checked: that of which the forge was told in detail last, or never will be; "" for none.
        closed: whether its aggregate is final.
        again: whether it was planned again and changed something again, and its aggregate was not final since.
    """

    ident: str
    tree: str
    branch: str
    at: datetime
    changes: tuple[Change, ...] = ()
    problems: int = 0
    first_problem: str = ""
    details: str = ""
    checked: str = ""
    closed: bool = False
    again: bool = False


@dataclass(frozen=True, slots=True)
class Details:
    """What the specs of a commit have wrong, as much of it as is kept (`planner.details`).

    Attributes:
        problems: the errors first, each group in the order of a report.
    """

    problems: tuple[Problem, ...]


class StatusState(StrEnum):
    """States of a commit status, before a forge's own words."""

    PENDING = "pending"
    SUCCESS = "success"
    FAILURE = "failure"
    ERROR = "error"
    SUPERSEDED = "superseded"

    @property
    def final(self) -> bool:
        """Whether it is said for good."""
        return self is not StatusState.PENDING


@dataclass(frozen=True, slots=True)
class StatusRecord:
    """What a commit's context should say, and whether the forge was told.

    Attributes:
        commit: full id.
        context: `plumbline/<instance>` or `plumbline/<instance>/<root>`; others are about no commit's own doing.
        root: the root, "" for all others.
        state: of the status.
        description: the important words first.
        at: when it came to say so.
        posted: whether nothing of it is owed to the forge any more: it took it, never will, or is to be spared it.
        refused: why the forge will never take it; "" unless it said so.
        writes: how often the forge took a state of this context.
        told_at: when it did last.
    """

    commit: str
    context: str
    root: str
    state: StatusState
    description: str
    at: datetime
    posted: bool = False
    refused: str = ""
    writes: int = 0
    told_at: datetime | None = None

    @property
    def is_aggregate(self) -> bool:
        """Whether it sums up what its commit caused."""
        return not self.root and self.context.startswith("plumbline/")
