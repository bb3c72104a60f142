"""A start that leaves alone what rests comes to the same records as one that plans everything.

What a start does is in `reconciler.loop`; here the same is done over the ledgers of histories, after any time away.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from planner.admit import Limits
from planner.guard import Budgets
from planner.line import Line
from planner.model import facts as f
from planner.model.desired import CompiledOperation, Policy, RunPolicy
from planner.model.events import OutsideEvent, ident_of
from planner.model.people import Command
from planner.model.schedule import CronSchedule
from reconciler.ledger.memory import MemoryLedger
from reconciler.ports import Awake
from tests.planner.builders import approved, desired, job, listening, service
from tests.planner.endings import ending
from tests.planner.history import (
    EDITION,
    History,
    Step,
    after,
    ask,
    done,
    end,
    push,
    sent,
    suspend_project,
    wait,
    world,
)
from tests.planner.test_properties import chosen, histories, play

pytestmark = pytest.mark.unit

NIGHTLY = job(schedule=CronSchedule(cron="0 2 * * *", timezone="Europe/Berlin"))
LISTENS = listening(job(), ("grafana", "alert_warning"))
BY_HAND = job(policy=Policy(run=RunPolicy.MANUAL))
AWAY = [timedelta(0), timedelta(seconds=70), timedelta(hours=20), timedelta(days=9), timedelta(hours=-2)]


def awake(history: History) -> Awake:
    """What a start finds."""
    suspended = done(history.ledger.project()).suspended is not None
    return done(history.ledger.awake("" if suspended else EDITION))


def restarted(history: History) -> History:
    """The same world and another daemon, which remembers nothing."""
    return replace(
        history,
        ledger=MemoryLedger(history.ledger.snapshot()),
        line=Line(),
        facts=[],
        waits={},
        wakes={},
        written={},
        again=set(history.again),
        objects=dict(history.objects),
        made=set(history.made),
    )


def plan(history: History, names: Collection[str]) -> None:
    """Plan these; of none nothing."""
    if names:
        history.go(*names)


def start(history: History) -> Mapping[str, datetime]:
    """Leave alone what rests and is not due; returns when that is due."""
    found = awake(history)
    due = {name: at for name, at in found.due.items() if at is not None}
    # Both are the daemon's turn at once, and may compete for one place: by name, as where all are planned.
    plan(history, sorted({*found.records, *(name for name, at in due.items() if at <= history.now)}))
    return due


def start_with_all(history: History) -> Mapping[str, datetime]:
    """Plan everything."""
    plan(history, sorted(done(history.ledger.roots())))
    return {}


def live(history: History, due: Mapping[str, datetime], until: datetime) -> None:
    """Plan what is due when it is, up to an instant: `due` at first, then what each plan says.

    What is due at one instant may compete for one place: it goes by name, however a start came to know of it.
    """
    while True:
        wakes = sorted({**due, **awaited(history)}.items())
        plan(history, {name: at for name, at in wakes if at <= history.now})
        wakes = {**due, **awaited(history)}
        following = min((at for at in wakes.values() if at > history.now), default=until)
        if following >= until:
            return
        history.now = following


def awaited(history: History) -> Mapping[str, datetime]:
    """When what was planned must be planned again; what waits no more is for the end of time."""
    return {name: at or datetime.max.replace(tzinfo=history.now.tzinfo) for name, at in history.wakes.items()}


def said(history: History) -> tuple[object, ...]:
    """All that the ledger knows, whatever was said first of what was said at one instant."""
    state = history.ledger.snapshot()
    statuses = {name: (status.state, status.description) for name, status in state.statuses.items()}
    return state.project, state.roots, state.runs, state.claims, state.answers, state.events, statuses


def starts(history: History, away: timedelta) -> Awake:
    """Start after some time, in both ways, and live on; returns what the start found."""
    history.now += away
    found = awake(history)
    known = {**found.records, **found.listening}
    assert {name: record.listens for name, record in known.items() if record.listens} == history.listeners()
    outcomes = []
    for begin in (start, start_with_all):
        daemon = restarted(history)
        due = begin(daemon)
        live(daemon, due, history.now + timedelta(minutes=25))
        outcomes.append(said(daemon))
    assert outcomes[0] == outcomes[1]
    return found


# What is recorded and was not planned yet, as when the daemon is killed in between


def committed(*operations: CompiledOperation) -> Step:
    return lambda history: void(history.commit(desired(f"c{len(history.plans) + 1}", *operations)))


def asked(verb: str, root: str = "train") -> Step:
    return lambda history: history.add([f.Asked(root, Command("q99", verb, root, {}, "ada", history.now), history.now)])


def heard(history: History) -> None:
    history.hear(OutsideEvent(ident_of("sent", "ada", "9"), "alert_warning", "grafana", history.now, by="ada"))


def resumed(history: History) -> None:
    history.add([f.Suspended("", active=False, by="bob", at=history.now)])


def ended(key: str) -> Step:
    return lambda history: history.end(key)


def void(_: object) -> None:
    return


RUNS = [push(job()), wait(1)]
SUCCEEDED = [*RUNS, end("train@g1#1")]
SERVES = [push(service("train")), wait(1)]
BACKFILL = {"from": "2026-11-20T00:00:00+00:00", "to": "2026-11-23T00:00:00+00:00", "concurrency": 1}

RESTS = [
    pytest.param([push(NIGHTLY)], {"train"}, id="a schedule"),
    pytest.param(
        [push(NIGHTLY), wait(hours=20), end("train@2026-11-24T01:00Z#1")], {"train"}, id="a tick that is over"
    ),
    pytest.param(SUCCEEDED, {"train"}, id="a job that is over"),
    pytest.param([push(job(refused="it cannot run here"))], {"train"}, id="what is refused"),
    pytest.param([push(BY_HAND)], {"train"}, id="what people run"),
    pytest.param([*SERVES, ask("stop")], {"train"}, id="a service that somebody stopped"),
    pytest.param(
        [push(job(), job("eval")), end("train@g1#1"), push(job("eval"))],
        {"train"},
        id="what was removed, beside what runs",
    ),
    pytest.param([*SUCCEEDED, push(job("fit"))], {"fit"}, id="what was renamed"),
    pytest.param([push(NIGHTLY), ask("suspend"), ask("unsuspend")], {"train"}, id="what goes on"),
    pytest.param(
        [push(NIGHTLY), suspend_project(), resumed], set(), id="what goes on with all others, not planned yet"
    ),
    pytest.param([push(LISTENS)], {"train"}, id="what listens"),
    pytest.param([push(LISTENS), sent("alert_warning", "grafana"), wait(1)], set(), id="what an event started"),
    pytest.param([push(LISTENS), heard], set(), id="what has heard an event"),
    pytest.param([push(NIGHTLY), asked("run")], set(), id="what somebody asked for"),
    pytest.param([push(NIGHTLY), committed(job())], set(), id="what a commit changes"),
    pytest.param([push(NIGHTLY), committed()], set(), id="what a commit removes"),
    pytest.param([*SUCCEEDED, committed(job("fit"))], set(), id="what a commit renames"),
    pytest.param([push(NIGHTLY), committed(NIGHTLY)], {"train"}, id="what a commit leaves as it is"),
    pytest.param([push(NIGHTLY), ask("suspend")], set(), id="what is suspended"),
    pytest.param([push(NIGHTLY), suspend_project()], set(), id="what is suspended with all others"),
    pytest.param([push(NIGHTLY), ask("backfill", **BACKFILL)], set(), id="a backfill"),
    pytest.param([push(approved(job()))], set(), id="what waits for a person"),
    pytest.param([push(job("a"), job("b"), job("c"))], set(), id="what is held by a budget"),
    pytest.param(RUNS, set(), id="what runs"),
    pytest.param([*RUNS, ended("train@g1#1")], set(), id="an end that nobody saw"),
    pytest.param(SERVES, set(), id="what serves"),
    pytest.param([push(ending(job(), ttl=3600)), wait(1), end("train@g1#1")], set(), id="what is kept for a while"),
    pytest.param([*RUNS, world(answers=False), end("train@g1#1")], set(), id="what is not cleaned"),
]


@pytest.mark.parametrize("away", AWAY, ids=["at once", "a minute", "a night", "nine days", "the clock went back"])
@pytest.mark.parametrize(("steps", "rest"), RESTS)
def test_who_rests_and_that_nobody_misses_a_plan(steps, rest, away):
    history = after(*steps, budgets=Budgets(starts=2))
    found = starts(history, away)
    assert set(found.due) == rest
    assert found.records.keys() == done(history.ledger.roots()).keys() - rest
    assert found.listening.keys() == {name for name in rest if history.record(name).listens}


def test_a_schedule_is_due_at_its_next_tick_by_the_clock_of_its_zone():
    found = awake(after(push(NIGHTLY)))
    assert {name: f"{due:%m-%d %H:%M}" for name, due in found.due.items() if due} == {"train": "11-24 01:00"}


halves = st.one_of(
    st.none(),
    st.tuples(st.just("commit"), st.dictionaries(st.sampled_from("jkrsdenp"), st.integers(0, 2), max_size=6)),
    st.tuples(st.sampled_from(["run", "stop", "retry", "suspend"]), st.sampled_from("jkrsdenp")),
    st.tuples(st.just("project"), st.booleans()),
)
"""What was recorded last, and was not planned any more."""


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories, halves, st.sampled_from(AWAY))
def test_any_ledger_comes_to_the_same(moves, half, away):
    history = History(limits=Limits(runs=6, slots={"nvidia.com/gpu": 1}), budgets=Budgets(starts=5))
    for move in (moves[0], *moves[1]):
        play(history, move)
    match half:
        case "commit", dict(versions):
            history.commit(desired(f"c{len(history.plans) + 1}", *chosen(versions)))
        case "project", bool(active):
            history.add([f.Suspended("", active=active, by="bob", at=history.now)])
        case str(verb), str(root):
            asked(verb, root)(history)
    starts(history, away)
