"""Folding facts into one root: its record, and the runs that are open under it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import assert_never

from planner.fold.backfills import with_backfill
from planner.fold.changed import changed
from planner.fold.commit import with_command
from planner.fold.events import fold_event, without_event
from planner.fold.generation import advanced, kept_up
from planner.fold.held import without
from planner.fold.own import OwnRuns
from planner.fold.run import RunFact, cleaned, copied, fold_run, open_run, retried
from planner.keys import Key
from planner.model.facts import (
    Advanced,
    Answered,
    Approved,
    Asked,
    Backfilled,
    Believed,
    Bound,
    CacheHit,
    Carried,
    Cleaned,
    CommitPlanned,
    Corrected,
    CursorMoved,
    Delivered,
    Detailed,
    Drifted,
    Fact,
    Happened,
    Healed,
    Intended,
    Listened,
    Measured,
    Noticed,
    Observed,
    Opened,
    PassedOver,
    Pinned,
    Posted,
    PullNoted,
    Received,
    Renamed,
    Retried,
    Settled,
    StatusChanged,
    StopIntended,
    Stored,
    StoreIntended,
    Suspended,
    TargetSet,
    Vanished,
    Withdrawn,
    Withheld,
)
from planner.model.people import HeldRun, Suspension
from planner.model.records import Applied, Down, Report, RootRecord, RunRecord

__all__ = ["RootState", "fold_all", "fold_root"]


@dataclass(frozen=True, slots=True)
class RootState:
    """A root's record and those of its runs that were read."""

    record: RootRecord
    runs: Mapping[Key, RunRecord] = field(default_factory=dict)

    def with_run(self, run: RunRecord) -> RootState:
        """With `run` put in or replaced."""
        if isinstance(self.runs, OwnRuns):
            self.runs.put(run)
            return self
        return changed(self, runs={**self.runs, run.key: run})

    def owned(self) -> RootState:
        """The same, for one holder that folds many facts and keeps none of the states in between."""
        return changed(self, runs=OwnRuns(self.runs))

    def shared(self) -> RootState:
        """The same, for everybody: folding into it leaves it as it is."""
        return changed(self, runs=dict(self.runs)) if isinstance(self.runs, OwnRuns) else self

    def with_record(self, **changes: object) -> RootState:
        """With fields of the record changed."""
        return changed(self, record=changed(self.record, **changes))  # type: ignore[arg-type]


def fold_all(state: RootState, facts: Iterable[Fact]) -> RootState:
    """`state` after `facts`."""
    after = state.owned()
    for fact in facts:
        after = fold_root(after, fact)
    return after.shared()


def fold_root(state: RootState, fact: Fact) -> RootState:  # noqa: C901 -- one case a fact, each one line
    """`state` after `fact`. Facts about runs that were not read change nothing but the record."""
    match fact:
        case Opened():
            return _opened(state, fact)
        case Bound() | Intended() | Observed() | Vanished() | StopIntended() | Settled():
            return _run_fact(state, fact)
        case Carried() | CacheHit() | Healed() | Drifted() | Corrected() | Measured():
            return _run_fact(state, fact)
        case Cleaned():
            run = state.runs.get(fact.key.run)
            return state if run is None else state.with_run(cleaned(run, fact.key.attempt))
        case StoreIntended() | Stored():
            run = state.runs.get(fact.key.run)
            return state if run is None else state.with_run(copied(run, fact))
        case Retried():
            return _retried(state, fact)
        case TargetSet():
            return _target(state, fact)
        case Renamed():
            runs = {key: changed(run, root=fact.root) for key, run in state.runs.items()}
            return changed(state, runs=runs).with_record(name=fact.root)  # `absorb` says what was there before
        case Advanced():
            return changed(state, record=advanced(state.record, fact))
        case Withdrawn():
            applied, planned = state.record.applied, state.record.planned
            if applied is None or applied.started:
                return state
            return state.with_record(applied=kept_up(applied.before, planned))
        case CursorMoved():
            return state.with_record(cursor=fact.cursor)
        case Backfilled():
            return state.with_record(backfills=with_backfill(state.record.backfills, fact.backfill))
        case Listened() | Happened() | PassedOver():
            return changed(state, record=fold_event(state.record, fact))
        case Asked():
            return state.with_record(commands=with_command(state.record.commands, fact.command))
        case Answered():
            rest = tuple(command for command in state.record.commands if command.ident != fact.ident)
            return state.with_record(commands=rest)
        case Suspended():
            suspended = Suspension(fact.at, fact.by, fact.until) if fact.active else None
            return state.with_record(suspended=suspended)
        case Withheld():
            return state.with_record(held=(*without(state.record.held, fact.key), HeldRun(fact.key, fact.hold)))
        case Approved():
            return _approved(state, fact)
        case StatusChanged():
            return _said(state, fact)
        case Believed() | CommitPlanned() | Detailed() | Posted() | Pinned() | PullNoted() | Received():
            return state
        case Noticed() | Delivered():
            return state
        case _:
            assert_never(fact)


