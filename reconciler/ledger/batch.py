"""One transaction in memory: the records that facts touch, and what they fold to.

Both ledgers do the same three steps: `touched` names what must be read, `Batch.fold` folds the facts one after the
other, and the ledger writes what differs. Which record a fact belongs to is decided here; what it does to the record
is decided by `planner.fold` alone. This module must never read or write a store.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

from planner import keys
from planner.fold import (
    RootState,
    absorb,
    close_commit,
    detail_commit,
    fold_commit,
    fold_project,
    fold_root,
    fold_status,
    left_behind,
    run_of,
)
from planner.keys import Key
from planner.model.commits import CommitRecord, StatusRecord
from planner.model.events import OutsideEvent
from planner.model.facts import (
    Answered,
    Believed,
    CommitPlanned,
    Delivered,
    Detailed,
    Fact,
    Intended,
    Noticed,
    Opened,
    Pinned,
    Posted,
    PullNoted,
    Received,
    Renamed,
    Retried,
    StatusChanged,
)
from planner.model.notices import Notice
from planner.model.people import ProjectRecord
from planner.model.pulls import PullRecord
from planner.model.records import Claim, RootRecord, RunRecord

__all__ = ["Batch", "Touched", "is_blank", "is_pending", "root_of", "tops_of", "touched"]


@dataclass(frozen=True, slots=True)
class Touched:
    """What must be read before facts can be folded.

    Attributes:
        roots: names of roots; those of `runs` come on top, by their records.
        runs: keys of runs.
        commits: ids of commits.
        statuses: commit and context of statuses. Not all of a commit: it may have a thousand.
    """

    roots: frozenset[str]
    runs: frozenset[Key]
    commits: frozenset[str]
    statuses: frozenset[tuple[str, str]]


_OF_PROJECT = (Believed, CommitPlanned, Delivered, Detailed, Pinned, Posted, PullNoted, Received)


def root_of(fact: Fact) -> str:
    """The root that a fact is filed under; "" for the project and its commits."""
    return "" if isinstance(fact, _OF_PROJECT) else fact.root


def touched(facts: Iterable[Fact]) -> Touched:
    """What folding `facts` reads."""
    roots: set[str] = set()
    runs: set[Key] = set()
    commits: set[str] = set()
    statuses: set[tuple[str, str]] = set()
    for fact in facts:
        roots.add(root_of(fact))
        match fact:
            case Renamed():
                roots.add(fact.old)
            case CommitPlanned() | Detailed():
                commits.add(fact.commit)
            case StatusChanged() | Posted():
                statuses.add((fact.commit, fact.context))
                if isinstance(fact, StatusChanged) and not fact.root:
                    commits.add(fact.commit)
            case _:
                runs.update(_runs_of(fact))
    return Touched(frozenset(roots - {""}), frozenset(runs), frozenset(commits), frozenset(statuses))


def tops_of(record: RootRecord) -> frozenset[Key]:
    """The tops under which planning the root of `record` needs all runs (`reconciler.ports.Ledger.root`)."""
    applied = record.applied
    # What an unstarted generation replaces comes into force again when that one is withdrawn.
    in_force = [one.key for one in (applied, applied.before if applied else None) if one is not None]
    named = (keys.key_of(str(command.args.get("key"))) for command in record.commands)
    return frozenset(key.top for key in (*record.open, *in_force, record.last, *named) if key is not None)


def is_blank(record: RootRecord) -> bool:
    """Whether nothing is known of a root but which numbers its name has used."""
    return record == RootRecord(record.name, highest=record.highest)


def is_pending(run: RunRecord) -> bool:
    """Whether an attempt of `run` may exist or is not cleaned yet."""
    return any(attempt.live or not attempt.cleaned for attempt in run.attempts)


@dataclass(slots=True)
class Batch:
    """The records that were read, and after `fold` the records as they are to be written.

    Attributes:
        sequence: of the newest fact before; after `fold`, of the last one folded.
        project: the project's record.
        roots: by name.
        runs: by key.
        commits: by id.
        statuses: by commit and context.
        claims: claims that came (a value) or went (None), by attempt.
        answers: commands that were answered.
        pins: references that were pinned (a value) or let go of (None), by key.
        pulls: what was said on pull requests (a value), or is not known any more (None), by number.
        left: commits and contexts of statuses that are not looked after any more.
        events: events that were received, by id.
        notices: notices that are owed, by id.
        noticed: sequence of the fact that owes a notice.
        delivered: ids of notices that are owed no more.
        renamed: renames in order, old name first.
        opened: sequence of the fact that opened a run.
        planned: sequence of the fact that first planned a commit.
        said: sequence of the fact that last changed a status.
    """

    sequence: int
    project: ProjectRecord
    roots: dict[str, RootRecord] = field(default_factory=dict)
    runs: dict[Key, RunRecord] = field(default_factory=dict)
    commits: dict[str, CommitRecord] = field(default_factory=dict)
    statuses: dict[tuple[str, str], StatusRecord] = field(default_factory=dict)
    claims: dict[Key, Claim | None] = field(default_factory=dict)
    answers: dict[str, Answered] = field(default_factory=dict)
    pins: dict[str, Pinned | None] = field(default_factory=dict)
    pulls: dict[str, PullRecord | None] = field(default_factory=dict)
    left: dict[tuple[str, str], None] = field(default_factory=dict)
    events: dict[str, OutsideEvent] = field(default_factory=dict)
    notices: dict[str, Notice] = field(default_factory=dict)
    noticed: dict[str, int] = field(default_factory=dict)
    delivered: set[str] = field(default_factory=set)
    renamed: list[tuple[str, str]] = field(default_factory=list)
    opened: dict[Key, int] = field(default_factory=dict)
    planned: dict[str, int] = field(default_factory=dict)
    said: dict[tuple[str, str], int] = field(default_factory=dict)

    def fold(self, facts: Sequence[Fact]) -> None:
        """Fold `facts` in order. An error leaves the batch unusable, so nothing of it may be written."""
        for fact in facts:
            self.sequence += 1
            self.project = fold_project(self.project, fact)
            match fact:
                case CommitPlanned():
                    self._commit(fact)
                case StatusChanged() | Posted():
                    self._status(fact)
                case _:
                    self._single(fact)
            if root_of(fact):
                self._root(fact)

    def _single(self, fact: Fact) -> None:
        """What is kept under a name of its own."""
        match fact:
            case Answered():
                self.answers[fact.ident] = fact
            case Pinned():
                self.pins[fact.ref] = fact if fact.digest else None
            case Detailed():
                if fact.commit in self.commits:
                    self.commits[fact.commit] = detail_commit(self.commits[fact.commit], fact)
            case PullNoted():
                self.pulls[fact.number] = fact.record
                for commit in fact.left:
                    self.left[commit, fact.context] = None
                    self.statuses.pop((commit, fact.context), None)
            case Received():
                self.events[fact.event.ident] = fact.event
            case Noticed():
                self.notices[fact.notice.ident] = fact.notice
                self.noticed[fact.notice.ident] = self.sequence
            case Delivered():
                self.delivered.add(fact.ident)
            case _:
                pass

    def _commit(self, fact: CommitPlanned) -> None:
        before = self.commits.get(fact.commit)
        self.commits[fact.commit] = fold_commit(before, fact)
        if before is None:
            self.planned[fact.commit] = self.sequence

    def _status(self, fact: StatusChanged | Posted) -> None:
        name = (fact.commit, fact.context)
        status = fold_status(self.statuses.get(name), fact)
        if status is None:
            return
        self.statuses[name] = status
        if not isinstance(fact, StatusChanged):
            return  # what the forge was told may be of before the commit was planned again
        self.said[name] = self.sequence
        if fact.commit in self.commits:
            self.commits[fact.commit] = close_commit(self.commits[fact.commit], status)

    def _root(self, fact: Fact) -> None:
        if isinstance(fact, Renamed):
            self._renamed(fact)
            return
        runs = {key: self.runs[key] for key in _runs_of(fact) if key in self.runs}
        # A run belongs to the root that its record says: a fact that crossed a rename names the old one.
        name = next((run.root for run in runs.values()), root_of(fact))
        before = RootState(self.roots.get(name, RootRecord(name)), runs)
        after = fold_root(before, fact)
        self.roots[name] = after.record
        self.runs.update(after.runs)
        self._claimed(fact, before, after)
        if isinstance(fact, Opened) and fact.key not in before.runs:
            self.opened[fact.key] = self.sequence

    def _renamed(self, fact: Renamed) -> None:
        runs = {key: run for key, run in self.runs.items() if run.root == fact.old}
        record = self.roots.get(fact.old, RootRecord(fact.old))
        state = fold_root(RootState(record, runs), fact)
        left = self.roots.get(fact.root)
        self.roots[fact.old] = left_behind(record)
        self.roots[fact.root] = (absorb(state, left) if left else state).record
        self.runs.update(state.runs)
        self.renamed.append((fact.old, fact.root))
        for key, claim in self.claims.items():
            if claim is not None and claim.root == fact.old:
                self.claims[key] = replace(claim, root=fact.root)

    def _claimed(self, fact: Fact, before: RootState, after: RootState) -> None:
        for key in _runs_of(fact):
            had, has = _live(before.runs.get(key)), _live(after.runs.get(key))
            self.claims.update(dict.fromkeys(had - has))
            if isinstance(fact, Intended) and fact.key in has - had:
                root = after.runs[key].root
                self.claims[fact.key] = Claim(fact.key, root, fact.queue, fact.requests, fact.leases, fact.amounts)


def _runs_of(fact: Fact) -> Collection[Key]:
    key = run_of(fact)
    if key is None:
        return ()
    return (key, key.top) if isinstance(fact, Retried) and key != key.top else (key,)


def _live(run: RunRecord | None) -> frozenset[Key]:
    if run is None:
        return frozenset()
    return frozenset(run.key.at_attempt(attempt.number) for attempt in run.attempts if attempt.live)
