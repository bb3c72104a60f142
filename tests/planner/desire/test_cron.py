"""Cron expressions against an independent walker that goes through real minutes one by one."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from croniter import croniter
from hypothesis import example, given, settings
from hypothesis import strategies as st

from planner.desire import cron, zones

pytestmark = pytest.mark.unit

MINUTE = timedelta(minutes=1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def naive(text: str) -> datetime:
    return datetime.fromisoformat(text)


def ticks(expression: str, zone: str, since: datetime, until: datetime) -> list[datetime]:
    parsed, where, found, at = cron.parse(expression), zones.zone(zone), [], since
    while (at := cron.next_after(parsed, where, at)) and at <= until:
        found.append(at)
    return found


def numbers(text: str, low: int, high: int) -> set[int]:
    found: set[int] = set()
    for item in text.split(","):
        body, slash, step = item.partition("/")
        first, dash, last = body.partition("-")
        if body == "*":
            first, last = str(low), str(high)
        elif not dash:
            last = str(high) if slash else first
        found |= set(range(int(first), int(last) + 1, int(step or 1)))
    return found


def walk(expression: str, zone: str, since: datetime, until: datetime) -> list[datetime]:
    """The rule of Debian's cron, minute by minute: fixed times run when the clock first passes them."""
    minute, hour, day, month, weekday = expression.split()
    minutes, hours, months = numbers(minute, 0, 59), numbers(hour, 0, 23), numbers(month, 1, 12)
    days, weekdays = numbers(day, 1, 31), {number % 7 for number in numbers(weekday, 0, 7)}
    elapsed = any(item.startswith("*") for item in f"{minute},{hour}".split(","))

    def matches(shown: datetime) -> bool:
        on = (shown.day in days, shown.isoweekday() % 7 in weekdays)
        on_day = any(on) if "*" not in (day, weekday) else all(on)
        return on_day and shown.month in months and shown.hour in hours and shown.minute in minutes

    where, found = ZoneInfo(zone), []
    at = since - timedelta(days=2)  # by then the clock has passed whatever it shows again
    passed = at.astimezone(where).replace(tzinfo=None)
    while at < until:
        at += MINUTE
        shown = at.astimezone(where).replace(tzinfo=None)
        hit = elapsed and matches(shown)
        while passed < shown:
            passed += MINUTE
            hit = hit or (not elapsed and matches(passed))
        if hit and at > since:
            found.append(at)
    return found


NIGHTS = [
    pytest.param("Europe/Berlin", "2026-03-29T01:00", id="Berlin, 02:00 becomes 03:00"),
    pytest.param("Europe/Berlin", "2026-10-25T01:00", id="Berlin, 03:00 becomes 02:00"),
    pytest.param("America/New_York", "2026-03-08T07:00", id="New York, 02:00 becomes 03:00"),
    pytest.param("America/New_York", "2026-11-01T06:00", id="New York, 02:00 becomes 01:00"),
    pytest.param("Australia/Lord_Howe", "2026-10-03T15:30", id="Lord Howe, half an hour skipped"),
    pytest.param("Australia/Lord_Howe", "2026-04-04T15:00", id="Lord Howe, half an hour repeated"),
    pytest.param("America/Sao_Paulo", "2018-11-04T03:00", id="Sao Paulo, midnight becomes 01:00"),
    pytest.param("America/Sao_Paulo", "2018-02-18T02:00", id="Sao Paulo, midnight becomes 23:00 of the day before"),
    pytest.param("America/St_Johns", "2006-10-29T02:31", id="St Johns, 00:01 becomes 23:01 of the day before"),
    pytest.param("America/St_Johns", "2006-04-02T03:31", id="St Johns, 00:01 becomes 01:01"),
    pytest.param("Pacific/Apia", "2011-12-30T10:00", id="Apia, a whole day skipped"),
    pytest.param("Europe/Dublin", "2026-10-25T01:00", id="Dublin, negative summer time"),
    pytest.param("Antarctica/Troll", "2026-03-29T01:00", id="Troll, two hours skipped"),
    pytest.param("UTC", "2026-03-29T01:00", id="UTC, nothing happens"),
]

