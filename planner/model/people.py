"""What people ask for, hold back and suspend: records, folded from facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from planner.canon import Json
from planner.keys import Key
from planner.model.desired import Asked

__all__ = ["Command", "HeldRun", "Hold", "ProjectRecord", "Suspension"]


@dataclass(frozen=True, slots=True)
class Hold:
    """Something that a plan would do and does not, until a person releases it.

    Attributes:
        ident: digest of the exact actions, short: what `approve` names.
        reason: one sentence.
        since: when it was first held.
        release: who can release it, and how.
    """

    ident: str
    reason: str
    since: datetime
    release: str = ""


@dataclass(frozen=True, slots=True)
class HeldRun:
    """A run that its operation wants approved (`isApproved: false`), and the hold that keeps it."""

    key: Key
    hold: Hold


@dataclass(frozen=True, slots=True)
class Suspension:
    """Nothing new starts until it ends or is lifted."""

    since: datetime
    by: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Command:
    """What a person asked for: a fact with who and when, answered when planned.

    Attributes:
        ident: unique; names the request's key for `run`.
        verb: `run`, `stop`, `retry`, `approve`, `suspend`, `unsuspend`.
        root: the root it is about; "" for the whole project.
        args: by name, as the CLI gave them.
        by: who.
        at: when.
    """

    ident: str
    verb: str
    root: str
    args: Mapping[str, Json]
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ProjectRecord:
    """What concerns the whole project.

    Attributes:
        name: project name, fixed at first contact.
        suspended: a suspension of the project.
        head: newest planned commit; "" before the first.
        commands: what people asked for the whole project and was not answered yet.
        asked: the budgets that the head asks for.
        asked_former: those that the head before it asked for.
        believed: attempts whose loss a person agreed to last.
    """

    name: str = ""
    suspended: Suspension | None = None
    head: str = ""
    commands: tuple[Command, ...] = ()
    asked: Asked = Asked()
    asked_former: Asked = Asked()
    believed: frozenset[Key] = frozenset()

    def asked_before(self, commit: str) -> Asked:
        """The budgets that were asked for before `commit`, which may be the head itself."""
        return self.asked_former if commit == self.head else self.asked
