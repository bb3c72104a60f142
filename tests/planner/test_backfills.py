"""Backfills: runs for ticks that lie behind the cursor and have none, oldest first, so many at a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from planner.desire.stretch import asked
from planner.desire.ticks import fields_digest
from planner.model.backfill import Backfill
from planner.model.desired import CompiledOperation
from planner.model.schedule import CronSchedule, Cursor, DatetimeSchedule, IntervalSchedule, Schedule
from tests.planner.builders import dag, job, node
from tests.planner.history import History, Step, after, ask, decisions, done, end, line, push, wait, waits, world

pytestmark = pytest.mark.unit

UTC_NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HOURLY = CronSchedule(cron="0 * * * *")
THREE, FOUR, FIVE, SIX = (f"n@2026-11-23T0{hour}:00Z" for hour in (3, 4, 5, 6))


def hourly(command: str = "fit", **schedule: object) -> CompiledOperation:
    return job("n", command, schedule=CronSchedule(cron="0 * * * *", **schedule))  # type: ignore[arg-type]


def backfill(begin: str = "2026-11-23T03:00", end: str = "2026-11-23T06:00", **args: int | str) -> Step:
    return ask("backfill", "n", **{"from": begin, "to": end}, **args)


def told(history: History) -> list[str]:
    """What became of the backfills of n."""
    return [
        f"{one.started} begun, {one.passed} passed, {one.over or 'goes on'}" for one in history.record("n").backfills
    ]


def answer(history: History) -> str:
    found = done(history.ledger.answer(f"q{history.asked}"))
    assert found is not None
    return f"{'yes' if found.ok else 'no'}: {found.message}"


def test_the_oldest_ticks_start_first_and_the_rest_waits_for_them() -> None:
    history = after(push(hourly()), backfill())
    assert answer(history) == "yes: b-q1: 3 ticks from 2026-11-23 03:00 UTC on, 1 at a time"
    assert decisions(history.facts) == [f"opens {THREE}", f"starts {THREE}#1"]
    assert waits(history, "n") == [f"{FOUR} waits for 1 of backfill b-q1; plumbline stop b-q1"]
    history = after(push(hourly()), backfill(), end(f"{THREE}#1"))
    assert history.alive() == [f"{FOUR}#1"]


def test_as_many_run_at_once_as_were_asked_for_and_an_end_lets_the_next_one_start() -> None:
    history = after(push(hourly()), backfill(concurrency=2))
    assert history.alive() == [f"{THREE}#1", f"{FOUR}#1"]
    end(f"{FOUR}#1", 1)(history)
    assert history.alive() == [f"{THREE}#1", f"{FIVE}#1"]
    end(f"{THREE}#1")(history)
    assert told(history) == ["3 begun, 0 passed, goes on"]
    end(f"{FIVE}#1")(history)
    assert told(history) == ["3 begun, 0 passed, done"]
    assert history.runs() == {THREE: "succeeded", FOUR: "failed", FIVE: "succeeded"}


def test_a_tick_that_has_a_run_is_passed_over_so_asking_again_does_nothing() -> None:
    steps = [push(hourly()), backfill(concurrency=3), end(f"{THREE}#1"), end(f"{FOUR}#1", 1), end(f"{FIVE}#1")]
    history = after(*steps, backfill(concurrency=3))
    assert decisions(history.facts) == []
    assert told(history) == ["0 begun, 3 passed, done"]


def test_two_backfills_of_one_stretch_run_each_tick_once() -> None:
    history = after(push(hourly()), backfill(), backfill(concurrency=9))
    assert history.alive() == [f"{THREE}#1", f"{FOUR}#1", f"{FIVE}#1"]
    for key in (THREE, FOUR, FIVE):
        end(f"{key}#1")(history)
    assert len(history.runs()) == 3
    assert told(history)[-1].endswith("done")


def test_a_tick_that_was_missed_has_no_run_and_gets_a_round() -> None:
    away = [push(hourly(missed="none")), wait(hours=3, minutes=5)]
    history = after(*away, backfill("2026-11-23T07:00", "2026-11-23T09:01", concurrency=9))
    missed = "n@2026-11-23T09:00Z"
    assert history.alive() == ["n@2026-11-23T07:00Z#1", "n@2026-11-23T08:00Z#1", f"{missed}~1#1"]
    for key in history.alive():
        end(key)(history)
    assert told(history) == ["3 begun, 0 passed, done"]
    assert history.runs()[f"{missed}~1"] == "succeeded"
    backfill("2026-11-23T07:00", "2026-11-23T09:01")(history)
    assert told(history) == ["0 begun, 3 passed, done"]


def test_a_dag_of_a_missed_tick_begins() -> None:
    nightly = dag("n", node("a"), schedule=CronSchedule(cron="0 * * * *", missed="none"))
    history = after(push(nightly), wait(hours=1, minutes=5), backfill("2026-11-23T07:00", "2026-11-23T07:01"))
    assert history.alive() == ["n@2026-11-23T07:00Z/a#1"]
    end("n@2026-11-23T07:00Z/a#1")(history)
    assert history.runs()["n@2026-11-23T07:00Z"] == "succeeded"
    assert told(history) == ["1 begun, 0 passed, done"]


@pytest.mark.parametrize("policy", ["forbid", "replace"])
def test_the_clock_does_not_count_runs_of_a_backfill(policy: str) -> None:
    history = after(push(hourly(concurrency_policy=policy)), backfill(), wait(hours=1))
    assert history.alive() == [f"{THREE}#1", "n@2026-11-23T07:00Z#1"]


def test_with_depends_on_past_one_run_follows_the_other() -> None:
    history = after(push(hourly(depends_on_past=True)), backfill(concurrency=9))
    assert history.alive() == [f"{THREE}#1"]


def test_ticks_that_the_schedule_has_not_decided_are_its_own() -> None:
    history = after(push(hourly(depends_on_past=True)), wait(hours=1), wait(hours=1))
    backfill("2026-11-23T08:00", "2026-11-23T08:00:01")(history)
    assert told(history) == ["0 begun, 1 passed, done"]
    end("n@2026-11-23T07:00Z#1")(history)
    assert history.alive() == ["n@2026-11-23T08:00Z#1"]


@pytest.mark.parametrize(
    ("args", "words", "left"),
    [
        pytest.param({}, "yes: stopping b-q1 and 1 run", [], id="all"),
        pytest.param({"backfill": "b-q1"}, "yes: stopping b-q1 and 1 run", [], id="by-name"),
        pytest.param({"key": THREE}, "yes: stopping 1 run", [f"{FOUR}#1"], id="one-tick"),
        pytest.param({"backfill": "b-q9"}, "no: b-q9 is over, or is no backfill of n", [f"{THREE}#1"], id="another"),
    ],
)
def test_stopping_one_ends_it_with_its_runs(args: dict[str, str], words: str, left: list[str]) -> None:
    history = after(push(hourly()), backfill(), ask("stop", "n", **args))
    assert answer(history) == words
    assert history.alive() == left
    assert ("stopped by ada" in told(history)[0]) is (not left)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        pytest.param(push(job("n", schedule=CronSchedule(cron="5 * * * *"))), "its schedule was changed", id="cron"),
        pytest.param(push(job("n")), "it has no schedule any more", id="no-schedule"),
        pytest.param(push(job("m", "other")), "it is not in the repository any more", id="removed"),
    ],
)
def test_what_takes_the_schedule_away_ends_it(change: Step, why: str) -> None:
    history = after(push(hourly()), backfill(), change)
    assert told(history) == [f"1 begun, 0 passed, {why}"]


def test_another_command_goes_on_with_it() -> None:
    history = after(push(hourly()), backfill(), push(hourly("better")), end(f"{THREE}#1"))
    assert history.alive() == [f"{FOUR}#1"]


def test_a_suspension_holds_it_back() -> None:
    history = after(push(hourly()), backfill(), ask("suspend", "n"), end(f"{THREE}#1"))
    assert not history.alive()
    ask("unsuspend", "n")(history)
    assert history.alive() == [f"{FOUR}#1"]


def test_more_ticks_than_one_plan_decides_go_on_by_themselves() -> None:
    every = job("n", schedule=CronSchedule(cron="* * * * *"))
    history = after(push(every), backfill("2026-11-22T00:00", "2026-11-22T20:00", concurrency=1000))
    assert len(history.alive()) == 1000
    assert told(history) == ["1000 begun, 0 passed, goes on"]


def test_what_is_told_of_one_is_a_line() -> None:
    history = after(push(hourly()), backfill())
    assert [line(fact) for fact in history.facts if isinstance(getattr(fact, "backfill", None), Backfill)] == [
        "b-q1 0 begun, 0 passed over, next 2026-11-23 03:00:00+00:00",
        "b-q1 1 begun, 0 passed over, next 2026-11-23 04:00:00+00:00",
    ]


@pytest.mark.parametrize(
    ("operation", "args", "words"),
    [
        pytest.param(job("n"), {}, "n has no schedule in force", id="no-schedule"),
        pytest.param(hourly(), {"concurrency": 0}, "concurrency is a whole number from 1 to 1,000", id="none-at-once"),
    ],
)
def test_what_cannot_be_asked_is_answered_with_the_reason(
    operation: CompiledOperation, args: dict[str, int], words: str
) -> None:
    assert answer(after(push(operation), backfill(**args))) == f"no: {words}"


def test_a_suspended_operation_is_not_backfilled() -> None:
    history = after(push(hourly()), ask("suspend", "n"), backfill())
    assert answer(history) == "no: n is suspended by ada; plumbline unsuspend n"


# Which ticks

ANCHOR = datetime(2026, 11, 23, 9, 17, tzinfo=UTC)
BERLIN = CronSchedule(cron="30 2 * * *", timezone="Europe/Berlin")


@pytest.mark.parametrize(
    ("schedule", "begin", "until", "expected"),
    [
        pytest.param(HOURLY, "2026-11-20T01:00", "2026-11-20T03:00", ["20 01:00", "20 02:00"], id="end-is-none"),
        pytest.param(
            BERLIN, "2026-10-24", "2026-10-27", ["24 00:30", "25 00:30", "26 01:30"], id="clocks-go-back-once-a-day"
        ),
        pytest.param(BERLIN, "2026-03-28", "2026-03-31", ["28 01:30", "29 01:00", "30 00:30"], id="clocks-go-forward"),
        pytest.param(
            CronSchedule(cron="0 * * * *", start_at=datetime(2026, 11, 20, 1, 30, tzinfo=UTC)),
            "2026-11-20T00:00",
            "2026-11-20T04:00",
            ["20 02:00", "20 03:00"],
            id="none-before-start-at",
        ),
        pytest.param(
            CronSchedule(cron="0 * * * *", end_at=datetime(2026, 11, 20, 1, tzinfo=UTC), max_runs=1),
            "2026-11-20T00:00",
            "2026-11-20T04:00",
            ["20 00:00", "20 01:00"],
            id="none-after-end-at-and-any-number",
        ),
        pytest.param(
            IntervalSchedule(frequency=timedelta(hours=6)),
            "2026-11-22T00:00",
            "2026-11-22T12:00",
            ["22 03:17", "22 09:17"],
            id="an-interval-keeps-its-rhythm-backwards",
        ),
        pytest.param(
            DatetimeSchedule(start_at=datetime(2026, 11, 20, 1, tzinfo=UTC)),
            "2026-11-20",
            "2026-11-21",
            ["20 01:00"],
            id="the-one-tick-of-a-datetime",
        ),
    ],
)
def test_ticks_are_those_of_the_schedule(schedule: Schedule, begin: str, until: str, expected: list[str]) -> None:
    cursor = Cursor(fields_digest(schedule), ANCHOR)
    found = asked(schedule, cursor, (begin, until), UTC_NOW)
    assert [f"{tick:%d %H:%M}" for tick in found.ticks()] == expected
    assert found.count == len(found.ticks())


@pytest.mark.parametrize(
    ("begin", "until", "words"),
    [
        pytest.param("2026-11-20", "2026-11-20", "must be before", id="empty"),
        pytest.param("2026-11-20", "2026-12-24", "still to come", id="future"),
        pytest.param("yesterday", "2026-11-20", "'yesterday' is no instant", id="no-instant"),
        pytest.param("2026-11-20T00:10", "2026-11-20T00:20", "has no tick from", id="none"),
        pytest.param("2024-01-01", "2026-01-01", "17,544 ticks lie", id="too-many"),
        pytest.param("0001-01-01T00:00+23:00", "2026-01-01", "is no instant", id="before-the-calendar"),
    ],
)
def test_what_is_no_stretch_of_ticks_is_refused_in_words(begin: str, until: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        asked(HOURLY, None, (begin, until), UTC_NOW)


def test_a_run_that_the_backend_does_not_take_yet_counts() -> None:
    history = after(push(hourly()), world(answers=False), backfill(concurrency=2))
    assert sorted(history.runs()) == [THREE, FOUR]