EXPRESSIONS = [
    pytest.param("30 2 * * *", id="fixed, in the skipped hour"),
    pytest.param("0 0 * * *", id="fixed, midnight"),
    pytest.param("59 23 * * *", id="fixed, before midnight"),
    pytest.param("0,15,30 0,1,2,3 * * 0", id="fixed, several in a gap, Sundays"),
    pytest.param("0,30 0,6 * * 5,6", id="fixed, Friday or Saturday"),
    pytest.param("*/20 * * * *", id="elapsed, every twenty minutes"),
    pytest.param("30 */2 * * *", id="elapsed, every two hours"),
    pytest.param("*/10 2 * * *", id="elapsed, minutes of one hour"),
    pytest.param("5 0-23/3 * * *", id="fixed, a range is not a wildcard"),
]


@pytest.mark.parametrize(("zone", "change"), NIGHTS)
@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_ticks_around_a_change_of_clocks_equal_the_walkers(expression, zone, change):
    since, until = utc(change) - timedelta(hours=30), utc(change) + timedelta(hours=30)
    expected = walk(expression, zone, since, until)
    parsed, where = cron.parse(expression), zones.zone(zone)
    assert expected == ticks(expression, zone, since, until)
    assert len(expected) == cron.count(parsed, where, since, until)
    assert expected[-5:] == list(cron.newest(parsed, where, (since, until), 5))


TABLE = [
    pytest.param("30 2 * * *", "Europe/Berlin", "2026-03-29", ["01:00"], id="skipped: once, at the end of the gap"),
    pytest.param("30 2 * * *", "Europe/Berlin", "2026-10-25", ["00:30"], id="repeated: once, first occurrence"),
    pytest.param("0,30 2 * * *", "Europe/Berlin", "2026-03-29", ["01:00"], id="two skipped times are one tick"),
    pytest.param("0 2,3 * * *", "Europe/Berlin", "2026-03-29", ["01:00"], id="skipped and real time are one tick"),
    pytest.param(
        "30 * * * *",
        "Europe/Berlin",
        "2026-10-25",
        ["22:30-", "23:30-", *(f"{hour:02}:30" for hour in range(23))],
        id="hourly on a day of 25 hours: 25 ticks",
    ),
    pytest.param("*/30 2 * * *", "Europe/Berlin", "2026-03-29", [], id="elapsed: a skipped hour has no tick"),
    pytest.param(
        "*/30 2 * * *",
        "Europe/Berlin",
        "2026-10-25",
        ["00:00", "00:30", "01:00", "01:30"],
        id="elapsed: a repeated hour has its ticks twice",
    ),
    pytest.param("15 2 * * *", "Australia/Lord_Howe", "2026-10-04", ["15:30-"], id="half an hour skipped"),
    pytest.param("45 1 * * *", "Australia/Lord_Howe", "2026-04-05", ["14:45-"], id="half an hour repeated"),
    pytest.param("0 0 * * *", "America/Sao_Paulo", "2018-11-04", ["03:00"], id="skipped midnight"),
    pytest.param("30 23 * * *", "America/Sao_Paulo", "2018-02-17", ["01:30+"], id="repeated hour before midnight"),
]


@pytest.mark.parametrize(("expression", "zone", "local", "expected"), TABLE)
def test_ticks_of_one_local_date(expression, zone, local, expected):
    """Expected are times in UTC; `-` and `+` mark the UTC dates before and after the local date."""
    day = date.fromisoformat(local)
    where = ZoneInfo(zone)
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=30)
    found = ticks(expression, zone, begin, begin + timedelta(hours=80))
    shown = [
        f"{at:%H:%M}" + {-1: "-", 0: "", 1: "+"}[(at.date() - day).days]
        for at in found
        if at.astimezone(where).date() == day
    ]
    assert expected == shown


