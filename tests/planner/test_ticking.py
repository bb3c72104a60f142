"""Schedules inside the planning of a root: ticks become runs in step with the cursor, holds and suspensions count.

Which instants are due is told by tests/planner/desire/test_ticks.py.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from planner.guard import Budgets
from planner.model import facts as f
from planner.model.desired import CompiledOperation, OnChange, Policy
from planner.model.schedule import ConcurrencyPolicy, CronSchedule, IntervalSchedule
from tests.planner.builders import dag, job, node, service
from tests.planner.cases import Case, table
from tests.planner.history import (
    History,
    Step,
    after,
    ask,
    at,
    done,
    end,
    line,
    push,
    suspend_project,
    wait,
    world,
)

pytestmark = pytest.mark.unit

TEN = wait(minutes=10)
SIX_TEN, SIX_TWENTY, SIX_THIRTY = (f"n@2026-11-23T06:{minute}Z" for minute in (10, 20, 30))


def nightly(command: str = "fit", **schedule: object) -> CompiledOperation:
    """The operation n, every ten minutes."""
    return job("n", command, schedule=CronSchedule(cron="*/10 * * * *", **schedule))  # type: ignore[arg-type]


def policy(name: ConcurrencyPolicy) -> CompiledOperation:
    return nightly(concurrency_policy=name)


def every(minutes: int, command: str = "fit") -> CompiledOperation:
    return job("n", command, schedule=IntervalSchedule(frequency=timedelta(minutes=minutes)))


def clock(hour: int, minute: int, day: int = 23) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


TICKS = (
    Case("before", "nothing before the first tick", [push(nightly()), wait(minutes=9)], then=[]),
    Case("due", "a tick is a run of its own", [push(nightly()), TEN], then=[f"opens {SIX_TEN}", f"starts {SIX_TEN}#1"]),
    Case(
        "retried",
        "with retries of its own",
        [push(job("n", retries=1, schedule=CronSchedule(cron="*/10 * * * *"))), TEN, end(f"{SIX_TEN}#1", 1), wait(1)],
        then=[f"starts {SIX_TEN}#2"],
    ),
    Case(
        "dag",
        "a scheduled DAG opens its nodes under the tick",
        [
            push(dag("n", node("a"), node("b", "a"), schedule=CronSchedule(cron="*/10 * * * *"))),
            TEN,
            end(f"{SIX_TEN}/a#1"),
        ],
        then=[f"{SIX_TEN}/a succeeded", f"opens {SIX_TEN}/b", f"starts {SIX_TEN}/b#1"],
    ),
    Case(
        "nothing-is-carried-into-a-tick",
        "a nightly DAG with equal inputs must run",
        [
            push(dag("n", node("a"), schedule=CronSchedule(cron="*/10 * * * *"))),
            TEN,
            end(f"{SIX_TEN}/a#1"),
            TEN,
        ],
        then=[f"opens {SIX_TWENTY}", f"opens {SIX_TWENTY}/a", f"starts {SIX_TWENTY}/a#1"],
    ),
    Case(
        "allow",
        "runs of two ticks go side by side",
        [push(policy("allow")), TEN, TEN],
        then=[f"opens {SIX_TWENTY}", f"starts {SIX_TWENTY}#1"],
        alive=[f"{SIX_TEN}#1", f"{SIX_TWENTY}#1"],
    ),
    Case(
        "forbid",
        "a tick that may not start is a record with its reason",
        [push(policy("forbid")), TEN, TEN],
        then=[
            f"opens {SIX_TWENTY}",
            f"{SIX_TWENTY} skipped: concurrencyPolicy is forbid and the run of 2026-11-23 06:10 UTC is active",
        ],
        alive=[f"{SIX_TEN}#1"],
    ),
    Case(
        "forbid-after-the-end",
        "and one after the end of the other starts",
        [push(policy("forbid")), TEN, end(f"{SIX_TEN}#1"), TEN],
        then=[f"opens {SIX_TWENTY}", f"starts {SIX_TWENTY}#1"],
    ),
    Case(
        "forbid-in-back-off",
        "a run that waits for its next attempt is active",
        [
            push(job("n", retries=9, schedule=CronSchedule(cron="*/10 * * * *", concurrency_policy="forbid"))),
            TEN,
            wait(599),
            end(f"{SIX_TEN}#1", 1),
            wait(1),
        ],
        runs={SIX_TWENTY: "skipped"},
    ),
    Case(
        "replace",
        "the later tick stops the earlier one and starts",
        [push(policy("replace")), TEN, TEN],
        then=[
            f"stops {SIX_TEN}: replaced",
            f"stops {SIX_TEN}#1: replaced",
            f"opens {SIX_TWENTY}",
            f"starts {SIX_TWENTY}#1",
            f"{SIX_TEN} stopped: replaced by a later tick",
        ],
        alive=[f"{SIX_TWENTY}#1"],
    ),
    Case(
        "replace-what-stops",
        "what is being replaced is not replaced again",
        [push(policy("replace")), world(stops_at_once=False), TEN, TEN, TEN],
        then=[
            f"stops {SIX_TWENTY}: replaced",
            f"stops {SIX_TWENTY}#1: replaced",
            f"opens {SIX_THIRTY}",
            f"starts {SIX_THIRTY}#1",
        ],
    ),
    Case(
        "past-while-stopping",
        "a run that a person stops is the past until it has ended",
        [
            push(nightly(concurrency_policy="replace", depends_on_past=True)),
            world(stops_at_once=False),
            TEN,
            ask("stop", "n"),
            TEN,
        ],
        then=[],
        waits=[f"{SIX_TWENTY} waits for the run of the tick before (dependsOnPast)"],
    ),
    Case(
        "forbid-while-stopping",
        "a run that a person stops is active until it has ended",
        [push(policy("forbid")), TEN, world(stops_at_once=False), ask("stop", "n"), TEN],
        runs={SIX_TWENTY: "skipped"},
        alive=[f"{SIX_TEN}#1"],
    ),
    Case(
        "past-waits",
        "dependsOnPast: a tick waits for the run of the one before",
        [push(nightly(depends_on_past=True)), TEN, TEN],
        then=[],
        waits=[f"{SIX_TWENTY} waits for the run of the tick before (dependsOnPast)"],
    ),
    Case(
        "past-ends",
        "and starts in the plan that settles it: nothing else would wake it",
        [push(nightly(depends_on_past=True)), TEN, TEN, end(f"{SIX_TEN}#1")],
        then=[f"{SIX_TEN} succeeded", f"opens {SIX_TWENTY}", f"starts {SIX_TWENTY}#1"],
    ),
    Case(
        "past-fails",
        "whatever its end",
        [push(nightly(depends_on_past=True)), TEN, TEN, end(f"{SIX_TEN}#1", 1)],
        then=[f"{SIX_TEN} failed: exit code 1", f"opens {SIX_TWENTY}", f"starts {SIX_TWENTY}#1"],
    ),
    Case(
        "missed",
        "what came due while nobody looked is one record, and the newest tick runs",
        [push(nightly()), wait(hours=1)],
        then=[
            "opens n@2026-11-23T06:50Z",
            "n@2026-11-23T06:50Z skipped: 5 ticks from 2026-11-23 06:10 UTC on: it came due while nobody looked",
            "opens n@2026-11-23T07:00Z",
            "starts n@2026-11-23T07:00Z#1",
        ],
    ),
    Case(
        "missed-one",
        "a single one is said as one",
        [push(nightly()), wait(minutes=25)],
        then=[
            f"opens {SIX_TEN}",
            f"{SIX_TEN} skipped: missed: it came due while nobody looked",
            f"opens {SIX_TWENTY}",
            f"starts {SIX_TWENTY}#1",
        ],
    ),
    Case(
        "missed-none",
        "missed: none runs none of them",
        [push(nightly(missed="none")), wait(minutes=25)],
        then=[
            f"opens {SIX_TWENTY}",
            f"{SIX_TWENTY} skipped: 2 ticks from 2026-11-23 06:10 UTC on: it came due while nobody looked",
        ],
    ),
    Case(
        "missed-all",
        "missed: all runs all of them",
        [push(nightly(missed="all")), wait(minutes=25)],
        then=[f"opens {SIX_TEN}", f"opens {SIX_TWENTY}", f"starts {SIX_TEN}#1", f"starts {SIX_TWENTY}#1"],
    ),
    Case(
        "jitter",
        "jitter delays the start, never the tick's name",
        [push(nightly(jitter=timedelta(seconds=60))), TEN],
        then=[f"opens {SIX_TEN}"],
        waits=[f"{SIX_TEN} waits for its start time until 06:10:16"],
        runs={SIX_TEN: "on_schedule"},
    ),
    Case(
        "jitter-over",
        "and then it starts",
        [push(nightly(jitter=timedelta(seconds=60))), TEN, at(clock(6, 10) + timedelta(seconds=16))],
        then=[f"starts {SIX_TEN}#1"],
    ),
    Case(
        "back-in-time",
        "a clock that goes back repeats no tick",
        [push(nightly()), TEN, end(f"{SIX_TEN}#1"), world(now=clock(6, 9)), wait(60)],
        then=[],
    ),
)

SUSPENDED = (
    Case(
        "nothing-starts",
        "ticks in a suspension do not run",
        [push(nightly()), ask("suspend", "n"), TEN],
        then=[],
        runs={SIX_TEN: None},
    ),
    Case(
        "not-missed",
        "nor are they missed ticks afterwards",
        [push(nightly()), ask("suspend", "n"), TEN, TEN, wait(minutes=5), ask("unsuspend", "n")],
        then=[],
    ),
    Case(
        "next-one",
        "the next one runs",
        [push(nightly()), ask("suspend", "n"), wait(minutes=25), ask("unsuspend", "n"), wait(minutes=5)],
        then=[f"opens {SIX_THIRTY}", f"starts {SIX_THIRTY}#1"],
    ),
    Case(
        "by-itself",
        "also where it ends by itself, while nobody looked",
        [push(nightly()), ask("suspend", "n", **{"for": 900}), wait(minutes=25)],
        then=[f"opens {SIX_TWENTY}", f"starts {SIX_TWENTY}#1"],
        runs={SIX_TEN: None},
    ),
    Case(
        "project",
        "the project's counts as well",
        [push(nightly()), suspend_project(), wait(minutes=25), suspend_project(active=False), wait(minutes=5)],
        then=[f"opens {SIX_THIRTY}", f"starts {SIX_THIRTY}#1"],
        runs={SIX_TEN: None, SIX_TWENTY: None},
    ),
    Case(
        "what-was-due-before",
        "what came due before it began is decided, and waits for its end",
        [push(nightly()), TEN, wait(minutes=10), ask("suspend", "n")],
        alive=[f"{SIX_TEN}#1", f"{SIX_TWENTY}#1"],
    ),
    Case(
        "what-waited-for-the-past",
        "a tick that still waited for the one before is a record, and the series goes on after the suspension",
        [
            push(nightly(depends_on_past=True)),
            TEN,
            TEN,
            TEN,
            ask("suspend", "n"),
            end(f"{SIX_TEN}#1"),
            TEN,
            ask("unsuspend", "n"),
            TEN,
        ],
        then=["opens n@2026-11-23T06:50Z", "starts n@2026-11-23T06:50Z#1"],
        runs={SIX_TWENTY: None, SIX_THIRTY: "skipped", "n@2026-11-23T06:40Z": None},
    ),
    Case(
        "what-waited-for-the-past-in-one-that-lapsed",
        "the same where the suspension ended while nobody looked",
        [
            push(nightly(depends_on_past=True)),
            TEN,
            TEN,
            ask("suspend", "n", **{"for": 900}),
            wait(minutes=20),
            end(f"{SIX_TEN}#1"),
        ],
        then=[f"{SIX_TEN} succeeded", "opens n@2026-11-23T06:40Z", "starts n@2026-11-23T06:40Z#1"],
        runs={SIX_TWENTY: "skipped", SIX_THIRTY: None},
    ),
    Case(
        "what-runs-goes-on",
        "what runs goes on",
        [push(nightly()), TEN, ask("suspend", "n"), end(f"{SIX_TEN}#1")],
        then=[f"{SIX_TEN} succeeded"],
    ),
    Case(
        "retry-waits",
        "but no new attempt starts",
        [
            push(job("n", retries=1, schedule=CronSchedule(cron="*/10 * * * *"))),
            TEN,
            ask("suspend", "n"),
            end(f"{SIX_TEN}#1", 1),
            wait(5),
        ],
        then=[],
        waits=[f"{SIX_TEN} waits for the end of the suspension by ada; plumbline unsuspend n"],
    ),
)

CHANGED = (
    Case(
        "code",
        "changed code does not re-anchor an interval",
        [push(every(10)), wait(minutes=4), push(every(10, "new")), wait(minutes=6)],
        then=[f"opens {SIX_TEN}", f"starts {SIX_TEN}#1"],
    ),
    Case(
        "frequency",
        "a changed frequency does, at the instant that it was first planned",
        [push(every(10)), wait(minutes=4), push(every(7)), wait(minutes=7)],
        then=["opens n@2026-11-23T06:11Z", "starts n@2026-11-23T06:11Z#1"],
    ),
    Case(
        "ticks-finish",
        "a changed root lets runs of ticks finish, whatever onChange says",
        [
            push(job("n", schedule=CronSchedule(cron="*/10 * * * *"), policy=Policy(on_change=OnChange.STOP))),
            TEN,
            push(job("n", "new", schedule=CronSchedule(cron="*/10 * * * *"), policy=Policy(on_change=OnChange.STOP))),
            wait(minutes=5),
            end(f"{SIX_TEN}#1"),
        ],
        then=[f"{SIX_TEN} succeeded"],
    ),
    Case(
        "held",
        "while its removal is held it ticks as before",
        [push(nightly()), push(), TEN],
        then=[f"opens {SIX_TEN}", f"starts {SIX_TEN}#1"],
    ),
    Case(
        "bad",
        "while its file is bad it ticks as before",
        [push(nightly()), push(bad=["n.yaml"]), TEN],
        then=[f"opens {SIX_TEN}", f"starts {SIX_TEN}#1"],
    ),
    Case(
        "removed",
        "what is removed stops, with its ticks",
        [push(nightly(), service()), TEN, push(service())],
        then=["n g2 in force: absent", f"stops {SIX_TEN}#1: pruned", f"{SIX_TEN} stopped: removed from the repository"],
    ),
    Case(
        "added-again",
        "ticks of the time in which it was not there are nobody's",
        [push(nightly(), service()), push(service()), wait(days=1, minutes=5), push(nightly(), service())],
        then=["n g2 in force"],
    ),
    Case(
        "added-again-ticks",
        "it begins anew",
        [push(nightly(), service()), push(service()), wait(minutes=5), push(nightly(), service()), wait(minutes=5)],
        then=[f"opens {SIX_TEN}", f"starts {SIX_TEN}#1"],
    ),
    Case(
        "schedule-dropped",
        "a schedule that is dropped runs no more",
        [push(nightly()), push(job("n")), wait(days=1)],
        then=[],
    ),
    Case(
        "schedule-dropped-and-added",
        "and begins anew when it comes back",
        [push(nightly()), push(job("n")), wait(minutes=25), push(nightly()), wait(minutes=5)],
        then=[f"opens {SIX_THIRTY}", f"starts {SIX_THIRTY}#1"],
        runs={SIX_TEN: None, SIX_TWENTY: None},
    ),
    Case(
        "live",
        "a live field of the schedule counts from the next tick",
        [push(nightly()), TEN, push(policy("forbid")), TEN],
        runs={SIX_TWENTY: "skipped"},
    ),
    Case(
        "refused",
        "what cannot run here does not tick",
        [push(job("n", refused="no", schedule=nightly().schedule)), TEN],
        then=[],
    ),
)


@table(*TICKS)
def test_ticks(case):
    case.check()


@table(*SUSPENDED)
def test_suspension(case):
    case.check()


@table(*CHANGED)
def test_changes(case):
    case.check()


def test_a_tick_and_its_cursor_are_one_transaction():
    history = after(push(nightly()))
    history.now = clock(6, 10)
    facts = [line(fact) for fact in history.plan("n").facts]
    assert [f"opens {SIX_TEN}", "cursor at 06:10"] == facts[:2]


@pytest.mark.parametrize(
    ("steps", "wake"),
    [
        pytest.param([push(nightly())], clock(6, 10), id="next tick"),
        pytest.param([push(nightly()), TEN], clock(6, 20), id="the one after"),
        pytest.param(
            [push(nightly(jitter=timedelta(seconds=60))), TEN], clock(6, 10) + timedelta(seconds=16), id="jitter"
        ),
        pytest.param([push(nightly(max_runs=1)), TEN], None, id="over"),
        pytest.param([push(nightly()), ask("suspend", "n", **{"for": 60})], clock(6, 10), id="suspended"),
    ],
)
def test_when_it_must_be_planned_again(steps: list[Step], wake: datetime | None):
    assert wake == after(*steps).wakes["n"]


def test_a_tick_says_of_which_commit_and_generation_it_is():
    history = after(push(nightly()), TEN, push(nightly("new")), TEN)
    first, second = history.run(SIX_TEN), history.run(SIX_TWENTY)
    assert [("c1", 1), ("c2", 2)] == [(run.commit, run.generation) for run in (first, second)]
    assert "its tick of 2026-11-23 06:10:00 UTC" == first.because


def test_a_tick_while_the_change_is_held_runs_what_is_in_force():
    first = [job(f"j{number}", f"do {number}") for number in range(2)]
    history = after(push(*first, nightly()), push(service()), TEN, budgets=Budgets(deletions=0))
    run = history.run(SIX_TEN)
    assert ("c1", 1) == (run.commit, run.generation)


def test_many_ticks_leave_no_trace_in_the_root():
    history = History()
    push(nightly())(history)
    for _ in range(200):
        TEN(history)
        for key in history.alive():
            end(key)(history)
    assert () == history.record("n").open
    assert len(history.state("n").runs) <= 2
    facts = done(history.ledger.facts(limit=100_000))
    opened = [fact for _, fact in facts if isinstance(fact, f.Opened)]
    assert len(opened) == 200
