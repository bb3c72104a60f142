"""A backfill runs each tick of its stretch that has no run, no more at once than it may, and none once it is over."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from planner.desire.ticks import DECIDED_AWAY
from planner.keys import Key
from planner.model.backfill import Backfill
from planner.model.facts import Backfilled, Opened, Renamed, Retried, Settled, TargetSet
from planner.model.status import RunStatus
from tests.simulation.history import History
from tests.simulation.invariants.replay import Step, replay
from tests.simulation.invariants.series import Periodic, between, floor, run_of

NAME = "backfills"


@dataclass(slots=True)
class _Seen:
    """What was recorded so far.

    Attributes:
        known: each backfill as it was last said to be.
        open: the runs of each that have not ended.
        opened: names of runs that there ever were.
        names: all that a root had, by its name now.
    """

    known: dict[str, Backfill] = field(default_factory=dict)
    open: dict[str, set[Key]] = field(default_factory=lambda: defaultdict(set))
    opened: set[Key] = field(default_factory=set)
    names: dict[str, set[str]] = field(default_factory=dict)


def check(history: History) -> list[str]:
    seen = _Seen()
    found: list[str] = []
    for step in replay(history).steps:
        match step.fact:
            case TargetSet():
                seen.names.setdefault(step.fact.root, {step.fact.root})
            case Renamed():
                seen.names[step.fact.root] = {step.fact.root} | seen.names.pop(step.fact.old, {step.fact.old})
            case Opened() | Retried():
                found += _opened(seen, step.fact)
            case Settled() if not step.fact.key.place:
                for keys in seen.open.values():
                    keys.discard(step.fact.key.top)
            case Backfilled():
                found += _said(history, seen, step)
            case _:
                pass
    return found + list(_stuck(history))


def _opened(seen: _Seen, fact: Opened | Retried) -> Iterator[str]:
    if isinstance(fact, Opened):
        seen.opened.add(fact.key)
    if not fact.backfill:
        return
    one, runs = seen.known[fact.backfill], seen.open[fact.backfill]
    runs.add(fact.key.top)
    if one.over:
        yield f"{fact.key} was opened by {one.ident}, which was over: {one.over}"
    if len(runs) > one.limit:
        yield f"{len(runs)} runs of {one.ident} are open, {one.limit} are allowed"


def _said(history: History, seen: _Seen, step: Step) -> Iterator[str]:
    assert isinstance(step.fact, Backfilled)
    one = step.fact.backfill
    before = seen.known.get(one.ident, replace(one, started=0, passed=0))
    seen.known[one.ident] = one
    if before.over:
        yield f"{one.ident} went on after its end: {before.over}"
    if (one.started, one.passed) < (before.started, before.passed) or one.decided > one.total:
        yield f"{one.ident} has decided {one.decided} of {one.total}, and {before.decided} before"
    if one.over == "done":
        yield from _forgotten(history, seen, step)


def _forgotten(history: History, seen: _Seen, step: Step) -> Iterator[str]:
    """Ticks of a stretch that is done which nobody ran."""
    root, one = step.root_after, step.fact.backfill  # type: ignore[union-attr]
    assert root is not None
    schedule = _schedule(history, step)
    cursor = root.cursor
    if schedule is None or cursor is None:
        return
    for tick in between(schedule, cursor.anchor, (one.begin, one.end)):
        # One that was decided away before a rename has a run under the name that the root has since.
        each = (run_of(tick, {name}, seen.opened) for name in seen.names.get(root.name, {root.name}))
        if tick <= floor(cursor) and all(key is None or _decided_away(history, key) for key in each):
            yield f"{one.ident} is done, and the tick of {tick:%d %H:%M:%S} of {root.name} has no run"


def _schedule(history: History, step: Step) -> Periodic | None:
    applied = step.root_after.applied if step.root_after else None
    form = history.forms.get(applied.form) if applied is not None else None
    planned = step.root_after.planned if step.root_after else None
    if applied is not None and planned is not None and planned.digest == applied.digest:
        form = history.forms.get(planned.form, form)
    return form.schedule if form is not None else None  # type: ignore[return-value]


def _decided_away(history: History, key: Key) -> bool:
    run = history.state.runs[key]
    return run.status is RunStatus.SKIPPED and run.because == DECIDED_AWAY and not run.backfill and not run.rounds


def _stuck(history: History) -> Iterator[str]:
    for name, record in sorted(history.stored.roots.items() if history.settled else ()):
        tops = [run for key in record.open if (run := history.stored.runs.get(key)) is not None]
        for one in record.backfills:
            if not one.over and not any(run.backfill == one.ident for run in tops):
                yield f"{one.ident} of {name} neither goes on nor ends"