def test_a_skipped_day_gives_one_tick_at_its_end():
    """Samoa had no 30 December 2011: its midnight and the next one are the same instant."""
    found = ticks("0 0,12 * * *", "Pacific/Apia", utc("2011-12-29T23:00"), utc("2011-12-31T23:30"))
    assert [utc("2011-12-30T10:00"), utc("2011-12-30T22:00"), utc("2011-12-31T10:00"), utc("2011-12-31T22:00")] == found
    parsed, where = cron.parse("0 0,12 * * *"), zones.zone("Pacific/Apia")
    assert cron.count(parsed, where, utc("2011-12-29T23:00"), utc("2011-12-31T23:30")) == 4


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        pytest.param("0 0 29 2 *", "2024-02-29T00:00", "2028-02-29T00:00", id="leap day"),
        pytest.param("0 0 29 2 *", "2096-02-29T00:00", "2104-02-29T00:00", id="leap day over 2100, which has none"),
        pytest.param(
            "0 0 31 * *", "2026-01-31T00:00", "2026-03-31T00:00", id="months without the 31st are passed over"
        ),
        pytest.param("0 12 L * *", "2027-02-01T00:00", "2027-02-28T12:00", id="last day of a month"),
        pytest.param("0 12 L 2 *", "2028-01-01T00:00", "2028-02-29T12:00", id="last day of a leap February"),
        pytest.param("0 9 * * 1#1", "2026-11-02T09:00", "2026-12-07T09:00", id="first Monday"),
        pytest.param("0 9 * * L5", "2026-11-01T00:00", "2026-11-27T09:00", id="last Friday"),
        pytest.param("0 9 15W * *", "2026-11-01T00:00", "2026-11-16T09:00", id="15th is a Sunday: Monday"),
        pytest.param("0 0 13 * 5", "2026-11-01T00:00", "2026-11-06T00:00", id="both day fields: either matches"),
        pytest.param("0 0 31 2 1", "2026-02-03T00:00", "2026-02-09T00:00", id="an impossible day beside a weekday"),
        pytest.param("0 0 * * 7", "2026-11-23T00:00", "2026-11-29T00:00", id="7 is Sunday"),
        pytest.param("0 0 1 */3 *", "2026-11-23T00:00", "2027-01-01T00:00", id="quarters"),
        pytest.param("59 23 31 12 *", "2026-12-31T23:58", "2026-12-31T23:59", id="last minute of a year"),
        pytest.param("* * * * *", "2026-11-23T10:00:59", "2026-11-23T10:01", id="seconds are passed over"),
        pytest.param("* * * * *", "2026-11-23T10:00:00", "2026-11-23T10:01", id="strictly after"),
    ],
)
def test_next_after(expression, after, expected):
    assert utc(expected) == cron.next_after(cron.parse(expression), zones.zone("UTC"), utc(after))


def test_the_calendar_ends():
    assert cron.next_after(cron.parse("@daily"), zones.zone("UTC"), utc("9990-01-01T00:00")) is None


