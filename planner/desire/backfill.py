"""Backfills: runs for ticks that lie behind the cursor of a schedule and have none (docs/schedules.md).

One recorded fact asks; the runs follow from it and from what is recorded of each tick, so that a crash loses none and
makes none twice, and asking again does nothing. Its runs have the ordinary names of ticks. What the clock starts
(`planner.desire.schedule`) neither waits for them nor counts them. Ticks that the schedule has not decided are its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from planner import keys
from planner.desire import ticks
from planner.desire.opening import opened
from planner.desire.series import Series
from planner.desire.stopping import stop_tree
from planner.desire.stretch import asked, stretch_of
from planner.desire.view import Draft, Wait
from planner.keys import Key
from planner.model.backfill import MOST_AT_ONCE, MOST_BACKFILLS, Backfill
from planner.model.desired import CompiledOperation, Leaf
from planner.model.facts import Backfilled, Retried
from planner.model.people import Command
from planner.model.questions import Recorded
from planner.model.records import RunRecord
from planner.model.schedule import DatetimeSchedule
from planner.model.status import RunStatus, StopReason

__all__ = [
    "MOST_A_PLAN",
    "ask",
    "go_on",
    "has_room",
    "has_run",
    "runs_of",
    "stop",
    "wait_for",
    "wait_of",
]

MOST_A_PLAN = 500
"""Ticks that one plan decides; the next one goes on."""

_CHUNK = 100
_SECOND = timedelta(seconds=1)


def ask(draft: Draft, command: Command) -> tuple[bool, str]:
    """Record what a person asks for; returns the answer.

    Raises:
        ValueError: what is asked for makes no sense.
    """
    operation, name = draft.in_force(), draft.name
    if operation is None or operation.schedule is None:
        return False, f"{name} has no schedule in force"
    if operation.refused:
        return False, f"{name} cannot run here: {operation.refused}"
    if draft.suspended is not None:
        return False, f"{name} is suspended by {draft.suspended.by}; {draft.unsuspend}"
    if sum(not one.over for one in draft.state.record.backfills) >= MOST_BACKFILLS:
        return False, f"{name} has {MOST_BACKFILLS} backfills already; plumbline stop {name}, or wait for one"
    limit = command.args.get("concurrency", 1)
    if not isinstance(limit, int) or not 1 <= limit <= MOST_AT_ONCE:
        return False, f"concurrency is a whole number from 1 to {MOST_AT_ONCE:,}"
    given = (str(command.args.get("from", "")), str(command.args.get("to", "")))
    stretch = asked(operation.schedule, draft.state.record.cursor, given, draft.now)
    (first,) = stretch.ticks(most=1)
    made = Backfill(
        ident=f"b-{command.ident}",
        begin=stretch.after + _SECOND,
        end=stretch.until + _SECOND,
        limit=limit,
        by=command.by,
        at=draft.now,
        schedule=ticks.fields_digest(operation.schedule),
        total=stretch.count,
        next=first,
    )
    draft.add(Backfilled(name, made, draft.now))
    many = f"{made.total:,} tick{'s' if made.total > 1 else ''}"
    return True, f"{made.ident}: {many} from {ticks.text_of(first)} on, {_limit(operation, made)} at a time"


def go_on(draft: Draft, most: int) -> int:
    """Open runs for the next ticks of every backfill as far as it may have them; returns how many were decided.

    Args:
        draft: after its ticks were decided.
        most: ticks to decide at most.
    """
    decided = 0
    for one in draft.state.record.backfills:
        if not one.over:
            decided += _go_on(draft, one, most - decided)
    return decided


def has_room(draft: Draft) -> bool:
    """Whether a backfill has something to do now: as after a run of it that was over as soon as it was opened."""
    operation = draft.in_force()
    if operation is None or draft.suspended is not None:
        return False
    active = [one for one in draft.state.record.backfills if not one.over]
    return any(_free(draft, operation, one) > 0 if one.next else not runs_of(draft, one) for one in active)


def wait_for(draft: Draft) -> tuple[Wait, ...]:
    """What the next tick of each backfill waits for."""
    found = []
    for one in draft.state.record.backfills:
        count = len(runs_of(draft, one))
        if not one.over and one.next is not None and count:
            found.append(wait_of(keys.tick(draft.name, one.next), one, count))
    return tuple(found)


def wait_of(key: Key, one: Backfill, count: int) -> Wait:
    """What the tick `key` of a backfill waits for, of which `count` runs are open."""
    return Wait(key, f"{count} of backfill {one.ident}", one.at, release=f"plumbline stop {one.ident}")


def stop(draft: Draft, ident: str, by: str) -> tuple[int, list[str]]:
    """End the backfill `ident`, or all for "", with what runs of it: how many runs that are, and which ones ended."""
    stopped, ended = 0, []
    for one in draft.state.record.backfills:
        if not one.over and ident in {"", one.ident}:
            for key in runs_of(draft, one):
                stopped += stop_tree(draft, key, StopReason.BY_PERSON, by)
            _end(draft, one, f"stopped by {by}")
            ended.append(one.ident)
    return stopped, ended


def runs_of(draft: Draft, one: Backfill) -> list[Key]:
    """The tops of a backfill that are not over."""
    runs = ((key, draft.run(key)) for key in draft.state.record.open)
    return [key for key, run in runs if run is not None and run.backfill == one.ident]


def has_run(run: RunRecord) -> bool:
    """Whether a tick's record stands for a run: not where the schedule decided it away, missed or forbidden."""
    return run.status is not RunStatus.SKIPPED or run.because != ticks.DECIDED_AWAY or bool(run.backfill or run.rounds)


