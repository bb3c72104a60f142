"""The query language: what it means, and what is said of what it does not mean."""

from __future__ import annotations

import contextlib

import pytest

from planner.spec.query import All, Condition, Either, QueryError, parse_query, parse_sort
from planner.spec.query_fields import HOLE

pytestmark = pytest.mark.unit


def one(field, operator, *values, sub="", negated=False):
    return Condition(field, sub, operator, values, negated)


UP = one("status", "eq", "succeeded")
LOSS = one("metrics", "lt", 0.3, sub="loss")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("status: succeeded", UP, id="equal"),
        pytest.param("status:succeeded", UP, id="no-blank"),
        pytest.param(" status :  succeeded ", UP, id="blanks"),
        pytest.param("status: ~failed", one("status", "eq", "failed", negated=True), id="not"),
        pytest.param("status: succeeded|failed", one("status", "in", "succeeded", "failed"), id="in"),
        pytest.param("status: a | b", one("status", "in", "a", "b"), id="in-with-blanks"),
        pytest.param("metrics.loss: <0.3", LOSS, id="less"),
        pytest.param("metrics.loss: =< 3", one("metrics", "le", 3, sub="loss"), id="less-or-equal"),
        pytest.param("inputs.lr: >=1e-3", one("inputs", "ge", 0.001, sub="lr"), id="at-least"),
        pytest.param("in.lr: >1", one("inputs", "gt", 1, sub="lr"), id="short-name"),
        pytest.param("params.act: relu", one("inputs", "eq", "relu", sub="act"), id="params"),
        pytest.param("metrics.loss: ~nil", one("metrics", "nil", sub="loss", negated=True), id="not-nil"),
        pytest.param("status: _any_", one("status", "any"), id="any"),
        pytest.param("name: %best%", one("name", "like", "%best%"), id="contains"),
        pytest.param("id: 8aac%", one("uuid", "like", "8aac%"), id="starts-with"),
        pytest.param("name: a|b", one("name", "eq", "a|b"), id="search-has-no-in"),
        pytest.param("created_at: last_month", one("created_at", "eq", "last_month"), id="month"),
        pytest.param("created_at: 2026-01-01 10:20", one("created_at", "eq", "2026-01-01 10:20"), id="minute"),
        pytest.param(
            "created_at: 2026-01-01..2026-02-01", one("created_at", "between", "2026-01-01", "2026-02-01"), id="range"
        ),
        pytest.param("memory: >1Gi", one("memory", "gt", "1Gi"), id="amount"),
        pytest.param("is_managed: 1", one("is_managed", "eq", True), id="flag"),
        pytest.param("project.name: a", one("project", "eq", "a", sub="name"), id="by-name"),
        pytest.param("live_state:1", one("live_state", "eq", 1), id="number"),
        pytest.param("name: salt and pepper", one("name", "eq", "salt and pepper"), id="and-in-a-text"),
        pytest.param("name: a(b, status: succeeded", All((one("name", "eq", "a(b"), UP)), id="parenthesis-in-a-text"),
        pytest.param("status: succeeded, metrics.loss: <0.3", All((UP, LOSS)), id="comma"),
        pytest.param("status: succeeded and metrics.loss: <0.3", All((UP, LOSS)), id="and"),
        pytest.param("status: succeeded OR metrics.loss: <0.3", Either((UP, LOSS)), id="or"),
        pytest.param("status: succeeded | metrics.loss: <0.3", Either((UP, LOSS)), id="bar"),
        pytest.param(
            "metrics.loss: <0.3 or status: succeeded, metrics.loss: <0.3",
            Either((LOSS, All((UP, LOSS)))),
            id="and-binds-tighter",
        ),
        pytest.param(
            "(metrics.loss: <0.3 OR status: succeeded), metrics.loss: <0.3",
            All((Either((LOSS, UP)), LOSS)),
            id="parentheses",
        ),
        pytest.param("((status: succeeded))", UP, id="more-parentheses"),
        pytest.param("pipeline: {{ a, b }}, status: succeeded", All((one("pipeline", "template"), UP)), id="template"),
        pytest.param("{{ f }}: 1", Condition(HOLE, "", "template", ()), id="template-for-a-field"),
        pytest.param("{{ q }}", None, id="template-for-all"),
        pytest.param("{% if a %}status: x{% endif %}", None, id="statement"),
    ],
)
def test_what_a_query_means(text, expected):
    assert parse_query(text) == expected


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        pytest.param("", "the query is empty", "write conditions", id="empty"),
        pytest.param("status:", "`status:` has nothing behind it", "`nil`", id="no-operation"),
        pytest.param("status: ~", "`status:` has nothing behind it", "`nil`", id="only-not"),
        pytest.param("stats: x", "runs have no field `stats`", "did you mean `status`?", id="misspelt"),
        pytest.param("colour: x", "runs have no field `colour`", "use a field of runs", id="unknown"),
        pytest.param("metrics: 1", "`metrics` holds many values", "metrics.NAME", id="which-one"),
        pytest.param("inputs.a.b: 1", "`inputs.a.b` is not a field", "", id="two-dots"),
        pytest.param("status.x: 1", "`status.x` is not a field", "write `status`", id="no-dot"),
        pytest.param("status x", "`status x` is not a condition", "field: value", id="no-colon"),
        pytest.param("status: x,", "`the end of the query` is not a condition", "", id="comma-at-the-end"),
        pytest.param(", status: x", "`, status: x` is not a condition", "", id="comma-at-the-start"),
        pytest.param("(status: x", "a parenthesis is never closed", "add a `)`", id="open"),
        pytest.param("status: x)", "`)` has no opening parenthesis", "remove", id="closed"),
        pytest.param("(status: x) y", "`y` is not joined", "write `,` or OR", id="not-joined"),
        pytest.param("name: <5", "`name` cannot be compared with `<`", "", id="text-compared"),
        pytest.param("metrics.a: 1..2", "`metrics.a` takes no range", ">= 1", id="range-of-numbers"),
        pytest.param("metrics.a: 1|2", "`metrics.a` takes one value", "", id="several-numbers"),
        pytest.param("metrics.a: x", "`x` is not a number", "", id="no-number"),
        pytest.param("metrics.a: <", "`metrics.a` is compared with nothing", "", id="no-value"),
        pytest.param("status: a|", "`status` is compared with nothing", "", id="empty-in"),
        pytest.param("created_at: soon", "`soon` is not a date", "last_month", id="no-date"),
        pytest.param("created_at: 2026-01-01..", "`created_at` is compared with nothing", "", id="one-bound"),
        pytest.param("created_at: a..b..c", "`a..b..c` is not a range", "two bounds", id="three-bounds"),
        pytest.param("meta_flags.a: yes", "`meta_flags.a` is true or false", "", id="no-flag"),
        pytest.param("name: %%", "`%%` matches everything", "", id="everything"),
        pytest.param("sttus: {{ x }}", "runs have no field `sttus`", "did you mean `status`?", id="beside-a-template"),
        pytest.param("(" * 30 + "status: x" + ")" * 30, "too many parentheses", "", id="too-deep"),
        pytest.param("status: x, " * 200 + "status: x", "more than 100 conditions", "", id="too-many"),
    ],
)
def test_what_is_said_of_a_query_that_is_none(text, message, hint):
    with pytest.raises(QueryError) as error:
        parse_query(text)
    assert message in error.value.message
    assert hint in error.value.hint
    assert HOLE not in error.value.message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-created_at", (("created_at", "", True),)),
        ("metrics.loss, -name", (("metrics", "loss", False), ("name", "", True))),
        ("", ()),
        ("{{ s }}, uuid", (("uuid", "", False),)),
    ],
)
def test_what_runs_are_ordered_by(text, expected):
    assert parse_sort(text) == expected


@pytest.mark.parametrize("text", ["colour", "metrics", "tags", "name,,uuid", "-", "project.name"])
def test_what_runs_cannot_be_ordered_by(text):
    with pytest.raises(QueryError):
        parse_sort(text)


HOSTILE = {
    "parentheses": "(" * 5_000,
    "in a text": "name: " + "(" * 4_900,
    "words": "name:" + " and" * 1_200,
    "conditions": "name:" + " or a" * 900 + ":",
    "bars": "status:" + "|" * 4_900,
    "values": "status: " + "a|" * 2_400 + "a",
    "blanks": "status:" + " " * 4_900 + "x",
    "dots": "." * 4_900 + ": x",
    "digits": "metrics.x: " + "9" * 4_900,
    "brackets": "status: " + "[" * 4_900,
    "openings": "{{" * 2_500,
    "templates": "{{}}" * 1_200,
    "long": "a" * 1_000_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_query_is_dear_or_raises_anything_else(text):
    for parse in (parse_query, parse_sort):
        with contextlib.suppress(QueryError):
            parse(text)
