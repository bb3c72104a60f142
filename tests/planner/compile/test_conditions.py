"""Conditions: an expression, a template or a word; and what counts as true."""

from __future__ import annotations

import pytest

from planner.compile.conditions import check_condition, condition_text, is_true
from planner.compile.origin import Origin, Report
from planner.compile.template import bind
from planner.spec.places import Places

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("written", "text", "value"),
    [
        ("loss < 0.5", "{{ loss < 0.5 }}", True),
        ("not (loss < 0.5)", "{{ not (loss < 0.5) }}", False),
        ("{{ loss < 0.5 }}", "{{ loss < 0.5 }}", True),
        ("{% if loss > 1 %}yes{% else %}no{% endif %}", "{% if loss > 1 %}yes{% else %}no{% endif %}", False),
        (" Yes ", "Yes", True),
        ("off", "off", False),
        ("0", "0", False),
        ("name == '}}'", "{{ name == '}}' }}", False),
        ("-1 < loss", "{{ -1 < loss }}", True),
        ("loss\n< 0.5", "{{ loss\n< 0.5 }}", True),
        ("name is defined", "{{ name is defined }}", True),
    ],
)
def test_what_a_condition_means(written, text, value):
    assert condition_text(written) == text
    bound = bind(text, {"loss": 0.1, "name": "a"})
    assert not bound.flaws
    assert is_true(bound.value) is value


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("", "PL-404"),
        ("  ", "PL-404"),
        ("loss <", "PL-404"),
        ("loss < 1 }} {{ 2", "PL-404"),
        ("{{ loss", "PL-404"),
        ("a.__class__.mro()", "PL-406"),
        ("loss | explode", "PL-406"),
        ("(" * 2_000, "PL-407"),
        ("x" * 300_000 + " <", "PL-407"),
    ],
)
def test_what_is_no_condition(written, code):
    report = Report()
    assert check_condition(written, Origin(Places("f.yaml"), "/conditions"), report) == ""
    (problem,) = report.problems
    assert (problem.code, problem.pointer) == (code, "/conditions")
    assert problem.hint


def test_no_condition_is_no_problem():
    report = Report()
    assert check_condition(None, Origin(Places("f.yaml")), report) == ""
    assert check_condition("a > 1", Origin(Places("f.yaml")), report) == "{{ a > 1 }}"
    assert not report.problems


@pytest.mark.parametrize("value", ["maybe", "", None, 2, [True], {}])
def test_what_is_neither_true_nor_false(value):
    with pytest.raises(ValueError, match="true or false is wanted"):
        is_true(value)


@pytest.mark.parametrize("value", ["y", "YES", "t", "True", "on", "1", 1, True, 1.0])
def test_what_is_true(value):
    assert is_true(value) is True


@pytest.mark.parametrize("value", ["n", "NO", "f", "False", "off", "0", 0, False, 0.0])
def test_what_is_false(value):
    assert is_true(value) is False
