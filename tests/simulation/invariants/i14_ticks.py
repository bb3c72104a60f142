"""I14: each tick makes at most one run, named by its scheduled instant, and none is lost; I15 for what was missed.

Ticks are enumerated by arithmetic of our own (`series`). Every one that a cursor passed must be a run, or lie in a
recorded stretch of missed ticks, or in a suspension; and only a change of a schedule's own fields begins it anew.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from planner.keys import Key
from planner.model.facts import CursorMoved, Opened, Renamed, Settled, Suspended, TargetSet
from planner.model.records import RootRecord
from planner.model.schedule import CronSchedule, Cursor, IntervalSchedule
from planner.model.status import RunStatus
from tests.simulation.history import History
from tests.simulation.invariants.replay import Step, replay
from tests.simulation.invariants.series import Periodic, fields, floor, minutes, run_of, ticks

NAME = "I14"

_STRETCH = re.compile(r"(\d+) ticks from ")
_SECOND = timedelta(seconds=1)
_ON_TIME = timedelta(seconds=60)
_A_LOOK_TAKES = 100.0
"""Seconds: a plan may still be recorded that was made before the newest target."""


@dataclass(slots=True)
class _Root:
    """A root's schedule, as the targets say.

    Attributes:
        forms: the newest form by digest.
        names: all that it had.
        changed_at: when the schedule in force last changed, in seconds.
        schedule: in force.
        series: the schedule that the cursor is of, and its anchor.
        fields: what each digest of a cursor stands for.
    """

    names: set[str]
    forms: dict[str, str] = field(default_factory=dict)
    changed_at: float = float("-inf")
    schedule: Periodic | None = None
    series: tuple[Periodic, datetime] | None = None
    fields: dict[str, tuple[object, ...]] = field(default_factory=dict)


def check(history: History) -> list[str]:
    known = _known(history)
    roots: dict[str, _Root] = {}
    found = _keys(history)
    for step in replay(history).steps:
        fact = step.fact
        name = getattr(fact, "root", "")
        if isinstance(fact, Renamed):
            roots[name] = roots.pop(fact.old, _Root({fact.old}))
            roots[name].names.add(name)
        if not name:
            continue
        root = roots.setdefault(name, _Root({name}))
        if isinstance(fact, TargetSet) and fact.planned.digest is not None and fact.planned.hold is None:
            root.forms[fact.planned.digest] = fact.planned.form
        _follow(history, root, step)
        if isinstance(fact, CursorMoved):
            found += _moved(root, step, known)
    return found + _late(history, roots)


def _follow(history: History, root: _Root, step: Step) -> None:
    """Which schedule is in force after `step`: that of the newest target of the digest that is applied."""
    applied = step.root_after.applied if step.root_after else None
    form = root.forms.get(applied.digest, applied.form) if applied and applied.digest else ""
    operation = history.forms.get(form)
    schedule = operation.schedule if operation and not operation.refused else None
    assert schedule is None or isinstance(schedule, CronSchedule | IntervalSchedule)
    if schedule != root.schedule:
        root.schedule, root.changed_at = schedule, step.made.at


@dataclass(frozen=True, slots=True)
class _Known:
    """What the whole history knows of ticks: their runs, why some were skipped, and what was suspended when."""

    runs: frozenset[Key]
    skipped: dict[Key, str]
    suspensions: dict[str, list[tuple[datetime, datetime]]]

    def opened(self, names: set[str], tick: datetime) -> Key | None:
        """The run of a tick, under any name that its root had."""
        return run_of(tick, names, self.runs)

    def suspended(self, names: set[str], tick: datetime) -> bool:
        spans = [span for name in ("", *names) for span in self.suspensions.get(name, [])]
        return any(since - _SECOND <= tick <= until for since, until in spans)


def _known(history: History) -> _Known:
    runs = frozenset(fact.key for fact in history.facts() if isinstance(fact, Opened))
    skipped = {
        fact.key: fact.reason
        for fact in history.facts()
        if isinstance(fact, Settled) and fact.status is RunStatus.SKIPPED
    }
    return _Known(runs, skipped, _suspensions(history))


def _moved(root: _Root, step: Step, known: _Known) -> list[str]:
    fact = step.fact
    assert isinstance(fact, CursorMoved)
    before, after = step.root_before.cursor if step.root_before else None, fact.cursor
    settled = step.made.at - root.changed_at > _A_LOOK_TAKES
    if not after.digest:
        root.series = None
        return [f"{fact.root}: its cursor was dropped, and its schedule is in force"] if root.schedule else []
    if root.schedule is None:
        return [f"{fact.root}: its cursor moved without a schedule"] if settled else []
    if root.fields.setdefault(after.digest, fields(root.schedule)) != fields(root.schedule) and settled:
        return [f"{fact.root}: its cursor is of another schedule than the one in force"]
    other = before is not None and after.digest != before.digest
    if root.series is None or after.anchor != root.series[1] or other:
        same = root.series is not None and fields(root.series[0]) == fields(root.schedule)
        found = [f"{fact.root}: its anchor moved to {after.anchor} with the same schedule"] if same and settled else []
        if after.anchor != fact.at.replace(microsecond=0):
            found.append(f"{fact.root}: a new schedule begins at {after.anchor}, and was planned at {fact.at}")
        root.series, before = (root.schedule, after.anchor), None
    elif fields(root.series[0]) != fields(root.schedule):
        found = [f"{fact.root}: another schedule goes on from the anchor of the one before"] if settled else []
    else:
        found = []
    return found + list(_lost(root, (before, after), known))


def _lost(root: _Root, cursors: tuple[Cursor | None, Cursor], known: _Known) -> Iterator[str]:
    """Ticks that this move of the cursor passed and that nothing accounts for."""
    assert root.series is not None
    (schedule, anchor), (old, new) = root.series, cursors
    begin = floor(old) if old else anchor - (_SECOND if schedule.start_at == anchor else timedelta(0))
    # Ticks of a suspension do not use up `maxRuns`: only the cursor knows which one is the last.
    over = schedule.max_runs is not None and new.count >= schedule.max_runs
    end = new.last or anchor if over else floor(new)
    passed = [tick for tick in ticks(replace(schedule, max_runs=None), anchor, end) if tick > begin]
    covered = _covered(passed, known, root.names)
    for tick in passed:
        if tick not in covered and not known.opened(root.names, tick) and not known.suspended(root.names, tick):
            yield f"{min(root.names)}: its tick of {tick:%H:%M:%S} was passed, and there is no record of it"


def _covered(passed: list[datetime], known: _Known, names: set[str]) -> set[datetime]:
    """Ticks in a recorded stretch: the stretch's record is at its last tick, and says how many there are."""
    found: set[datetime] = set()
    for index, tick in enumerate(passed):
        key = known.opened(names, tick)
        match = _STRETCH.match(known.skipped.get(key, "")) if key else None
        if match:
            found |= set(passed[max(0, index + 1 - int(match[1])) : index + 1])
    return found


