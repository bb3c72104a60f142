"""What a ledger in memory holds. Tables without behaviour: `reconciler.ledger.memory` alone writes them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from planner.keys import Key
from planner.model.commits import CommitRecord, StatusRecord
from planner.model.events import OutsideEvent
from planner.model.facts import Answered, Fact, Pinned
from planner.model.notices import Notice
from planner.model.people import ProjectRecord
from planner.model.pulls import PullRecord
from planner.model.records import Claim, RootRecord, RunRecord

__all__ = ["MemoryState"]


@dataclass(slots=True)
class MemoryState:
    """All that a ledger holds. The values are frozen, so `copy` is a snapshot.

    Attributes:
        ident: id of the ledger.
        instance: name of the Plumbline instance.
        project: the project's record; its name is fixed.
        facts: all of them; the sequence is the index from 1.
        under: keys of runs by top.
        results: keys of runs by leaf digest.
        pending: keys of runs with an attempt that is alive or not cleaned.
        opened: sequence of the fact that opened a run.
        unsent: ids of notices that are owed, oldest first.
        planned: sequence of the fact that first planned a commit.
        said: sequence of the fact that last changed a status.
        forgotten: keys of runs that retention took; their facts are not shown any more.
        swept: sequences of facts that a sweep took.
        compacted: by root, the sequence before which moves of its cursor are not shown any more.
        resting: roots that rest, with the edition of what found it out, and when they must be planned next.
    """

    ident: str = "memory"
    instance: str = "test"
    project: ProjectRecord = field(default_factory=lambda: ProjectRecord(name="project"))
    facts: list[Fact] = field(default_factory=list)
    roots: dict[str, RootRecord] = field(default_factory=dict)
    runs: dict[Key, RunRecord] = field(default_factory=dict)
    under: dict[Key, tuple[Key, ...]] = field(default_factory=dict)
    results: dict[str, tuple[Key, ...]] = field(default_factory=dict)
    pending: dict[Key, None] = field(default_factory=dict)
    claims: dict[Key, Claim] = field(default_factory=dict)
    commits: dict[str, CommitRecord] = field(default_factory=dict)
    statuses: dict[tuple[str, str], StatusRecord] = field(default_factory=dict)
    answers: dict[str, Answered] = field(default_factory=dict)
    pins: dict[str, Pinned] = field(default_factory=dict)
    pulls: dict[str, PullRecord] = field(default_factory=dict)
    events: dict[str, OutsideEvent] = field(default_factory=dict)
    notices: dict[str, Notice] = field(default_factory=dict)
    unsent: dict[str, None] = field(default_factory=dict)
    blobs: dict[str, str] = field(default_factory=dict)
    opened: dict[Key, int] = field(default_factory=dict)
    planned: dict[str, int] = field(default_factory=dict)
    said: dict[tuple[str, str], int] = field(default_factory=dict)
    forgotten: dict[Key, None] = field(default_factory=dict)
    compacted: dict[str, int] = field(default_factory=dict)
    swept: dict[int, None] = field(default_factory=dict)
    resting: dict[str, tuple[str, datetime | None]] = field(default_factory=dict)

    def copy(self) -> MemoryState:
        """This state as it is now, whatever is recorded later."""
        return replace(
            self,
            facts=list(self.facts),
            roots=dict(self.roots),
            runs=dict(self.runs),
            under=dict(self.under),
            results=dict(self.results),
            pending=dict(self.pending),
            claims=dict(self.claims),
            commits=dict(self.commits),
            statuses=dict(self.statuses),
            answers=dict(self.answers),
            pins=dict(self.pins),
            pulls=dict(self.pulls),
            events=dict(self.events),
            notices=dict(self.notices),
            unsent=dict(self.unsent),
            blobs=dict(self.blobs),
            opened=dict(self.opened),
            planned=dict(self.planned),
            said=dict(self.said),
            forgotten=dict(self.forgotten),
            compacted=dict(self.compacted),
            swept=dict(self.swept),
            resting=dict(self.resting),
        )
