"""Keys, canonical JSON and problems: the values that everything else is named and reported by."""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner import canon, codes, keys
from planner.errors import Place, Problem, ProblemsError, Severity
from planner.keys import Key

pytestmark = pytest.mark.unit

AT = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)

# Keys

TEXTS = {
    "train@g3": keys.generation("train", 3),
    "train@g3#2": keys.generation("train", 3).at_attempt(2),
    "train@g3~1": keys.generation("train", 3).at_round(1),
    "train@2026-11-23T06:00Z": keys.tick("train", AT),
    "train@2026-11-23T06:00:07Z": keys.tick("train", AT + timedelta(seconds=7)),
    "train@2026-11-23T06:00Z/eval~1#2": keys.tick("train", AT).child("eval").at_round(1).at_attempt(2),
    "train@req-4k2f": keys.request("train", "4k2f"),
    "train@ev-9b1c/a/b": keys.event("train", "9b1c").child("a").child("b"),
}


@pytest.mark.parametrize("text", TEXTS)
def test_texts_of_keys(text):
    assert text == str(TEXTS[text])
    assert TEXTS[text] == keys.parse(text)


def test_a_tick_is_an_instant_not_a_spelling():
    berlin = timezone(timedelta(hours=1))
    assert keys.tick("n", AT) == keys.tick("n", AT.astimezone(berlin)) == keys.tick("n", AT.replace(microsecond=9))
    assert AT == keys.tick("n", AT.astimezone(berlin)).tick


@pytest.mark.parametrize(
    "text",
    [
        "",
        "train",
        "train@",
        "@g1",
        "train@g0",
        "train@g01",
        "train@x1",
        "train@2026-13-01T00:00Z",
        "train@2026-11-23",
        "train@g1~0",
        "train@g1#0",
        "train@g1#2~1",
        "train@g1/",
        "train@g1//a",
        "train@g1/a b",
        "train@g1/a\n",
        "tr ain@g1",
        "train@g1/../b",
        "train@g1#" + "9" * 5 + "x",
        "train@ev",
    ],
)
def test_what_is_no_key(text):
    with pytest.raises(ValueError, match="not a run key"):
        keys.parse(text)


def test_a_long_text_is_not_repeated_in_full():
    with pytest.raises(ValueError, match="not a run key") as found:
        keys.parse("x" * 10_000)
    assert len(str(found.value)) < 200


def test_parts_of_a_key():
    key = TEXTS["train@2026-11-23T06:00Z/eval~1#2"]
    assert keys.tick("train", AT) == key.top
    assert "train@2026-11-23T06:00Z/eval~1" == str(key.run)
    assert "train@2026-11-23T06:00Z/eval" == str(key.node)
    assert key.top == key.parent
    assert key.top.parent is None
    assert (None, AT) == (key.generation, key.tick)
    assert (3, None) == (keys.generation("train", 3).generation, keys.generation("train", 3).tick)
    assert (None, None) == (keys.request("train", "g3").generation, keys.request("train", "2026").tick)
    assert key.run == key.run.run


