"""Distributions: every form of every kind is read as the same value, and what has no values is refused."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from pydantic import TypeAdapter, ValidationError

from planner.spec.distributions import KINDS, Distribution
from planner.spec.load import load
from planner.spec.spaces import MAX_POINTS

pytestmark = pytest.mark.unit

ADAPTER = TypeAdapter(Distribution)
HEAD = "version: 1.1\nkind: operation\npathRef: a.yaml\nmatrix:\n  kind: random\n  numRuns: 3\n  params:\n    a: "


def read(kind, value):
    return ADAPTER.validate_python({"kind": kind, "value": value}).value


def said(text: str) -> list[str]:
    """Problems of a distribution on line 8, by code and pointer below it."""
    loaded = load("f.yaml", (HEAD + text + "\n").encode())
    assert {problem.place.line for problem in loaded.problems} <= {8}, loaded.problems
    return [f"{problem.code} {problem.pointer.removeprefix('/matrix/params/a')}" for problem in loaded.problems]


FORMS = {
    "range": ({"start": 0, "stop": 10, "step": 2}, [0, 10, 2], "0:10:2"),
    "linspace": ({"start": 0, "stop": 1, "num": 5}, [0, 1, 5], "0:1:5"),
    "logspace": ({"start": -3, "stop": 1, "num": 5}, [-3, 1, 5], "-3:1:5"),
    "geomspace": ({"start": 1, "stop": 1e3, "num": 4}, [1, 1e3, 4], "1:1e3:4"),
    "uniform": ({"low": 0, "high": 0.5}, [0, 0.5], "0:.5"),
    "quniform": ({"low": 0, "high": 1, "q": 0.1}, [0, 1, 0.1], "0:1:0.1"),
    "loguniform": ({"low": -6, "high": 0}, [-6, 0], "-6:0"),
    "qloguniform": ({"low": -6, "high": 0, "q": 0.1}, [-6, 0, 0.1], "-6:0:0.1"),
    "normal": ({"loc": 0, "scale": 1}, [0, 1], "0:1"),
    "qnormal": ({"loc": 0, "scale": 1, "q": 2}, [0, 1, 2], "0:1:2"),
    "lognormal": ({"loc": 0, "scale": 1}, [0, 1], " 0 : 1 "),
    "qlognormal": ({"loc": 0, "scale": 1, "q": 2}, [0, 1, 2], "0:1:2"),
}


@pytest.mark.parametrize("kind", FORMS)
def test_all_forms_are_the_same_value(kind):
    mapping, in_order, text = FORMS[kind]
    found = read(kind, mapping)

    assert read(kind, in_order) == read(kind, text) == found
    assert found.model_dump(exclude_unset=True) == mapping
    assert hash(found) == hash(read(kind, text))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_takes_a_template(kind):
    assert read(kind, "{{ space }}") == "{{ space }}"


@pytest.mark.parametrize("kind", FORMS)
def test_parts_beyond_the_last_one_are_ignored(kind):
    _, in_order, text = FORMS[kind]
    most = [*in_order, 7, 8, 9]

    assert read(kind, most).model_dump(exclude={"size", "base"}) == read(kind, in_order).model_dump(
        exclude={"size", "base"}
    )
    assert read(kind, text.strip() + ":7:8:9") == read(kind, most)


def test_dates_and_instants():
    days = read("daterange", ["2026-01-01", "2026-02-01", 7])
    hours = read("datetimerange", {"start": "2026-01-01", "stop": "2026-01-02T00:00:00", "step": "PT1H"})

    assert (days.start, days.stop, days.step, days.count) == (date(2026, 1, 1), date(2026, 2, 1), 7, 5)
    assert (hours.start.isoformat(), hours.step, hours.count) == ("2026-01-01T00:00:00", timedelta(hours=1), 24)
    assert read("datetimerange", ["2026-01-01T00:00:00Z", "2026-01-01T00:00:10Z", 3]).count == 4


@pytest.mark.parametrize(
    ("kind", "value", "count"),
    [
        ("range", [0, 10, 2], 5),
        ("range", [0, 10, 3], 4),
        ("range", [0, 10, 20], 1),
        ("range", [0.5, 1, 0.1], 5),
        ("linspace", [0, 1, 5.0], 5),
        ("logspace", [0, 1, 3, 2], 3),
    ],
)
def test_how_many_values(kind, value, count):
    assert read(kind, value).count == count


def test_choices_of_any_type():
    assert read("choice", [1, "a", None, [1, 2], {"b": 1}]) == (1, "a", None, [1, 2], {"b": 1})
    assert read("pchoice", [["a", 0.5], [["b"], 0], ["c", 0.25]]) == (("a", 0.5), (["b"], 0.0), ("c", 0.25))
    assert read("pchoice", [["a", 0.1], ["b", 0.2], ["c", 0.7]])[2] == ("c", 0.7)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("{kind: choice, value: []}", ["PL-204 /value"], id="nothing-to-choose"),
        pytest.param("{kind: choice, value: a}", ["PL-203 /value"], id="text"),
        pytest.param("{kind: choice}", ["PL-202 /value"], id="no-value"),
        pytest.param("{value: [1]}", ["PL-202 "], id="no-kind"),
        pytest.param("{kind: unifrom, value: [0, 1]}", ["PL-206 /kind"], id="misspelt"),
        pytest.param("{kind: choice, value: [1], x: 1}", ["PL-201 /x"], id="unknown-field"),
        pytest.param("[1, 2]", ["PL-203 "], id="list"),
        pytest.param("{kind: pchoice, value: [[a, 1.0]]}", ["PL-204 /value/0/1"], id="certain"),
        pytest.param("{kind: pchoice, value: [[a, 1]]}", ["PL-204 /value/0/1"], id="certain-as-a-whole-number"),
        pytest.param("{kind: pchoice, value: [[a, -0.1]]}", ["PL-204 /value/0/1"], id="negative"),
        pytest.param("{kind: pchoice, value: [[a, half], b]}", ["PL-203 /value/0/1", "PL-203 /value/1"], id="no-pairs"),
        pytest.param("{kind: pchoice, value: [[a, 0.6], [b, 0.5]]}", ["PL-204 /value"], id="more-than-one"),
        pytest.param("{kind: range, value: [10, 0, 1]}", ["PL-204 /value"], id="inverted"),
        pytest.param("{kind: range, value: '10:0:1'}", ["PL-204 /value"], id="inverted-text"),
        pytest.param("{kind: range, value: [0, 0, 1]}", ["PL-204 /value"], id="equal"),
        pytest.param("{kind: range, value: [0, 9, 0]}", ["PL-204 /value/2"], id="no-step"),
        pytest.param("{kind: range, value: '0:9:0'}", ["PL-204 /value"], id="no-step-text"),
        pytest.param("{kind: range, value: {start: 0, stop: 9, step: -1}}", ["PL-204 /value/step"], id="backwards"),
        pytest.param("{kind: range, value: [0, 9]}", ["PL-204 /value"], id="too-few"),
        pytest.param("{kind: range, value: '0:9'}", ["PL-204 /value"], id="too-few-text"),
        pytest.param("{kind: range, value: '0:a:1'}", ["PL-203 /value"], id="text-of-words"),
        pytest.param("{kind: range, value: ['0', 9, 1]}", ["PL-203 /value/0"], id="quoted"),
        pytest.param("{kind: range, value: {start: 0, stop: 9}}", ["PL-202 /value/step"], id="key-missing"),
        pytest.param("{kind: range, value: {start: 0, end: 9, step: 1}}", ["PL-201 /value/end"], id="other-name"),
        pytest.param("{kind: range, value: [0, 1e300, 1e-300]}", ["PL-204 /value"], id="endless"),
        pytest.param("{kind: range, value: 5}", ["PL-203 /value"], id="number"),
        pytest.param("{kind: linspace, value: [0, 1, 2.5]}", ["PL-203 /value/2"], id="half-a-point"),
        pytest.param("{kind: linspace, value: [0, 1, 0]}", ["PL-204 /value/2"], id="no-points"),
        pytest.param("{kind: linspace, value: [0, 1, 1000001]}", ["PL-204 /value/2"], id="too-many-points"),
        pytest.param("{kind: logspace, value: [0, 1000, 3]}", ["PL-204 /value"], id="power-overflows"),
        pytest.param(
            "{kind: logspace, value: {start: 0, stop: 1, num: 2, base: 0}}", ["PL-204 /value/base"], id="base"
        ),
        pytest.param("{kind: geomspace, value: [0, 10, 3]}", ["PL-204 /value"], id="from-zero"),
        pytest.param("{kind: geomspace, value: [-1, 10, 3]}", ["PL-204 /value"], id="over-zero"),
        pytest.param("{kind: uniform, value: [1, 0]}", ["PL-204 /value"], id="inverted-bounds"),
        pytest.param("{kind: quniform, value: [0, 1, 0]}", ["PL-204 /value/2"], id="no-quantum"),
        pytest.param("{kind: loguniform, value: [0, 1000]}", ["PL-204 /value"], id="log-overflows"),
        pytest.param("{kind: normal, value: [0, -1]}", ["PL-204 /value"], id="negative-scale"),
        pytest.param("{kind: normal, value: {mean: 0, scale: 1}}", ["PL-201 /value/mean"], id="mean"),
        pytest.param("{kind: lognormal, value: [800, 1]}", ["PL-204 /value"], id="lognormal-overflows"),
        pytest.param("{kind: daterange, value: [2026-02-30, 2026-03-05, 1]}", ["PL-504 /value/0"], id="no-date"),
        pytest.param("{kind: daterange, value: [2026-03-05, 2026-03-01, 1]}", ["PL-204 /value"], id="dates-inverted"),
        pytest.param("{kind: daterange, value: [2026-03-01, 2026-03-05, P1D]}", ["PL-203 /value/2"], id="days"),
        pytest.param("{kind: daterange, value: '2026-03-01:2026-03-05:1'}", ["PL-203 /value"], id="dates-as-text"),
        pytest.param("{kind: datetimerange, value: [2026-03-01, 2026-03-05, 0]}", ["PL-204 /value/2"], id="no-time"),
        pytest.param(
            "{kind: datetimerange, value: [2026-03-01, 2026-03-05T00:00:00Z, 60]}",
            ["PL-504 /value"],
            id="offset",
        ),
        pytest.param(
            "{kind: datetimerange, value: [2026-03-01, 2026-03-05, PT0.001S]}",
            ["PL-204 /value"],
            id="instants",
        ),
    ],
)
def test_what_is_refused(text, expected):
    assert said(text) == expected


@pytest.mark.parametrize("kind", ["range", "linspace", "uniform", "quniform", "normal", "logspace"])
@pytest.mark.parametrize(
    "value", [True, float("nan"), float("inf"), 10**400, "1" * 100_000, ":" * 100_000, [[]] * 3, {}], ids=range(8)
)
def test_no_value_makes_a_reader_raise_anything_else(kind, value):
    for form in (value, [value] * 3):
        with pytest.raises(ValidationError):
            read(kind, form)


def test_the_largest_range_is_taken():
    assert read("range", [0, MAX_POINTS, 1]).count == MAX_POINTS
