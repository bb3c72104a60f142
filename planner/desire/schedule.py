"""Ticks of a root: due ones become runs, missed and forbidden ones become records, in step with the cursor.

The cursor and the records that it stands for are facts of one transaction: a crash never loses a tick and never
runs one twice. Which instants are due is decided in `planner.desire.ticks`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from planner import keys
from planner.desire import ticks
from planner.desire.concurrency import Replace, Skip, Start, admit_tick
from planner.desire.opening import opened
from planner.desire.stopping import stop_tree
from planner.desire.ticks import Due, Missed
from planner.desire.view import Draft, Wait
from planner.keys import Key
from planner.model.desired import CompiledOperation
from planner.model.facts import CursorMoved, Settled
from planner.model.schedule import Cursor, Schedule
from planner.model.status import RunStatus, StopReason

__all__ = ["active", "tick"]


def tick(draft: Draft) -> Wait | None:
    """Decide every tick up to now of a root with a schedule in force; returns what the next due one waits for, or None.

    To be called again when `active` has become empty since.
    """
    operation = draft.in_force()
    if operation is None or operation.schedule is None:
        _forget(draft, operation)
        return None
    if operation.refused:
        return None
    suspension = draft.suspended
    if suspension is not None:
        _suspended(draft, operation, min(suspension.since, draft.now))
        return None
    schedule = operation.schedule
    _skip_lapsed(draft, operation, schedule)
    decided = _due(draft, schedule, draft.now)
    _decide(draft, operation, decided)
    if decided.wake_at is not None:
        draft.wake(decided.wake_at)
    if decided.waiting is None:
        return None
    key = keys.tick(draft.name, decided.waiting)
    return Wait(key, "the run of the tick before (dependsOnPast)", decided.waiting)


def _forget(draft: Draft, operation: CompiledOperation | None) -> None:
    """What comes due without a schedule is nobody's: one that is added again begins anew."""
    record = draft.state.record
    absent = record.applied is None or record.applied.digest is None
    if record.cursor is not None and record.cursor.digest and (absent or operation is not None):
        _move(draft, Cursor("", draft.now))


def _suspended(draft: Draft, operation: CompiledOperation, since: datetime) -> None:
    """Decide what came due before the suspension began, and pass over what falls into it: that is not missed."""
    schedule = operation.schedule
    assert schedule is not None
    cursor = ticks.current(schedule, draft.state.record.cursor, draft.now)
    _move(draft, cursor)
    if cursor.anchor < since:
        _decide_until(draft, operation, schedule, since)
    within = ticks.due(schedule, draft.state.record.cursor, draft.now)
    if within.starts or within.missed:
        _move(draft, ticks.skip_suspended(schedule, draft.state.record.cursor, draft.now))
    for instant in ticks.upcoming(schedule, draft.state.record.cursor, draft.now, 1):
        draft.wake(instant)


def _skip_lapsed(draft: Draft, operation: CompiledOperation, schedule: Schedule) -> None:
    """Pass over the ticks of a suspension that ended by itself, perhaps while nobody looked."""
    for suspension in (draft.state.record.suspended, draft.view.suspended):
        cursor = draft.state.record.cursor
        if suspension is None or suspension.until is None or cursor is None:
            continue
        if ticks.current(schedule, cursor, draft.now) != cursor:
            # Another schedule's, which is begun anew now.
            continue
        decided = max(instant for instant in (cursor.anchor, cursor.last, cursor.skipped) if instant is not None)
        if decided < suspension.until <= draft.now:
            if decided < suspension.since:
                _decide_until(draft, operation, schedule, suspension.since)
            _move(draft, ticks.skip_suspended(schedule, draft.state.record.cursor, suspension.until))


def _decide_until(draft: Draft, operation: CompiledOperation, schedule: Schedule, since: datetime) -> None:
    """Decide every tick that came due before a suspension began, those too that wait for the one before."""
    decided = _due(draft, schedule, since)
    _decide(draft, operation, decided)
    _decide(draft, operation, ticks.waive(schedule, decided.cursor, since))


def _due(draft: Draft, schedule: Schedule, until: datetime) -> Due:
    """What is decided of the ticks up to an instant, given the runs of the ticks before."""
    cursor = draft.state.record.cursor
    last = draft.run(keys.tick(draft.name, cursor.last)) if cursor is not None and cursor.last is not None else None
    # While its record is at hand: when the run of the last decided tick ended.
    ended = last.finished_at if last is not None else None
    return ticks.due(schedule, cursor, until, previous_final=not active(draft), busy_until=ended)


def _decide(draft: Draft, operation: CompiledOperation, decided: Due) -> None:
    for stretch in decided.missed:
        _missed(draft, operation, stretch)
    for instant in decided.starts:
        _start(draft, operation, instant)
    _move(draft, decided.cursor)


def _move(draft: Draft, cursor: Cursor) -> None:
    if cursor != draft.state.record.cursor:
        draft.add(CursorMoved(draft.name, cursor, draft.now))


def _start(draft: Draft, operation: CompiledOperation, instant: datetime) -> None:
    schedule = operation.schedule
    assert schedule is not None
    key = keys.tick(draft.name, instant)
    if draft.run(key) is not None:
        return
    match admit_tick(schedule.concurrency_policy, active(draft)):
        case Start():
            pass
        case Skip(reason):
            _open(draft, operation, key, ticks.DECIDED_AWAY)
            draft.add(Settled(draft.name, key, RunStatus.SKIPPED, reason, draft.now))
            return
        case Replace(instants):
            for other in instants:
                stop_tree(draft, keys.tick(draft.name, other), StopReason.REPLACED)
        case other:
            assert_never(other)
    start = instant + ticks.jitter_of(draft.name, instant, schedule.jitter)
    _open(draft, operation, key, f"its tick of {instant:%Y-%m-%d %H:%M:%S} UTC", start)


def _missed(draft: Draft, operation: CompiledOperation, stretch: Missed) -> None:
    key = keys.tick(draft.name, stretch.last)
    if draft.run(key) is not None:
        return
    _open(draft, operation, key, ticks.DECIDED_AWAY)
    count = f"{stretch.count} ticks from {stretch.first:%Y-%m-%d %H:%M} UTC on" if stretch.count > 1 else "missed"
    draft.add(Settled(draft.name, key, RunStatus.SKIPPED, f"{count}: {stretch.why}", draft.now))


def _open(
    draft: Draft, operation: CompiledOperation, key: Key, because: str, not_before: datetime | None = None
) -> None:
    later = not_before if not_before is not None and not_before > draft.now else None
    draft.add(replace(opened(draft, operation, key, because), not_before=later))


def active(draft: Draft) -> tuple[datetime, ...]:
    """Instants of ticks that the clock started, whose runs are not final and not being replaced."""
    found = []
    for key in draft.state.record.open:
        run = draft.run(key)
        replaced = run is not None and run.stop is not None and run.stop.reason is StopReason.REPLACED
        if key.tick is not None and run is not None and not replaced and not run.backfill:
            found.append(key.tick)
    return tuple(sorted(found))