names = st.from_regex(keys.SEGMENT, fullmatch=True)
instants = st.datetimes(datetime(1970, 1, 1), datetime(9999, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001
tops = st.one_of(
    st.builds(keys.generation, names, st.integers(1, 10**6)),
    st.builds(keys.tick, names, instants),
    st.builds(keys.request, names, names),
    st.builds(keys.event, names, names),
)
any_key = st.builds(
    lambda top, place, number, attempt: replace(top, place=tuple(place), round=number, attempt=attempt),
    tops,
    st.lists(names, max_size=3),
    st.integers(0, 99),
    st.integers(0, 99),
)


@given(any_key)
def test_a_key_is_its_text(key):
    assert key == keys.parse(str(key))


@given(any_key, any_key, any_key)
def test_keys_have_one_order(a, b, c):
    assert (a < b) + (b < a) + (a == b) == 1
    if a <= b <= c:
        assert a <= c
    assert sorted([a, b, c]) == sorted([c, a, b])


def test_names_of_objects_stay_short_however_often_a_service_was_started_again():
    long = keys.generation("a" * 60, 1).child("b" * 60)

    assert all(len(long.at_attempt(number).dns_name("i", "p")) <= 63 for number in (0, 1, 999, 1000, 10**9))


@given(any_key, any_key)
def test_names_of_objects_are_dns_labels_and_unique(a, b):
    label = a.dns_name("prod", "project")
    assert 1 <= len(label) <= 63
    assert label == label.lower()
    assert label.replace("-", "").isalnum()
    assert not label.startswith("-")
    assert not label.endswith("-")
    assert (label == b.dns_name("prod", "project")) is (a == b)
    assert label != a.dns_name("test", "project") != a.dns_name("test", "other")


@given(any_key)
def test_short_ids_are_of_the_run(key):
    found = key.short_id("prod", "project")
    assert found == key.run.short_id("prod", "project")
    assert len(found) == 10
    assert found.startswith("r-")
    assert found != key.short_id("test", "project")


def test_generations_are_in_order_of_number():
    numbers = [keys.generation("train", number) for number in (10, 9, 100, 1)]
    assert [1, 9, 10, 100] == [key.generation for key in sorted(numbers)]
    assert keys.generation("train", 99) < keys.tick("train", AT)


def test_keys_compare_with_keys_only():
    assert keys.generation("a", 1).__lt__("a@g1") is NotImplemented
    assert keys.generation("a", 1) != "a@g1"


# Canonical JSON


class Colour(enum.StrEnum):
    RED = "red"


@dataclass(frozen=True)
class Point:
    x: float
    tags: frozenset[str] = frozenset()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (1, "1"),
        (1.0, "1"),
        (-0.0, "0"),
        (1.5, "1.5"),
        (2.0**60, "1.152921504606847e+18"),
        (2**60, "1152921504606846976"),
        ("ä", '"ä"'),
        ({"b": 1, "a": [2, (3,)]}, '{"a":[2,[3]],"b":1}'),
        ({1: "x"}, '{"1":"x"}'),
        ({"y", "x"}, '["x","y"]'),
        (Colour.RED, '"red"'),
        (AT, '"2026-11-23T06:00:00+00:00"'),
        (date(2026, 1, 2), '"2026-01-02"'),
        (timedelta(minutes=1.5), "90"),
        (Point(1.0, frozenset({"b", "a"})), '{"tags":["a","b"],"x":1}'),
    ],
)
def test_canonical_text(value, text):
    assert text == canon.dumps(value)
    json.loads(text)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), {"a": [float("nan")]}])
def test_what_no_number_is(value):
    with pytest.raises(ValueError, match="no canonical form"):
        canon.digest(value)


@pytest.mark.parametrize("value", [object(), {"a": object()}, [1j]])
def test_what_has_no_form(value):
    with pytest.raises(TypeError, match="no canonical form"):
        canon.digest(value)


def test_digests_are_a_contract():
    # The same on every machine and in every version.
    assert "d1:44136fa355b3678a1146ad16f7e8649e" == canon.digest({})
    assert canon.digest({"a": 1, "b": 2.0}) == canon.digest({"b": 2, "a": 1.0})
    assert canon.digest([1]) == canon.digest((1,))
    assert canon.digest(1) != canon.digest("1")
    assert canon.digest(True) != canon.digest(1)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(values)
def test_canonical_text_is_a_fixed_point(value):
    text = canon.dumps(value)
    assert text == canon.dumps(json.loads(text))


# Problems


def problem(path: str, line: int, code: str = "PL-101") -> Problem:
    return Problem(code, "bad", Place(path, line, 1))


def test_a_problem_has_a_known_code():
    with pytest.raises(ValueError, match="PL-999"):
        Problem("PL-999", "x", Place("a"))
    assert all(code.startswith("PL-") for code in codes.CODES)


def test_problems_are_ordered_by_place():
    found = sorted([problem("b", 1), problem("a", 9), problem("a", 2, "PL-102"), problem("a", 2)], key=_by_place)
    assert [("a", 2, "PL-101"), ("a", 2, "PL-102"), ("a", 9, "PL-101"), ("b", 1, "PL-101")] == [
        (item.place.path, item.place.line, item.code) for item in found
    ]


def _by_place(item: Problem) -> object:
    return item.sort_key


def test_problems_are_raised_together():
    error = ProblemsError([problem("a", 1), replace(problem("b", 2), hint="mend it", severity=Severity.WARNING)])
    assert "a:1:1: error PL-101: bad\nb:2:1: warning PL-101: bad; mend it" == str(error)
    assert len(error.problems) == 2


def test_a_whole_file_has_no_line():
    assert "a.yaml: error PL-101: bad" == str(Problem("PL-101", "bad", Place("a.yaml")))


def test_keys_are_small_values():
    assert not hasattr(Key("a", "g1"), "__dict__")