@pytest.mark.parametrize(
    ("preset", "text"),
    [
        ("@hourly", "0 * * * *"),
        ("@daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        ("@weekly", "0 0 * * 0"),
        ("@monthly", "0 0 1 * *"),
        ("@quarterly", "0 0 1 */3 *"),
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
        (" @DAILY ", "0 0 * * *"),
        ("0  6\t* * MON-FRI", "0 6 * * mon-fri"),
    ],
)
def test_presets_and_spelling(preset, text):
    """Reference, section 15: the presets."""
    assert text == cron.parse(preset).text
    assert cron.parse(text) == cron.parse(preset)


@pytest.mark.parametrize(
    ("expression", "message", "never"),
    [
        pytest.param("", "has 0 fields, five are expected", False, id="nothing"),
        pytest.param("* * * *", "has 4 fields", False, id="too few"),
        pytest.param("0 0 * * * *", "has 6 fields", False, id="seconds"),
        pytest.param("0 0 * * * * 2026", "has 7 fields", False, id="years"),
        pytest.param("60 * * * *", "bad minute '60': allowed are 0-59", False, id="minute"),
        pytest.param("0 24 * * *", "bad hour '24': allowed are 0-23", False, id="hour"),
        pytest.param("0 0 0 * *", "bad day of the month '0'", False, id="day zero"),
        pytest.param("0 0 * foo *", "bad month 'foo'", False, id="month's name"),
        pytest.param("0 0 * * 1#6", "bad day of the week '1#6'", False, id="sixth Monday"),
        pytest.param("*/0 * * * *", "bad minute '*/0'", False, id="step of nothing"),
        pytest.param("-1 * * * *", "bad minute '-1'", False, id="negative"),
        pytest.param("0 0 * * 1#1,2", "bad day of the week", False, id="plain and numbered weekdays"),
        pytest.param("0 0 1 * 5#2", "cannot be combined", False, id="a date and a counted weekday"),
        pytest.param("0 0 15W * 1", "cannot be combined", False, id="nearest working day and a weekday"),
        pytest.param("0 0 1 * L5", "cannot be combined", False, id="a date and a last weekday"),
        pytest.param("R * * * *", "set jitter to spread starts", False, id="random"),
        pytest.param("H(0-5) * * * *", "set jitter to spread starts", False, id="hashed"),
        pytest.param("@reboot", "unknown preset '@reboot': use one of @hourly", False, id="no such preset"),
        pytest.param("0," * 200 + "0 * * * *", "at most 256 characters", False, id="endless"),
        pytest.param("0 0 30 2 *", "can never fire", True, id="30 February"),
        pytest.param("0 0 31 2,4,6,9,11 *", "can never fire", True, id="31st of short months"),
    ],
)
def test_refused(expression, message, never):
    with pytest.raises(cron.CronError) as caught:
        cron.parse(expression)
    assert message in str(caught.value)
    assert never == caught.value.never


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Mars/Olympus",
        "europe berlin",
        "America",
        "../../etc/passwd",
        "/etc/localtime",
        "localtime",
        "right/UTC",
        "posix/UTC",
        "a\0b",
        "x" * 5000,
        "\ud800",
    ],
)
def test_unknown_zones_are_errors_never_utc(name):
    """I16."""
    with pytest.raises(zones.ZoneError, match="unknown time zone"):
        zones.zone(name)


@pytest.mark.parametrize(
    ("local", "zone", "expected"),
    [
        pytest.param("2026-03-29T02:30", "Europe/Berlin", "2026-03-29T01:00", id="in a gap: its end"),
        pytest.param("2026-10-25T02:30", "Europe/Berlin", "2026-10-25T00:30", id="repeated: first"),
        pytest.param("2026-07-01T12:00:07", "Europe/Berlin", "2026-07-01T10:00:07", id="ordinary, with seconds"),
        pytest.param("2011-12-30T12:00", "Pacific/Apia", "2011-12-30T10:00", id="on a day that was not"),
        pytest.param("2026-01-01T00:00", "Asia/Kolkata", "2025-12-31T18:30", id="half hours"),
    ],
)
def test_instants_of_wall_clock_times(local, zone, expected):
    found = zones.instant(datetime.fromisoformat(local), zones.zone(zone))
    assert utc(expected) == found


FIELDS = st.tuples(
    st.sampled_from(["0", "*/7", "5,50", "10-20/3", "*"]),
    st.sampled_from(["*", "0", "3", "*/5", "8-18", "2,23"]),
    st.sampled_from(["*", "1", "13", "29-31", "L", "15W", "*/9", "?"]),
    st.sampled_from(["*", "2", "*/3", "nov-feb", "1,7"]),
    st.sampled_from(["*", "1", "mon-fri", "5#2", "L3", "0,6", "?"]),
)


