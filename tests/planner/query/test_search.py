"""What is read before any run is looked at: bad queries, the order, and what an index can tell."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.model.status import RunStatus
from planner.query import Ranking, matches, narrowed, read_search
from planner.spec.query import QueryError, parse_query, parse_sort
from tests.planner.builders import job
from tests.planner.query.subjects import NOW, OPENED, keys_of, short, subject

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("query", "sort", "message", "hint", "column"),
    [
        pytest.param("framework: torch", "", "no run here has a `framework`", "use one of", 1, id="never-held"),
        pytest.param("name: a OR mine: true", "", "no run here has a `mine`", "use one of", 12, id="inside"),
        pytest.param(
            "status: suceeded", "", "ever has the status `suceeded`", "did you mean `succeeded`?", 1, id="status"
        ),
        pytest.param("queue.uuid: x", "", "a queue here has no uuid", "write `queue`", 1, id="queue-by-uuid"),
        pytest.param("", "custom", "no run here has a `custom`", "use one of", 0, id="sort-never-held"),
        pytest.param("name: {{ x }}", "", "a template has no value here", "write the value", 7, id="template"),
        pytest.param("", "{{ x }}", "a template has no value here", "write the value", 1, id="template-in-a-sort"),
        pytest.param("status: failed, sttus: x", "", "no field `sttus`", "did you mean `status`?", 17, id="column"),
        pytest.param("name:  a,   (status: x", "", "a parenthesis is never closed", "", 13, id="column-behind-blanks"),
        pytest.param("name: a) x", "", "`) x` has no opening parenthesis", "remove", 8, id="column-of-the-rest"),
        pytest.param("", "name, -colour", "no field `colour`", "", 7, id="column-of-a-sort"),
    ],
)
def test_what_is_said_of_a_search_that_is_none(query, sort, message, hint, column):
    with pytest.raises(QueryError) as error:
        read_search(query, sort, NOW)
    assert message in error.value.message
    assert hint in error.value.hint
    assert error.value.column == column


def test_the_place_is_said_where_it_helps():
    with pytest.raises(QueryError) as error:
        parse_query("pipeline: {{ globals.uuid }}, sttus: x")
    assert error.value.placed == "runs have no field `sttus` (at column 31)"


@pytest.mark.parametrize(
    ("query", "sort", "bound", "form"),
    [
        ("", "", False, False),
        ("status: failed, metrics.x: 1", "-created_at", False, False),
        ("inputs.x: 1", "", True, False),
        ("", "inputs.x", True, False),
        ("name: a OR tags: x", "", False, True),
        ("gpu: 1", "", True, True),
    ],
)
def test_only_what_a_search_needs_is_read(query, sort, bound, form):
    needs = read_search(query, sort, NOW).needs
    assert (needs.bound, needs.form) == (bound, form)


# The order

RUNS = [
    subject("a@g1", outputs={"loss": 0.3}, finished_at=OPENED + timedelta(hours=3)),
    subject("b@g1", outputs={"loss": 2}, finished_at=OPENED + timedelta(hours=1)),
    subject("c@g1", outputs={}, finished_at=OPENED + timedelta(hours=2)),
    subject("d@g1", outputs={"loss": 0.3}, finished_at=OPENED),
]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        pytest.param("metrics.loss", "d@g1 a@g1 b@g1 c@g1", id="up-nulls-last-newest-first"),
        pytest.param("-metrics.loss", "b@g1 d@g1 a@g1 c@g1", id="down-nulls-last"),
        pytest.param("-metrics.loss, name", "b@g1 a@g1 d@g1 c@g1", id="then-by-name"),
        pytest.param("name", "a@g1 b@g1 c@g1 d@g1", id="name"),
        pytest.param("", "a@g1 c@g1 b@g1 d@g1", id="what-changed-last"),
    ],
)
def test_the_order(sort, expected):
    search = read_search("", sort, NOW)
    for most in range(1, 6):
        ranking = Ranking(search.order, most)
        for opened, run in enumerate(RUNS):
            ranking.add(run, opened)
        assert keys_of(ranking.best()) == expected.split()[:most]


def test_values_of_all_types_have_an_order():
    found = ["text", 1, 0.5, True, ["list"], {"a": 1}, None, "", False, -3, {"b": 2}, [1]]
    ranking = Ranking(parse_sort("outputs.x"), 20)
    for opened, value in enumerate(found):
        ranking.add(subject(f"r{opened}@g1", outputs={"x": value}), opened)
    assert [one.outputs["x"] for one in ranking.best()][:4] == [-3, 0.5, 1, "text"]
    assert [one.outputs["x"] for one in ranking.best()][-2:] == ["", None]


# What an index can tell


@pytest.mark.parametrize(
    ("query", "statuses", "runtimes", "below"),
    [
        ("status: failed", {"failed"}, None, ""),
        ("status: failed|stopped, status: failed|skipped", {"failed"}, None, ""),
        ("status: ~failed", None, None, ""),
        ("status: failed OR name: x", None, None, ""),
        ("(status: failed, runtime: job)", {"failed"}, {"job"}, ""),
        ("pipeline: r-abc, metrics.x: < 1", None, None, "r-abc"),
        ("pipeline.name: flow", None, None, ""),
    ],
)
def test_what_an_index_can_tell(query, statuses, runtimes, below):
    found = narrowed(parse_query(query), NOW)
    assert (found.statuses, found.runtimes, found.below) == (statuses, runtimes, below)


_TIMES = ["2026-11-23", "2026-11-22", "2026-11-23 06:00", "2026-11-23 06:00:30", "last_month"]
_CONDITIONS = st.sampled_from(
    [f"created_at: {sign}{at}" for sign in ("", "~", "<", "<=", ">", ">=", "~>") for at in _TIMES]
    + ["created_at: 2026-11-22..2026-11-23", "status: failed", "status: succeeded|failed", "runtime: job", "name: a"]
)
_QUERIES = st.recursive(
    _CONDITIONS,
    lambda inner: st.tuples(inner, inner, st.sampled_from([", ", " OR "])).map(
        lambda parts: f"({parts[0]}{parts[2]}{parts[1]})"
    ),
    max_leaves=5,
)
_STEPS = st.sampled_from(
    [timedelta(), timedelta(days=-1), timedelta(days=-40), timedelta(microseconds=1), timedelta(seconds=29)]
)


@given(_QUERIES, _STEPS, st.sampled_from([RunStatus.FAILED, RunStatus.SUCCEEDED]), st.sampled_from(["job", "dag"]))
def test_an_index_never_leaves_out_a_run_that_matches(text, step, status, kind):
    run = subject("a@g1", opened_at=OPENED + step, status=status, kind=kind)
    query = parse_query(text)
    assert query is not None
    known = narrowed(query, NOW)
    if matches(query, run, NOW):
        assert known.statuses is None or str(status) in known.statuses
        assert known.runtimes is None or kind in known.runtimes
        assert all(part in "a@g1" for part in known.named)
        assert known.opened_from is None or run.run.opened_at >= known.opened_from
        assert known.opened_before is None or run.run.opened_at < known.opened_before


@pytest.mark.parametrize(
    ("query", "named", "numbers"),
    [
        ("name: %Best%", {"best"}, ()),
        ("name: a, name: ~b", {"a"}, ()),
        ("metrics.loss: < 0.3", set(), (("loss", "lt", 0.3),)),
        ("outputs.n: 3, outputs.t: x", set(), (("n", "eq", 3),)),
        ("metrics.loss: ~< 0.3", set(), ()),
        ("outputs.n: 99999999999999999999", set(), ()),
        ("outputs.n: true", set(), ()),
        ("outputs.é: 1", set(), ()),
    ],
)
def test_what_an_index_can_tell_of_names_and_numbers(query, named, numbers):
    found = narrowed(parse_query(query), NOW)
    assert (found.named, found.numbers) == (named, numbers)


def test_runs_below_a_pipeline_have_its_top():
    run = subject("flow@g1/a/b", top=job())
    for name in (short("flow@g1"), short("flow@g1/a"), "flow@g1/a"):
        query = parse_query(f"pipeline: {name} OR controller: {name}")
        assert query is not None
        assert matches(query, run, NOW)