def _opened(state: RootState, fact: Opened) -> RootState:
    if fact.key in state.runs:
        return state
    state = state.with_run(open_run(fact))
    if fact.key.place:
        return state
    still = tuple(key for key in state.record.open if key != fact.key.top)
    # A request is a person's word that a stopped service is wanted again.
    down = None if fact.key.cause.startswith("req-") else state.record.down
    last = state.record.last if fact.follows is not None else fact.key.top
    events = without_event(state.record.events, fact.event)
    return state.with_record(open=(*still, fact.key.top), last=last, down=down, events=events)


def _run_fact(
    state: RootState,
    fact: RunFact,
) -> RootState:
    key = fact.observation.key.run if isinstance(fact, Observed) else fact.key.run
    run = state.runs.get(key)
    if run is None:
        return state
    folded = fold_run(run, fact)
    if folded is run:
        return state
    state = state.with_run(folded)
    if isinstance(fact, Settled | Intended) and state.record.held:
        state = state.with_record(held=without(state.record.held, key, begun=isinstance(fact, Intended)))
    match fact:
        case Carried() | CacheHit():
            return _started(state, run)
        case Intended():
            return _leased(_started(state, run), fact)
        case Settled() if not key.place:
            return _closed(state, fact)
        case _:
            return state


def _started(state: RootState, run: RunRecord) -> RootState:
    """`state` with the generation of `run` begun. A hook tells of its end: it begins nothing of it."""
    applied, top = state.record.applied, state.runs.get(run.key.top)
    if applied is None or applied.number != run.generation or applied.started:
        return state
    if top is not None and top.follows is not None:
        return state
    return state.with_record(applied=changed(applied, started=True, before=None))


def _leased(state: RootState, fact: Intended) -> RootState:
    if not fact.leases.ports:
        return state
    run = state.runs[fact.key.run]
    if run.kind != "service":
        return state
    ports = {f"{declared}/{fact.lane}": leased for declared, leased in zip(fact.ports, fact.leases.ports, strict=True)}
    return state.with_record(ports={**state.record.ports, **ports})


def _closed(state: RootState, fact: Settled) -> RootState:
    still = tuple(key for key in state.record.open if key != fact.key.top)
    state = state.with_record(open=still)
    run = state.runs[fact.key.run]
    if not fact.decided_by or run.kind != "service":
        return state
    stop = (run.last.stop if run.last else None) or run.stop
    reason = stop.reason if stop else (run.last.reason if run.last else None)
    if reason is None:
        return state
    return state.with_record(down=Down(run.generation, fact.decided_by, fact.at, reason))


def _retried(state: RootState, fact: Retried) -> RootState:
    top = state.runs.get(fact.key.top)
    if top is None:
        return state
    top = retried(top, fact, recalled=_is_earlier(state, fact.key))
    still = tuple(key for key in state.record.open if key != fact.key.top)
    return state.with_run(top).with_record(open=(*still, fact.key.top), down=None)


def _is_earlier(state: RootState, key: Key) -> bool:
    """Whether a run is of a generation that is not in force."""
    applied = state.record.applied
    return key.generation is not None and applied is not None and applied.key != key.top


def _target(state: RootState, fact: TargetSet) -> RootState:
    state = state.with_record(planned=fact.planned, applied=kept_up(state.record.applied, fact.planned))
    if fact.what is None:
        return state
    others = tuple(report for report in state.record.reports if report.commit != fact.planned.commit)
    return state.with_record(reports=(*others, Report(fact.planned.commit, fact.what, at=fact.at)))


def _approved(state: RootState, fact: Approved) -> RootState:
    if fact.key is not None:
        run = state.runs.get(fact.key)
        state = state.with_record(held=without(state.record.held, fact.key))
        return state if run is None else state.with_run(changed(run, approved_by=fact.by))
    planned = state.record.planned
    if planned is None or planned.hold is None or planned.hold.ident != fact.hold.ident:
        return state
    released = changed(planned, hold=None)
    state = state.with_record(planned=released, applied=kept_up(state.record.applied, released))
    if not fact.baseline or planned.digest is None:
        return state
    number = state.record.highest + 1
    done = Applied(number, planned.digest, planned.commit, planned.form, None, fact.at, started=True)
    return state.with_record(applied=done, highest=number)


def _said(state: RootState, fact: StatusChanged) -> RootState:
    if not fact.root:
        return state
    if fact.state.final:
        rest = tuple(report for report in state.record.reports if report.commit != fact.commit)
        return state.with_record(reports=rest)
    said = f"{fact.state}: {fact.description}"
    reports = tuple(
        changed(report, said=said) if report.commit == fact.commit else report for report in state.record.reports
    )
    return state.with_record(reports=reports)
