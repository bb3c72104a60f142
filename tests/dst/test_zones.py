"""Three zones of the table, the walker by itself, and that the table would notice."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.dst import table, walker

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("zone", "year"),
    [
        pytest.param("Europe/Berlin", 2026, id="an hour at night"),
        pytest.param("Australia/Lord_Howe", 2026, id="half an hour"),
        pytest.param("America/Sao_Paulo", 2018, id="over midnight"),
        pytest.param("Pacific/Apia", 2011, id="a whole day was skipped"),
    ],
)
def test_ticks_are_what_a_walk_through_every_minute_finds(zone: str, year: int) -> None:
    found = list(table.cases(zone, year))

    assert len(found) >= 2 * len(table.EXPRESSIONS)
    assert all(case.walked for case in found if case.expression == "*/15 * * * *")
    assert [str(case) for case in found if not case.equal] == []


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "day", "expected"),
    [
        pytest.param("30 2 * * *", "2026-03-29", ["01:00"], id="fixed, skipped"),
        pytest.param("0 1,2,3 * * *", "2026-03-29", ["00:00", "01:00"], id="fixed, two on one instant"),
        pytest.param("*/30 2 * * *", "2026-03-29", [], id="elapsed, skipped"),
        pytest.param("30 2 * * *", "2026-10-25", ["00:30"], id="fixed, repeated"),
        pytest.param("*/30 2 * * *", "2026-10-25", ["00:00", "00:30", "01:00", "01:30"], id="elapsed, repeated"),
        pytest.param("0 5 L * mon", "2026-10-25", [], id="neither the last day nor a Monday"),
        pytest.param("0 5 25 * mon", "2026-10-25", ["04:00"], id="one of both days"),
    ],
)
def test_the_walker_says_what_the_page_says_of_berlin(expression: str, day: str, expected: list[str]) -> None:
    begin = at(f"{day} 00:00") - timedelta(hours=1)
    clock = walker.minutes(ZoneInfo("Europe/Berlin"), begin, begin + timedelta(hours=24))

    found = walker.ticks(walker.read(expression), clock)

    assert found == [at(f"{day} {time}") for time in expected]


@pytest.mark.parametrize("part", ["planned", "newest"])
def test_a_tick_too_many_is_a_difference(part: str) -> None:
    case = next(table.cases("Europe/Berlin", 2026))
    more = (*case.walked, case.walked[-1] + walker.MINUTE)

    assert case.equal
    assert not replace(case, **{part: more}).equal  # type: ignore[arg-type]
    assert not replace(case, counted=case.counted - 1).equal


def test_every_zone_of_the_database_is_in_the_table() -> None:
    names = table.zones()

    assert len(names) > 400
    assert {"UTC", "Europe/Berlin", "Africa/Casablanca", "Antarctica/Troll"} <= set(names)
