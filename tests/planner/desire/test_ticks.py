"""Ticks: what one look decides, and what any sequence of looks decides together."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from croniter import croniter
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.desire import cron, ticks, zones
from planner.desire.concurrency import Replace, Skip, Start, admit_tick
from planner.desire.ticks import Why
from planner.model.schedule import CronSchedule, Cursor, DatetimeSchedule, IntervalSchedule

pytestmark = pytest.mark.unit

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def at(*texts: str) -> tuple[datetime, ...]:
    """Instants of the day that most tests live on."""
    return tuple(utc(f"2026-11-23T{text}") for text in texts)


NOON = utc("2026-11-23T12:00")
HOURLY = CronSchedule(cron="0 * * * *")
DAILY = CronSchedule(cron="0 6 * * *")
EVERY_HOUR = IntervalSchedule(frequency=HOUR)
ONCE = DatetimeSchedule(start_at=NOON)


def planned(schedule, anchor: str) -> Cursor:
    return ticks.restart(schedule, utc(anchor))


def stretches(due: ticks.Due) -> list[tuple[str, str, int, Why]]:
    return [(f"{one.first:%d %H:%M}", f"{one.last:%d %H:%M}", one.count, one.why) for one in due.missed]


# What one look decides ------------------------------------------------------------------------------------------------

LOOKS = [
    pytest.param(HOURLY, "09:30", "09:40", at(), [], "10:00", id="before the first tick: nothing"),
    pytest.param(HOURLY, "09:30", "10:00", at("10:00"), [], "11:00", id="exactly at a tick"),
    pytest.param(HOURLY, "10:00", "10:00", at(), [], "11:00", id="planned at a tick: it belongs to nobody"),
    pytest.param(HOURLY, "09:30", "10:01", at("10:00"), [], "11:00", id="a minute late is on time"),
    pytest.param(HOURLY, "09:30", "10:40", at("10:00"), [], "11:00", id="one tick overdue: latest runs it"),
    pytest.param(
        HOURLY,
        "09:30",
        "13:40",
        at("13:00"),
        [("23 10:00", "23 12:00", 3, Why.AWAY)],
        "14:00",
        id="four ticks overdue: latest runs the newest",
    ),
    pytest.param(
        replace(HOURLY, missed="none"),
        "09:30",
        "13:40",
        at(),
        [("23 10:00", "23 13:00", 4, Why.AWAY)],
        "14:00",
        id="none: all of them are missed",
    ),
    pytest.param(
        replace(HOURLY, missed="none"),
        "09:30",
        "13:00:30",
        at(),
        [("23 10:00", "23 13:00", 4, Why.AWAY)],
        "14:00",
        id="none: nobody looked when the newest came due half a minute ago",
    ),
    pytest.param(
        replace(HOURLY, missed="none"),
        "09:30",
        "13:00",
        at("13:00"),
        [("23 10:00", "23 12:00", 3, Why.AWAY)],
        "14:00",
        id="none: the tick of this second is not missed",
    ),
    pytest.param(
        replace(HOURLY, missed="none"), "09:30", "10:00:45", at("10:00"), [], "11:00", id="none: a slow look is on time"
    ),
    pytest.param(
        replace(HOURLY, missed="all"),
        "09:30",
        "13:40",
        at("10:00", "11:00", "12:00", "13:00"),
        [],
        "14:00",
        id="all: every one runs",
    ),
    pytest.param(
        replace(HOURLY, missed="all", max_catch_up=2),
        "09:30",
        "13:40",
        at("12:00", "13:00"),
        [("23 10:00", "23 11:00", 2, Why.AWAY)],
        "14:00",
        id="all: the newest of more than maxCatchUp run",
    ),
    pytest.param(
        replace(HOURLY, missed="all", start_deadline=2 * HOUR),
        "09:30",
        "13:40",
        at("12:00", "13:00"),
        [("23 10:00", "23 11:00", 2, Why.DEADLINE)],
        "14:00",
        id="startDeadline is stronger than all",
    ),
    pytest.param(
        replace(HOURLY, missed="all", start_deadline=2 * HOUR),
        "09:30",
        "13:00",
        at("11:00", "12:00", "13:00"),
        [("23 10:00", "23 10:00", 1, Why.DEADLINE)],
        "14:00",
        id="exactly as old as startDeadline still runs",
    ),
    pytest.param(
        replace(HOURLY, start_deadline=timedelta(minutes=30)),
        "09:30",
        "13:40",
        at(),
        [("23 10:00", "23 13:00", 4, Why.DEADLINE)],
        "14:00",
        id="startDeadline is stronger than latest",
    ),
    pytest.param(
        replace(HOURLY, start_deadline=10 * SECOND),
        "09:30",
        "10:00:30",
        at(),
        [("23 10:00", "23 10:00", 1, Why.DEADLINE)],
        "11:00",
        id="startDeadline is stronger than being on time",
    ),
    pytest.param(
        replace(HOURLY, missed="all", max_catch_up=1, start_deadline=3 * HOUR),
        "09:30",
        "14:40",
        at("14:00"),
        [("23 10:00", "23 11:00", 2, Why.DEADLINE), ("23 12:00", "23 13:00", 2, Why.AWAY)],
        "15:00",
        id="both reasons, two stretches",
    ),
    pytest.param(
        IntervalSchedule(frequency=20 * SECOND),
        "09:59:20",
        "10:00:20",
        at("09:59:40", "10:00:00", "10:00:20"),
        [],
        "10:00:40",
        id="a slow look at a fast interval loses nothing",
    ),
    pytest.param(EVERY_HOUR, "09:30", "10:29", at(), [], "10:30", id="interval: first after one frequency"),
    pytest.param(EVERY_HOUR, "09:30", "12:45", at("12:30"), [("23 10:30", "23 11:30", 2, Why.AWAY)], "13:30", id="gap"),
    pytest.param(
        replace(EVERY_HOUR, start_at=utc("2026-11-23T10:15")),
        "09:30",
        "10:15",
        at("10:15"),
        [],
        "11:15",
        id="interval: startAt itself is the first",
    ),
    pytest.param(
        replace(EVERY_HOUR, start_at=utc("2020-01-01T00:15")),
        "09:30",
        "10:15",
        at("10:15"),
        [],
        "11:15",
        id="interval: a past startAt only gives the rhythm",
    ),
    pytest.param(
        replace(HOURLY, start_at=utc("2026-11-23T10:15")),
        "09:30",
        "10:15",
        at("10:15"),
        [],
        "11:00",
        id="cron: startAt itself is the first",
    ),
    pytest.param(
        replace(HOURLY, start_at=utc("2026-11-23T10:15"), missed="all"),
        "09:30",
        "12:30",
        at("10:15", "11:00", "12:00"),
        [],
        "13:00",
        id="cron: startAt among the missed ones",
    ),
    pytest.param(
        replace(HOURLY, start_at=utc("2026-11-23T08:15"), missed="all"),
        "09:30",
        "10:30",
        at("10:00"),
        [],
        "11:00",
        id="cron: startAt before the anchor belongs to nobody",
    ),
    pytest.param(
        replace(HOURLY, end_at=utc("2026-11-23T11:00")),
        "09:30",
        "11:00",
        at("11:00"),
        [("23 10:00", "23 10:00", 1, Why.AWAY)],
        None,
        id="endAt itself may be a tick",
    ),
    pytest.param(
        replace(HOURLY, end_at=utc("2026-11-23T10:59"), missed="all"),
        "09:30",
        "15:30",
        at("10:00"),
        [],
        None,
        id="no tick after endAt",
    ),
    pytest.param(
        replace(HOURLY, end_at=utc("2026-11-23T11:00"), missed="none"),
        "09:30",
        "15:00",
        at(),
        [("23 10:00", "23 11:00", 2, Why.AWAY)],
        None,
        id="none: the second of this look is behind endAt",
    ),
    pytest.param(replace(HOURLY, end_at=utc("2026-11-23T09:00")), "09:30", "10:00", at(), [], None, id="ended before"),
    pytest.param(
        replace(HOURLY, max_runs=2),
        "09:30",
        "15:30",
        at("11:00"),
        [("23 10:00", "23 10:00", 1, Why.AWAY)],
        None,
        id="maxRuns counts missed ticks: the second one is the last",
    ),
    pytest.param(
        replace(EVERY_HOUR, max_runs=3, missed="all", max_catch_up=2),
        "09:30",
        "18:00",
        at("11:30", "12:30"),
        [("23 10:30", "23 10:30", 1, Why.AWAY)],
        None,
        id="maxRuns and maxCatchUp",
    ),
    pytest.param(ONCE, "09:30", "12:00", at("12:00"), [], None, id="datetime: at its instant"),
    pytest.param(ONCE, "09:30", "11:59:59", at(), [], "12:00", id="datetime: not before"),
    pytest.param(ONCE, "15:00", "15:00", at("12:00"), [], None, id="datetime: first seen when it was past"),
    pytest.param(
        replace(ONCE, missed="none"),
        "15:00",
        "15:00",
        at(),
        [("23 12:00", "23 12:00", 1, Why.AWAY)],
        None,
        id="datetime: none, first seen when it was past",
    ),
    pytest.param(
        replace(ONCE, missed="all", start_deadline=HOUR),
        "09:30",
        "15:00",
        at(),
        [("23 12:00", "23 12:00", 1, Why.DEADLINE)],
        None,
        id="datetime: startDeadline",
    ),
]


@pytest.mark.parametrize(("schedule", "anchor", "now", "starts", "missed", "wake"), LOOKS)
def test_a_look(*, schedule, anchor, now, starts, missed, wake):
    due = ticks.due(schedule, planned(schedule, f"2026-11-23T{anchor}"), *at(now))
    assert starts == due.starts
    assert missed == stretches(due)
    assert (at(wake)[0] if wake else None) == due.wake_at
    assert (wake is None) == due.done


def test_a_second_look_at_the_same_instant_decides_nothing():
    first = ticks.due(HOURLY, planned(HOURLY, "2026-11-23T09:30"), *at("13:40"))
    second = ticks.due(HOURLY, first.cursor, *at("13:40"))
    assert second == ticks.Due((), (), first.cursor, wake_at=first.wake_at)


def test_the_first_look_anchors_the_schedule():
    due = ticks.due(HOURLY, None, utc("2026-11-23T09:30:12.345678"))
    assert Cursor(ticks.fields_digest(HOURLY), utc("2026-11-23T09:30:12")) == due.cursor
    assert at("10:00") == ticks.due(HOURLY, due.cursor, *at("10:00")).starts


# Restart --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "restarts"),
    [
        pytest.param(DAILY, replace(DAILY, cron="0 7 * * *"), True, id="cron"),
        pytest.param(DAILY, replace(DAILY, timezone="Europe/Berlin"), True, id="timezone"),
        pytest.param(DAILY, replace(DAILY, start_at=NOON), True, id="startAt"),
        pytest.param(DAILY, replace(DAILY, end_at=NOON), True, id="endAt"),
        pytest.param(DAILY, replace(DAILY, max_runs=3), True, id="maxRuns"),
        pytest.param(DAILY, EVERY_HOUR, True, id="kind"),
        pytest.param(EVERY_HOUR, replace(EVERY_HOUR, frequency=2 * HOUR), True, id="frequency"),
        pytest.param(ONCE, DatetimeSchedule(start_at=NOON + HOUR), True, id="the instant"),
        pytest.param(DAILY, replace(DAILY, cron=" 0  6 * * *"), False, id="blanks"),
        pytest.param(CronSchedule(cron="@hourly"), HOURLY, False, id="a preset written out"),
        pytest.param(DAILY, replace(DAILY, missed="all"), False, id="missed"),
        pytest.param(DAILY, replace(DAILY, max_catch_up=7), False, id="maxCatchUp"),
        pytest.param(DAILY, replace(DAILY, start_deadline=HOUR), False, id="startDeadline"),
        pytest.param(DAILY, replace(DAILY, concurrency_policy="forbid"), False, id="concurrencyPolicy"),
        pytest.param(DAILY, replace(DAILY, jitter=HOUR), False, id="jitter"),
        pytest.param(DAILY, replace(DAILY, depends_on_past=True), False, id="dependsOnPast"),
        pytest.param(EVERY_HOUR, replace(EVERY_HOUR, timezone="Asia/Tokyo"), False, id="a zone that changes no tick"),
    ],
)
def test_only_fields_that_say_which_ticks_there_are_restart(old, new, restarts):
    before = replace(planned(old, "2026-11-20T00:00"), last=utc("2026-11-22T06:00"), count=2)
    after = ticks.current(new, before, NOON)
    assert (Cursor(ticks.fields_digest(new), NOON) if restarts else before) == after


def test_an_edited_schedule_forgets_the_old_ticks_that_were_due():
    """The classic: the daemon was away, the cron line was edited, and the old 06:00 must not fire."""
    cursor = planned(DAILY, "2026-11-22T12:00")
    due = ticks.due(replace(DAILY, cron="0 18 * * *"), cursor, NOON)
    assert ((), (), utc("2026-11-23T18:00")) == (due.starts, due.missed, due.wake_at)


def test_a_policy_that_changes_while_ticks_are_due_decides_them():
    cursor = planned(HOURLY, "2026-11-23T09:30")
    assert at("10:00", "11:00", "12:00") == ticks.due(replace(HOURLY, missed="all"), cursor, NOON).starts


def test_digests_are_a_contract():
    """`d1` of a schedule: a later version that gives another one would restart every schedule there is."""
    assert ticks.fields_digest(DAILY) == "d1:9b7ca998493ca6ace67fe3cc8097dd77"
    assert ticks.fields_digest(EVERY_HOUR) == "d1:ef24ed947827733cd3880920940c172f"
    assert ticks.fields_digest(ONCE) == "d1:f2e8474782f3411f3eb46d71e85c5232"


# Clocks, suspensions, the past ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("schedule", [HOURLY, EVERY_HOUR, ONCE], ids=["cron", "interval", "datetime"])
@pytest.mark.parametrize("back", [SECOND, HOUR, timedelta(days=1), timedelta(days=20_000)], ids=str)
def test_a_clock_that_goes_back_repeats_no_tick(schedule, back):
    """I17."""
    first = ticks.due(schedule, planned(schedule, "2026-11-23T09:00"), *at("12:00"))
    assert first.starts
    again = ticks.due(schedule, first.cursor, at("12:00")[0] - back)
    assert ((), (), first.cursor, first.wake_at) == (again.starts, again.missed, again.cursor, again.wake_at)


def test_a_clock_that_leaps_forward_is_an_absence():
    """I17."""
    due = ticks.due(HOURLY, planned(HOURLY, "2026-11-23T09:30"), utc("2106-02-07T06:28:15"))
    assert (utc("2106-02-07T06:00"),) == due.starts
    assert [utc("2026-11-23T10:00")] == [stretch.first for stretch in due.missed]


def test_ticks_in_a_suspension_are_not_missed_ticks():
    cursor = planned(HOURLY, "2026-11-23T09:30")
    cursor = ticks.skip_suspended(HOURLY, cursor, *at("12:00"))
    cursor = ticks.skip_suspended(HOURLY, cursor, *at("13:30"))
    due = ticks.due(replace(HOURLY, missed="all"), cursor, *at("14:00"))
    assert (at("14:00"), ()) == (due.starts, due.missed)
    assert due.cursor.count == 1, "a suspension does not use up maxRuns"


def test_a_suspension_never_moves_back():
    cursor = ticks.skip_suspended(HOURLY, planned(HOURLY, "2026-11-23T09:30"), *at("13:30"))
    assert cursor == ticks.skip_suspended(HOURLY, cursor, *at("11:00"))


def test_what_waited_for_the_past_was_not_overlooked():
    schedule = replace(HOURLY, depends_on_past=True)
    cursor = planned(schedule, "2026-11-23T09:30")
    due = ticks.due(schedule, cursor, *at("13:40"), busy_until=utc("2026-11-23T13:35"))
    assert [("23 10:00", "23 12:00", 3, Why.PAST)] == stretches(due)
    due = ticks.due(schedule, cursor, *at("13:40"), busy_until=utc("2026-11-23T09:59"))
    assert [("23 10:00", "23 12:00", 3, Why.AWAY)] == stretches(due)


@pytest.mark.parametrize(
    ("schedule", "missed", "count"),
    [
        pytest.param(replace(HOURLY, depends_on_past=True), [("23 10:00", "23 12:00", 3, Why.SUSPENDED)], 3, id="all"),
        pytest.param(
            replace(HOURLY, depends_on_past=True, max_runs=2),
            [("23 10:00", "23 11:00", 2, Why.SUSPENDED)],
            2,
            id="no more than there are",
        ),
    ],
)
def test_what_waits_when_a_suspension_begins_is_decided_away(schedule, missed, count):
    cursor = planned(schedule, "2026-11-23T09:30")
    assert ticks.due(schedule, cursor, *at("12:20"), previous_final=False).cursor == cursor
    waived = ticks.waive(schedule, cursor, *at("12:20"))
    assert stretches(waived) == missed
    assert (waived.starts, waived.cursor.count) == ((), count)
    assert ticks.waive(schedule, waived.cursor, *at("12:20")).missed == (), "once"


@pytest.mark.parametrize("until", ["12:00", "15:00"])
def test_the_only_tick_of_a_datetime_can_fall_into_a_suspension(until):
    cursor = ticks.skip_suspended(ONCE, planned(ONCE, "2026-11-23T09:30"), *at(until))
    due = ticks.due(ONCE, cursor, *at("16:00"))
    assert due.starts == due.missed == ()
    assert due.done


CHAINED = replace(HOURLY, depends_on_past=True)


@pytest.mark.parametrize(
    ("schedule", "final", "starts", "missed", "waiting", "last"),
    [
        pytest.param(CHAINED, False, at(), [], "10:00", None, id="waits, nothing is decided"),
        pytest.param(CHAINED, True, at("13:00"), [("23 10:00", "23 12:00", 3, Why.AWAY)], None, "13:00", id="latest"),
        pytest.param(replace(CHAINED, missed="all"), True, at("10:00"), [], "11:00", "10:00", id="all: one by one"),
        pytest.param(
            replace(CHAINED, missed="all", max_catch_up=2),
            True,
            at("12:00"),
            [("23 10:00", "23 11:00", 2, Why.AWAY)],
            "13:00",
            "12:00",
            id="all: the newest two, one by one",
        ),
        pytest.param(
            replace(CHAINED, missed="none"),
            True,
            at(),
            [("23 10:00", "23 13:00", 4, Why.AWAY)],
            None,
            "13:00",
            id="none",
        ),
        pytest.param(
            HOURLY, False, at("13:00"), [("23 10:00", "23 12:00", 3, Why.AWAY)], None, "13:00", id="not asked"
        ),
    ],
)
def test_depends_on_past(*, schedule, final, starts, missed, waiting, last):
    due = ticks.due(schedule, planned(schedule, "2026-11-23T09:30"), *at("13:40"), previous_final=final)
    assert starts == due.starts
    assert missed == stretches(due)
    assert (at(waiting)[0] if waiting else None) == due.waiting
    assert (at(last)[0] if last else None) == due.cursor.last
    assert (None if waiting else at("14:00")[0]) == due.wake_at, "a waiting tick is woken by the end of a run"


def test_a_chain_catches_up_in_order():
    schedule, now = replace(CHAINED, missed="all"), at("13:40")[0]
    cursor, found = planned(schedule, "2026-11-23T09:30"), []
    for _ in range(4):
        due = ticks.due(schedule, cursor, now, previous_final=True)
        cursor = due.cursor
        found += due.starts
        assert ticks.due(schedule, cursor, now, previous_final=False).starts == ()
    assert list(at("10:00", "11:00", "12:00", "13:00")) == found


# Previews, concurrency, jitter ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        pytest.param(HOURLY, at("13:00", "14:00", "15:00"), id="cron"),
        pytest.param(EVERY_HOUR, at("12:30", "13:30", "14:30"), id="interval"),
        pytest.param(replace(HOURLY, end_at=utc("2026-11-23T14:00")), at("13:00", "14:00"), id="endAt"),
        pytest.param(replace(HOURLY, max_runs=4), at("13:00"), id="maxRuns, three of it due already"),
        pytest.param(replace(HOURLY, max_runs=2), at(), id="maxRuns, used up by what is due"),
        pytest.param(replace(HOURLY, start_at=utc("2026-11-23T13:15")), at("13:15", "14:00", "15:00"), id="startAt"),
        pytest.param(ONCE, at(), id="datetime, due now"),
        pytest.param(DatetimeSchedule(start_at=NOON + HOUR), at("13:00"), id="datetime"),
    ],
)
def test_upcoming(schedule, expected):
    assert expected == ticks.upcoming(schedule, planned(schedule, "2026-11-23T09:30"), NOON, 3)


def test_upcoming_of_a_schedule_that_is_not_planned_yet():
    expected = tuple(utc(f"2026-{day}T06:00") for day in ("11-24", "11-25", "11-26", "11-27", "11-28"))
    assert expected == ticks.upcoming(DAILY, None, NOON, 5)


def test_upcoming_while_the_clock_is_behind():
    cursor = ticks.due(HOURLY, planned(HOURLY, "2026-11-23T09:30"), NOON).cursor
    assert at("13:00") == ticks.upcoming(HOURLY, cursor, *at("07:00"), 1)


@pytest.mark.parametrize(
    ("policy", "active", "expected"),
    [
        ("allow", at(), Start()),
        ("forbid", at(), Start()),
        ("replace", at(), Start()),
        ("allow", at("10:00"), Start()),
        (
            "forbid",
            at("10:00"),
            Skip("concurrencyPolicy is forbid and the run of 2026-11-23 10:00 UTC is active"),
        ),
        (
            "forbid",
            at("11:00", "10:00:30"),
            Skip("concurrencyPolicy is forbid and the run of 2026-11-23 10:00:30 UTC and 1 more is active"),
        ),
        ("replace", at("11:00", "10:00"), Replace(at("10:00", "11:00"))),
    ],
)
def test_concurrency_policy(policy, active, expected):
    assert expected == admit_tick(policy, active)


def test_jitter_is_the_same_everywhere_and_spreads():
    delays = [ticks.jitter_of(f"train{number}", NOON, timedelta(minutes=10)) for number in range(400)]
    assert delays == [ticks.jitter_of(f"train{number}", NOON, timedelta(minutes=10)) for number in range(400)]
    assert all(timedelta(0) <= delay <= timedelta(minutes=10) for delay in delays)
    quarters = [sum(delay // timedelta(minutes=2.5) == quarter for delay in delays) for quarter in range(4)]
    assert min(quarters) > 60
    assert ticks.jitter_of("train", NOON, timedelta(0)) == timedelta(0)
    assert ticks.jitter_of("train", NOON, HOUR) != ticks.jitter_of("train", NOON + HOUR, HOUR)


def test_words_of_a_stretch():
    due = ticks.due(HOURLY, planned(HOURLY, "2026-11-01T00:00"), NOON)
    expected = "539 ticks missed between 2026-11-01 01:00 UTC and 2026-11-23 11:00 UTC: it came due while nobody looked"
    assert [expected] == [str(stretch) for stretch in due.missed]


# Values that no schedule can have -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("build", "message"),
    [
        pytest.param(lambda: IntervalSchedule(frequency=timedelta(0)), "frequency must be", id="zero"),
        pytest.param(lambda: IntervalSchedule(frequency=-HOUR), "frequency must be", id="negative"),
        pytest.param(lambda: IntervalSchedule(frequency=timedelta(seconds=1.5)), "frequency must be", id="fraction"),
        pytest.param(lambda: IntervalSchedule(frequency=timedelta.max), "frequency must be", id="ages"),
        pytest.param(lambda: replace(HOURLY, max_runs=0), "maxRuns must be at least 1", id="maxRuns 0"),
        pytest.param(lambda: replace(HOURLY, max_catch_up=0), "maxCatchUp must be from 1", id="maxCatchUp 0"),
        pytest.param(lambda: replace(HOURLY, max_catch_up=10**9), "maxCatchUp must be from 1", id="maxCatchUp huge"),
        pytest.param(lambda: replace(HOURLY, start_deadline=timedelta(0)), "startDeadline must be", id="deadline 0"),
        pytest.param(lambda: replace(HOURLY, jitter=-SECOND), "jitter must not be negative", id="jitter"),
        pytest.param(lambda: replace(HOURLY, start_at=NOON, end_at=NOON - HOUR), "endAt is before startAt", id="order"),
        pytest.param(
            lambda: DatetimeSchedule(start_at=datetime.fromisoformat("2026-01-01")), "no time zone", id="naive"
        ),
    ],
)
def test_values_that_no_schedule_can_have(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_instants_become_whole_seconds_of_utc():
    schedule = DatetimeSchedule(start_at=datetime.fromisoformat("2026-11-23T13:00:00.9+01:00"))
    assert schedule.start_at == NOON
    assert schedule.start_at.tzinfo == UTC


# Any sequence of looks ------------------------------------------------------------------------------------------------

WHEN = st.one_of(
    st.builds(
        CronSchedule,
        cron=st.sampled_from(
            ["*/7 * * * *", "0 * * * *", "30 2 * * *", "0,15 0-4 * * *", "0 0 * * 0", "20 */3 29 * *"]
        ),
        timezone=st.sampled_from(["UTC", "Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe"]),
        start_at=st.none() | st.just(utc("2018-11-03T12:34:56")),
    ),
    st.builds(
        IntervalSchedule,
        frequency=st.sampled_from([timedelta(minutes=7), HOUR, timedelta(days=1, seconds=1)]),
        start_at=st.none() | st.just(utc("2018-11-03T12:34:56")) | st.just(utc("2001-01-01T00:00")),
    ),
    st.just(DatetimeSchedule(start_at=utc("2018-11-04T03:00"))),
)
ANCHOR = utc("2018-11-01T00:00")
OFFSETS = st.lists(st.integers(0, 5 * 86_400), min_size=1, max_size=12).map(sorted)


def limited(schedule, **limits):
    return schedule if isinstance(schedule, DatetimeSchedule) else replace(schedule, **limits)


def decided(schedule, offsets) -> tuple[list[datetime], int, Cursor]:
    cursor, starts, missed = ticks.restart(schedule, ANCHOR), [], 0
    for offset in offsets:
        due = ticks.due(schedule, cursor, ANCHOR + timedelta(seconds=offset))
        assert due.wake_at is None or due.wake_at > ANCHOR + timedelta(seconds=offset)
        assert due.done == (due.wake_at is None)
        cursor = due.cursor
        starts += due.starts
        missed += sum(stretch.count for stretch in due.missed)
    return starts, missed, cursor


@given(schedule=WHEN, offsets=OFFSETS, limit=st.none() | st.integers(1, 20))
@settings(max_examples=120, deadline=None)
def test_any_split_of_time_starts_the_same_ticks(schedule, offsets, limit):
    """Restart independence: a daemon that was killed at every instant starts what one that slept through does."""
    schedule = limited(schedule, missed="all", max_catch_up=10_000, max_runs=limit)
    often, once = decided(schedule, offsets), decided(schedule, offsets[-1:])
    assert often == once
    assert all(one < two for one, two in itertools.pairwise(often[0]))
    assert often[1] == 0


@given(schedule=WHEN, offsets=OFFSETS, missed=st.sampled_from(["latest", "none", "all"]))
@settings(max_examples=120, deadline=None)
def test_every_tick_is_decided_once_under_any_policy(schedule, offsets, missed):
    """I14: what starts and what is missed add up to the ticks there are, whoever looked when."""
    schedule = limited(replace(schedule, missed=missed), max_catch_up=3)
    everything = decided(limited(replace(schedule, missed="all"), max_catch_up=10_000), offsets[-1:])[0]
    starts, lost, cursor = decided(schedule, offsets)
    assert len(everything) == len(starts) + lost == cursor.count
    assert set(starts) <= set(everything)
    assert all(one < two for one, two in itertools.pairwise(starts))
    if everything:
        assert everything[-1] == cursor.last


@given(schedule=WHEN, offsets=OFFSETS)
@settings(max_examples=60, deadline=None)
def test_waking_at_the_promised_instants_starts_every_tick_under_none(schedule, offsets):
    """In normal operation nothing is missed: a daemon that wakes at `wake_at` needs no catching up."""
    schedule = replace(schedule, missed="none")
    end = ANCHOR + timedelta(seconds=min(offsets[-1], 86_400))
    cursor, now, found = ticks.restart(schedule, ANCHOR), ANCHOR, []
    while now is not None and now <= end:
        due = ticks.due(schedule, cursor, now)
        assert due.missed == () or now == ANCHOR, "the past datetime apart, nothing is missed"
        cursor, now = due.cursor, due.wake_at
        found += due.starts
    expected = [tick for tick in ticks.upcoming(schedule, ticks.restart(schedule, ANCHOR), ANCHOR, 300) if tick <= end]
    assert expected == found


# Cost -----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def asked(monkeypatch):
    """How often croniter was asked for a next date, with empty caches."""
    for cached in (cron.parse, cron._pattern, cron._changed, zones.day_of):
        cached.cache_clear()
    calls = []

    class Counted(croniter):
        def get_next(self, *args, **kwargs):
            calls.append(args)
            return super().get_next(*args, **kwargs)

    monkeypatch.setattr(cron, "croniter", Counted)
    yield calls
    cron.parse.cache_clear()


@pytest.mark.parametrize(
    ("schedule", "most", "starts"),
    [
        pytest.param(CronSchedule(cron="* * * * *"), 1, 1, id="minutely, latest"),
        pytest.param(CronSchedule(cron="* * * * *", missed="none"), 1, 0, id="minutely, none"),
        pytest.param(CronSchedule(cron="* * * * *", missed="all", max_catch_up=50), 1, 50, id="minutely, all"),
        pytest.param(CronSchedule(cron="* * * * *", timezone="Europe/Berlin"), 1, 1, id="minutely, in a zone"),
        pytest.param(CronSchedule(cron="* * * * *", max_runs=5_000_000), 1, 1, id="minutely, maxRuns"),
        # A shape of month takes one question for each of its days that match, and one more.
        pytest.param(CronSchedule(cron="* * * * mon-fri"), 28 * 24, 1, id="minutely on weekdays"),
        pytest.param(CronSchedule(cron="0 0 29 2 *"), 7 * 2 + 7 * 1, 1, id="leap days"),
        pytest.param(IntervalSchedule(frequency=timedelta(minutes=1)), 0, 1, id="interval"),
    ],
)
def test_ten_years_of_absence_cost_no_tick_by_tick_walk(asked, schedule, most, starts):
    """I15: exactly 1, 0 or at most n runs, at a cost that is bounded by days, not by ticks."""
    due = ticks.due(schedule, planned(schedule, "2016-11-23T00:00:30"), utc("2026-11-23T11:59:30"))
    assert starts == len(due.starts)
    assert len(due.missed) == 1
    assert len(asked) <= most
    first = len(asked)
    ticks.due(schedule, planned(schedule, "2006-11-23T00:00:30"), utc("2026-11-23T11:59:30"))
    assert len(asked) <= max(most, first), "what croniter said once is known"
