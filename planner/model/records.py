"""Records: what the ledger knows, folded from facts. The planner's only knowledge of the past.

Records are written by `planner.fold` alone, and say what was decided, seen, asked for or said: never what should be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from planner.canon import Json
from planner.keys import Key
from planner.model.artifacts import Artifacts, Copy, Earlier
from planner.model.attempts import AttemptRecord, Drift, Stop
from planner.model.backfill import Backfill
from planner.model.claim import Claim
from planner.model.commits import What
from planner.model.events import OutsideEvent, Subscription
from planner.model.forces import Applied, Down, Planned
from planner.model.metric import Progress
from planner.model.people import Command, HeldRun, Hold, Suspension
from planner.model.retention import Removed
from planner.model.schedule import Cursor
from planner.model.search import Suggestion
from planner.model.status import RunStatus

__all__ = [
    "PARENTS",
    "Applied",
    "AttemptRecord",
    "Claim",
    "Down",
    "Drift",
    "Planned",
    "Report",
    "RootRecord",
    "RunRecord",
    "Stop",
]


PARENTS = frozenset({"dag", "matrix"})
"""Kinds of runs that go as the runs below them do."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run: a leaf with attempts, or the top of a DAG, whose progress its leaves tell.

    Attributes:
        key: attempt 0.
        root: the root it belongs to now (renames move it).
        kind: the reference's run kind.
        commit: whose code and spec it runs.
        generation: of its root, when it was opened.
        form: the compiled operation of its top, by content.
        digest: leaf digest; "" for parents.
        bound: the bound run, by content; "" until bound, and for parents.
        because: why it was opened.
        opened_at: when.
        not_before: earliest start (jitter).
        attempts: newest last; the oldest are dropped beyond twelve.
        attempt_count: all that ever were.
        failures: attempts that count against `maxRetries`.
        status: folded status.
        reason: why that status, in a few words; "" where it says itself.
        started_at: first start over all attempts.
        finished_at: when it became final.
        outputs: of the deciding attempt.
        metrics: the last value of each metric of the newest attempt that wrote any.
        progress: what its newest attempt has reported so far, by metric; once it is over only what has marks, or odd
            values alone.
        artifacts: what the newest attempt that ended left in the run's folder; of a cached run, that of its source.
        copy: that of its artifacts in the daemon's store; None where there is to be none.
        work: digest of what its result depends on for the cache; "" where that is `digest`.
        carried_from: the run whose result or process it is; None for its own.
        cached_from: the run of the project whose outputs it has; None where it ran itself.
        fresh: on a top: nothing below it is cached.
        follows: the run whose end it is a hook of.
        given: values of inputs that its cause gives.
        stop: the wish to end a run as a whole: nothing below it starts any more.
        rounds: on a top: the current round of each node that a person retried, by place; of the whole by "".
        recalled: on a top of an earlier generation: a person retried it since another one is in force.
        earlier: on a top: what of an earlier round the current round of a node starts with, by place.
        params: on a top: texts of inputs by name, which the person who asked for it gave.
        approved_by: who approved it, where its operation wants that; "" before.
        event: on a top: what started it, if an event did.
        backfill: on a top: the backfill that its tick was run by, or "".
        suggestion: what a trial of a sweep was made with; on its first round.
        lineage: of a trial: digest of what it is a trial of (`Sweep.lineage`).
    """

    key: Key
    root: str
    kind: str
    commit: str
    generation: int
    form: str
    opened_at: datetime
    digest: str = ""
    bound: str = ""
    because: str = ""
    not_before: datetime | None = None
    attempts: tuple[AttemptRecord, ...] = ()
    attempt_count: int = 0
    failures: int = 0
    status: RunStatus = RunStatus.CREATED
    reason: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    outputs: Mapping[str, Json] = field(default_factory=dict)
    metrics: Mapping[str, Json] = field(default_factory=dict)
    artifacts: Artifacts | None = None
    carried_from: Key | None = None
    cached_from: Key | None = None
    work: str = ""
    fresh: bool = False
    follows: Key | None = None
    given: Mapping[str, Json] = field(default_factory=dict)
    stop: Stop | None = None
    rounds: Mapping[str, int] = field(default_factory=dict)
    approved_by: str = ""
    event: OutsideEvent | None = None
    copy: Copy | None = None
    recalled: bool = False
    params: Mapping[str, str] = field(default_factory=dict)
    earlier: Mapping[str, Earlier] = field(default_factory=dict)
    backfill: str = ""
    progress: Mapping[str, Progress] = field(default_factory=dict)
    suggestion: Suggestion | None = None
    lineage: str = ""

    @property
    def last(self) -> AttemptRecord | None:
        """The newest attempt."""
        return self.attempts[-1] if self.attempts else None

    def round_of(self, place: tuple[str, ...]) -> int:
        """On a top: the current round of the node at `place`, or of the whole."""
        return self.rounds.get("/".join(place), 0) if self.rounds else 0

    @property
    def is_parent(self) -> bool:
        """Whether it runs nothing itself: it goes as the runs below it do."""
        return self.kind in PARENTS

    @property
    def own(self) -> bool:
        """Whether its result is its own work."""
        return self.carried_from is None and self.cached_from is None

    @property
    def newest_metrics(self) -> Mapping[str, Json]:
        """The last value of each metric: as it was recorded with an end, or as it has been reported since."""
        if self.status.final or not self.progress:
            return self.metrics
        reported = {name: one.last for name, one in self.progress.items() if one.last is not None}
        return {**self.metrics, **reported}

    @property
    def alive(self) -> bool:
        """Whether an attempt may exist."""
        return any(attempt.live for attempt in self.attempts)

    @property
    def goes_on(self) -> bool:
        """Whether others may wait for it or go on with it: it is alive, and neither over nor being stopped."""
        return self.alive and not self.status.final and self.status is not RunStatus.STOPPING


@dataclass(frozen=True, slots=True)
class Report:
    """A commit that waits for this root's final status.

    Attributes:
        commit: full id.
        what: what it changed.
        key: the run that it caused, once there is one.
        said: `state: description` as last said.
        at: when the commit came to wait; None where that was not recorded.
    """

    commit: str
    what: What
    key: Key | None = None
    said: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RootRecord:
    """One root.

    Attributes:
        name: as in the repository now.
        planned: what the newest planned commit wants of it.
        applied: the generation in force.
        highest: the highest generation number that was ever given.
        cursor: where its schedule is.
        open: top runs that are not final, oldest first.
        down: a decided stop that still holds.
        suspended: its own suspension.
        ports: leased ports by identity: declared port and lane, such as `8080/0`.
        last: newest top run.
        commands: what people asked for and was not answered yet.
        reports: commits whose status for this root is not final yet, oldest first.
        held: runs that wait for a person's approval, oldest first.
        listens: the events that it is started by, as far as they are in force.
        events: those that happened and of which nothing was decided yet, oldest first.
        removed: which of its runs are not known any more, and by what rule; None while all are.
        backfills: those that are not over, and the last one that is.
    """

    name: str
    planned: Planned | None = None
    applied: Applied | None = None
    highest: int = 0
    cursor: Cursor | None = None
    open: tuple[Key, ...] = ()
    down: Down | None = None
    suspended: Suspension | None = None
    ports: Mapping[str, int] = field(default_factory=dict)
    last: Key | None = None
    commands: tuple[Command, ...] = ()
    reports: tuple[Report, ...] = ()
    held: tuple[HeldRun, ...] = ()
    listens: tuple[Subscription, ...] = ()
    events: tuple[OutsideEvent, ...] = ()
    removed: Removed | None = None
    backfills: tuple[Backfill, ...] = ()

    @property
    def holds(self) -> tuple[Hold, ...]:
        """All that waits for a person's approval: its target first, then its runs."""
        target = (self.planned.hold,) if self.planned is not None and self.planned.hold is not None else ()
        return (*target, *(run.hold for run in self.held))

    @property
    def gone(self) -> bool:
        """Whether it is removed, and nothing holds that; where no generation ever started, none says so."""
        if self.applied is not None:
            return self.applied.digest is None
        return self.planned is not None and self.planned.digest is None and self.planned.hold is None

    @property
    def in_force(self) -> bool:
        """Whether what the newest commit wants of it is in force."""
        if self.planned is None:
            return self.applied is None
        return self.planned.digest == (self.applied.digest if self.applied is not None else None)