def _go_on(draft: Draft, one: Backfill, most: int) -> int:
    operation = draft.in_force()
    over = _over(draft, operation, one)
    if over:
        _end(draft, one, over)
        return 0
    if operation is None or operation.schedule is None or draft.suspended is not None:
        return 0
    cursor = ticks.current(operation.schedule, draft.state.record.cursor, draft.now)
    stretch, begun = stretch_of(operation.schedule, cursor, one.begin, one.end), one.decided
    while one.next is not None and _free(draft, operation, one) > 0 and one.decided - begun < most:
        found = stretch.ticks(one.next, min(_CHUNK, most - one.decided + begun))
        known = draft.ask(Recorded(tuple(keys.tick(draft.name, tick) for tick in found)))
        if known is None:
            break
        one = _decide(draft, operation, one, found, {run.key: run for run in known})
        if one.next is None:
            one = replace(one, next=next(iter(stretch.ticks(found[-1] + _SECOND, 1)), None))
        draft.add(Backfilled(draft.name, one, draft.now))
    if one.next is None and not runs_of(draft, one):
        _end(draft, one, "done")
    elif one.next is not None and one.decided - begun >= most:
        draft.wakes.append(draft.now)  # at once, when this is recorded
    return one.decided - begun


def _decide(
    draft: Draft,
    operation: CompiledOperation,
    one: Backfill,
    found: Sequence[datetime],
    known: Mapping[Key, RunRecord],
) -> Backfill:
    """Go through ticks until the backfill has all the runs that it may have; `next` is the first that is left."""
    schedule, cursor = operation.schedule, draft.state.record.cursor
    assert schedule is not None
    floor = Series(schedule, ticks.current(schedule, cursor, draft.now)).floor
    room, started, passed = _free(draft, operation, one), 0, 0
    for tick in found:
        key = keys.tick(draft.name, tick)
        run = draft.run(key) or known.get(key)
        # Behind the cursor everything is decided; what is not is the schedule's to start.
        if tick > floor or (run is not None and has_run(run)):
            passed += 1
        elif started < room:
            started += 1
            _open(draft, operation, one, key, run)
        else:
            break
    rest = found[started + passed :]
    return replace(one, next=rest[0] if rest else None, started=one.started + started, passed=one.passed + passed)


def _open(draft: Draft, operation: CompiledOperation, one: Backfill, key: Key, run: RunRecord | None) -> None:
    because = f"backfill {one.ident} of {one.by}"
    if run is None:
        draft.add(replace(opened(draft, operation, key, because), backfill=one.ident))
        return
    # Its record says that it did not run; it leaves that only by a round.
    if key not in draft.state.runs:
        draft.state = draft.state.with_run(run)
    leaf = isinstance(operation.body, Leaf)
    begun = opened(draft, operation, key.at_round(1), because)
    draft.add(
        Retried(
            root=draft.name,
            key=key,
            round=1,
            places=("",) if leaf else (),
            by=one.by,
            at=draft.now,
            form=begun.form,
            commit=begun.commit,
            generation=begun.generation,
            backfill=one.ident,
        )
    )
    if leaf:
        draft.add(replace(begun, backfill=one.ident))


def _free(draft: Draft, operation: CompiledOperation, one: Backfill) -> int:
    return _limit(operation, one) - len(runs_of(draft, one))


def _limit(operation: CompiledOperation, one: Backfill) -> int:
    schedule = operation.schedule
    in_turn = schedule is not None and not isinstance(schedule, DatetimeSchedule) and schedule.depends_on_past
    return 1 if in_turn else one.limit


def _over(draft: Draft, operation: CompiledOperation | None, one: Backfill) -> str:
    applied = draft.state.record.applied
    if applied is None or applied.digest is None:
        return "it is not in the repository any more"
    if operation is None:
        return ""  # its form could not be read now: nothing is concluded from that
    if operation.schedule is None:
        return "it has no schedule any more"
    if operation.refused:
        return f"refused: {operation.refused}"
    return "" if ticks.fields_digest(operation.schedule) == one.schedule else "its schedule was changed"


def _end(draft: Draft, one: Backfill, why: str) -> None:
    draft.add(Backfilled(draft.name, replace(one, over=why), draft.now))
