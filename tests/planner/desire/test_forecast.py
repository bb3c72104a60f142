"""Forecasts: the next ticks, and what is said of those that do not come."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from planner.desire import ticks
from planner.desire.forecast import forecast
from planner.model.people import Suspension
from planner.model.schedule import CronSchedule, DatetimeSchedule, IntervalSchedule, Schedule

pytestmark = pytest.mark.unit


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


NOON = utc("2026-11-23T12:00")
HOURLY = CronSchedule(cron="0 * * * *")


def at(*texts: str) -> list[datetime]:
    return [utc(f"2026-11-23T{text}") for text in texts]


def suspended(until: str | None) -> Suspension:
    return Suspension(since=utc("2026-11-23T11:30"), by="ada", until=utc(f"2026-11-23T{until}") if until else None)


def test_ticks_have_the_time_of_their_zone_on_the_night_of_a_change() -> None:
    daily = CronSchedule(cron="30 2 * * *", timezone="Europe/Berlin")
    found = forecast(daily, None, utc("2026-03-28T00:00"), 3)
    assert [(tick.at, tick.local) for tick in found.ticks] == [
        (utc("2026-03-28T01:30"), "Sat 2026-03-28 02:30:00 +0100"),
        (utc("2026-03-29T01:00"), "Sun 2026-03-29 03:00:00 +0200"),
        (utc("2026-03-30T00:30"), "Mon 2026-03-30 02:30:00 +0200"),
    ]
    assert (found.rule, found.timezone, found.remarks) == ("30 2 * * *", "Europe/Berlin", ())


@pytest.mark.parametrize(
    ("schedule", "expected", "remark"),
    [
        pytest.param(replace(HOURLY, max_runs=2), ["13:00", "14:00"], "maxRuns: no tick after the first 2", id="max"),
        pytest.param(
            replace(HOURLY, end_at=utc("2026-11-23T15:00")),
            ["13:00", "14:00", "15:00"],
            "endAt: no tick after 2026-11-23 15:00 UTC",
            id="end",
        ),
        pytest.param(
            IntervalSchedule(frequency=timedelta(hours=2), end_at=utc("2026-11-23T10:00")),
            [],
            "endAt: no tick after 2026-11-23 10:00 UTC",
            id="over",
        ),
        pytest.param(DatetimeSchedule(start_at=utc("2026-11-23T18:00")), ["18:00"], "it has one tick only", id="once"),
    ],
)
def test_it_says_why_no_more_ticks_come(schedule: Schedule, expected: list[str], remark: str) -> None:
    found = forecast(schedule, None, NOON, 5)
    assert [tick.at for tick in found.ticks] == at(*expected)
    (said,) = found.remarks
    assert said.startswith(remark)


@pytest.mark.parametrize(
    ("until", "expected", "remark"),
    [
        pytest.param(
            "14:30",
            ["15:00", "16:00"],
            "suspended by ada until 2026-11-23 14:30 UTC: 2 ticks until then passed over",
            id="with an end",
        ),
        pytest.param(None, [], "suspended by ada: all ticks are passed over until it is lifted", id="without one"),
    ],
)
def test_it_says_what_a_suspension_passes_over(until: str | None, expected: list[str], remark: str) -> None:
    found = forecast(HOURLY, ticks.restart(HOURLY, NOON), NOON, 2, [suspended(until)])
    assert [tick.at for tick in found.ticks] == at(*expected)
    assert found.remarks == (remark,)


def test_a_suspension_that_is_over_counts_for_nothing() -> None:
    assert forecast(HOURLY, None, NOON, 1, [suspended("11:45")]) == forecast(HOURLY, None, NOON, 1)


def test_ticks_that_were_decided_count_and_are_not_shown_again() -> None:
    three = replace(HOURLY, max_runs=3)
    cursor = ticks.due(three, ticks.restart(three, NOON), utc("2026-11-23T13:00")).cursor
    found = forecast(three, cursor, NOON, 5)
    assert [tick.at for tick in found.ticks] == at("14:00", "15:00")
    assert found.remarks == ("maxRuns: no tick after the first 3, of which 1 are decided",)


def test_a_tick_that_is_due_is_said_apart() -> None:
    found = forecast(HOURLY, ticks.restart(HOURLY, NOON), utc("2026-11-23T13:05"), 1)
    assert [tick.at for tick in found.ticks] == at("14:00")
    assert found.remarks == ("the tick of 2026-11-23 13:00 UTC is due and not decided yet",)


def test_it_is_what_happens() -> None:
    """Whoever looks at each tick that is forecast starts just these."""
    for schedule in (HOURLY, replace(HOURLY, max_runs=4), IntervalSchedule(frequency=timedelta(minutes=50))):
        cursor, started = ticks.restart(schedule, NOON), []
        told = [tick.at for tick in forecast(schedule, cursor, NOON, 6).ticks]
        for look in told:
            decided = ticks.due(schedule, cursor, look)
            started += decided.starts
            cursor = decided.cursor
        assert started == told