def _suspensions(history: History) -> dict[str, list[tuple[datetime, datetime]]]:
    found: dict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
    far = datetime.max.replace(tzinfo=history.now.tzinfo if history.now else None)
    # A clock that is put back during a suspension leaves what was passed before behind it.
    latest: dict[str, datetime] = {}
    for made in history.transactions:
        latest = {name: max(at, made.wall) for name, at in latest.items()}
        for fact in made.facts:
            if isinstance(fact, Renamed):
                found[fact.root] += found[fact.old]
                found[fact.old] = [(since, min(until, made.wall)) for since, until in found[fact.old]]
                latest |= {fact.root: latest.pop(fact.old)} if fact.old in latest else {}
            if not isinstance(fact, Suspended):
                continue
            spans, end = found[fact.root], max(fact.at, latest.pop(fact.root, fact.at))
            if spans and spans[-1][1] > end:
                spans[-1] = (spans[-1][0], end)
            if fact.active:
                spans.append((fact.at, fact.until or far))
                latest[fact.root] = fact.at
    return found


def _keys(history: History) -> list[str]:
    """A tick's key names an instant that its schedule has, and that has come."""
    found = []
    for step in replay(history).steps:
        fact = step.fact
        if not isinstance(fact, Opened) or fact.key.tick is None or fact.key.place or fact.key.round:
            continue
        schedule, tick = history.forms[fact.form].schedule, fact.key.tick
        if tick > step.made.wall + _SECOND and not history.wall_moved:
            found.append(f"{fact.key} was opened before its instant, at {step.made.wall}")
        cursor = step.root_after.cursor if step.root_after else None
        match schedule:
            case CronSchedule():
                right = tick == schedule.start_at or (tick.minute in minutes(schedule.cron) and not tick.second)
            case IntervalSchedule() if schedule.start_at or cursor:
                base = schedule.start_at or (cursor.anchor if cursor else tick)
                # The first tick of a new schedule is opened before its cursor is recorded.
                fresh = cursor is None or not cursor.digest
                right = fresh or not (tick - base) % schedule.frequency
            case _:
                right = True
        if not right:
            found.append(f"{fact.key} is no tick of {schedule}")
    return found


def _late(history: History, roots: dict[str, _Root]) -> list[str]:
    """At the end nothing that came due waits to be decided."""
    found = []
    assert history.now is not None
    for name, record in sorted(history.state.roots.items()):
        schedule = roots[name].schedule if name in roots else None
        if schedule is not None and record.suspended is None:
            found += _overdue(name, schedule, record, history.now)
    return found


def _overdue(name: str, schedule: Periodic, record: RootRecord, now: datetime) -> list[str]:
    cursor = record.cursor
    if cursor is None or not cursor.digest:
        return [f"{name}: its schedule was never begun"]
    late = [tick for tick in ticks(schedule, cursor.anchor, now - _ON_TIME) if tick > floor(cursor)]
    if not late or schedule.depends_on_past or (schedule.max_runs is not None and cursor.count >= schedule.max_runs):
        return []
    return [f"{name}: its tick of {late[0]:%H:%M:%S} was never decided"]