PARTS = (
    *("*", "?", "0", "1", "7", "8", "12", "13", "23", "24", "31", "32", "59", "60", "-1", "", "1,2", "1,,2", "2-1"),
    *(
        "*/2",
        "*/0",
        "5/20",
        "59/15",
        "1-5/2",
        "jan",
        "dec/3",
        "nov-feb",
        "sun",
        "fri-mon",
        "foo",
        "1#2",
        "5#6",
        "1#1,2",
    ),
    *("l", "l5", "5l", "15w", "15w,1", "32w", "*,5", "??", "1-?"),
)
"""Fields that fit in some places, and some that fit nowhere."""

PLAIN = FIELDS.filter(lambda fields: {fields[2], fields[4]} & {"*", "?"} or not {"15W", "5#2", "L3"} & set(fields))


def parsed_or_reason(text: str) -> cron.Cron | str:
    try:
        return cron.parse(text)
    except cron.CronError as error:
        return str(error)


@given(parts=st.lists(st.sampled_from(PARTS), min_size=5, max_size=5))
@example(parts=["*", "*", "15w", "*", "?"])
@example(parts=["0", "0", "31", "2", "*"])
@settings(max_examples=300, deadline=None)
def test_what_is_taken_in_parts_is_what_croniter_takes_as_a_whole(parts):
    text = " ".join(parts)
    try:
        croniter(text, naive("2000-01-01"), datetime).get_next()
        taken = True
    except (ValueError, TypeError, LookupError, AttributeError):
        taken = False
    mixed = "w" in parts[2] or "#" in parts[4] or "l" in parts[4]  # these we refuse with another day beside them
    if taken and not (mixed and not {parts[2], parts[4]} & {"*", "?"}):
        assert isinstance(parsed_or_reason(text), cron.Cron)
    else:
        assert isinstance(parsed_or_reason(text), str)


@given(fields=PLAIN, start=st.datetimes(naive("1995-01-01"), naive("2105-01-01")))
@example(fields=("0", "0", "29-31", "2", "*"), start=naive("2097-01-01"))
@settings(max_examples=150, deadline=None)
def test_without_a_change_of_clocks_ticks_are_croniters(fields, start):
    parsed, where = cron.parse(" ".join(fields)), zones.zone("UTC")
    reference = croniter(parsed.text, start, datetime)
    expected = [reference.get_next().replace(tzinfo=UTC) for _ in range(8)]
    span = (start.replace(tzinfo=UTC), expected[-1])
    assert expected == ticks(parsed.text, "UTC", *span)
    assert len(expected) == cron.count(parsed, where, *span)
    assert expected[-3:] == list(cron.newest(parsed, where, span, 3))


@given(text=st.text(max_size=40) | FIELDS.map(" ".join).flatmap(lambda text: st.permutations(text).map("".join)))
@settings(max_examples=200, deadline=None)
def test_any_text_is_an_expression_that_fires_or_a_reason(text):
    found = parsed_or_reason(text)
    if isinstance(found, str):
        assert found
    else:
        assert cron.next_after(found, zones.zone("Europe/Berlin"), utc("2026-01-01T00:00"))


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe", "Africa/Casablanca"])
def test_years_of_counting_equal_years_of_walking_days(zone):
    """Whole months are counted at once only where the zone keeps its offset."""
    parsed, where = cron.parse("*/30 1-3 * * *"), zones.zone(zone)
    since, until = utc("2014-05-17T13:07"), utc("2020-02-11T05:31")
    days = (until - since).days
    steps = [since + timedelta(days=number) for number in range(days + 1)] + [until]
    piecewise = sum(cron.count(parsed, where, one, two) for one, two in itertools.pairwise(steps))
    assert piecewise == cron.count(parsed, where, since, until)
