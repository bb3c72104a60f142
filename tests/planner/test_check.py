"""A plan as a check: how it ends, what fits, and which problems are marked on their lines."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given

from planner.details import details_of
from planner.errors import Place, Problem, Severity
from planner.model.checks import Conclusion
from planner.model.commits import CommitRecord, StatusState
from planner.publish import Said, preview_context
from planner.render.check import (
    CONCLUSIONS,
    LIMIT,
    MOST,
    check_of,
    commit_check,
    failed_check,
    name_of,
    name_of_commits,
)
from planner.render.foreign import code
from planner.render.frame import Frame
from planner.render.verdict import verdict
from tests.planner.plans import plan
from tests.planner.test_foreign import NASTY

pytestmark = pytest.mark.unit

AT = datetime(2026, 11, 26, tzinfo=UTC)

FRAME = Frame("test")


def problem(path: str = "ops/a.yaml", line: int = 3, message: str = "a mapping is not closed", **more) -> Problem:
    return Problem("PL-101", message, Place(path, line, 7 if line else 0), **more)


def of(*problems: Problem):
    found = replace(plan("held"), held=(), problems=problems)
    return check_of(verdict(found), found, FRAME)


def test_every_final_state_has_its_end_and_what_is_pending_has_none():
    assert CONCLUSIONS.keys() == {state for state in StatusState if state.final}


def test_what_waits_for_a_person_says_so_and_what_fails_fails():
    held = plan("held")
    assert check_of(verdict(held), held, FRAME).conclusion is Conclusion.ACTION_REQUIRED
    wrong = replace(held, problems=(problem(),))
    assert check_of(verdict(wrong), wrong, FRAME).conclusion is Conclusion.FAILURE
    assert of().conclusion is Conclusion.SUCCESS


@pytest.mark.parametrize("instance", ["test", "a in detail", "x" * 60])
def test_no_status_has_the_name_of_a_check(instance):
    statuses = {preview_context(instance), f"plumbline/{instance}", f"plumbline-live/{instance}"}
    assert not {name_of(instance), name_of_commits(instance)} & statuses
    assert name_of(instance) != name_of_commits(instance)


def test_problems_are_marked_where_they_are_by_how_much_they_weigh():
    check = of(problem(), problem(line=9, severity=Severity.WARNING, hint="close it"))
    assert [(one.path, one.line, one.severity) for one in check.annotations] == [
        ("ops/a.yaml", 3, Severity.ERROR),
        ("ops/a.yaml", 9, Severity.WARNING),
    ]
    assert check.annotations[1].message == "a mapping is not closed; close it"
    assert check.annotations[1].title == "warning PL-101"


@pytest.mark.parametrize(
    "other",
    [
        problem(line=0),
        problem(path="", line=0),
        problem(path="a\u202eb.yaml"),
        problem(path="a\nb.yaml"),
        problem(path="\udc80.yaml"),
        problem(path="x" * 5000),
    ],
    ids=["no line", "no file", "turned", "two lines", "no letters", "long"],
)
def test_what_cannot_be_marked_stands_in_the_summary(other):
    check = of(problem(line=4), other)
    assert [one.line for one in check.annotations] == [4]
    assert check.summary.count("PL-101") == 2


def test_of_ten_thousand_problems_some_are_marked_and_the_summary_fits():
    check = of(*(problem(f"ops/{number}.yaml", 1, "\U0001f600" * 900) for number in range(10_000)))
    assert len(check.annotations) == MOST
    assert LIMIT.size(check.summary) <= LIMIT.most
    assert "did not fit here" in check.summary


@given(NASTY)
def test_words_of_strangers_do_nothing(text):
    check = of(problem(message=text or "x"))
    (one,) = check.annotations
    assert all(letter.isprintable() for letter in one.message)
    assert len(one.message) <= 1000
    failed = failed_check(Said(StatusState.FAILURE, text), "a" * 40, "test", "body")
    assert all(letter.isprintable() for letter in failed.title)


def test_the_instant_of_planning_is_no_news_and_everything_else_is():
    held = plan("held")
    first, later = (check_of(verdict(one), one, FRAME) for one in (held, replace(held, at=held.at.replace(year=2040))))
    assert (first.digest, first.summary) != (later.digest, later.summary)
    assert first.digest == later.digest
    others = [
        replace(first, commit="f" * 40),
        replace(first, title="other"),
        replace(first, conclusion=Conclusion.NEUTRAL),
        replace(first, summary="other"),
        of(problem()),
        of(problem(line=4)),
    ]
    assert len({one.digest for one in (first, *others)}) == 1 + len(others)


def of_commit(*problems: Problem):
    errors = [one for one in problems if one.severity is Severity.ERROR]
    record = CommitRecord("c" * 40, "t", "main", AT, problems=len(errors), first_problem=str(errors[0]))
    return commit_check(record, details_of(problems), "test")


def test_a_commit_of_the_branch_has_its_problems_on_their_lines():
    check = of_commit(problem(), problem(line=9, severity=Severity.WARNING, hint="close it"))
    assert (check.commit, check.name) == ("c" * 40, "plumbline/test in detail")
    assert check.conclusion is Conclusion.FAILURE
    assert check.title == "1 problem: ops/a.yaml:3:7: error PL-101: a mapping is not closed"
    assert [(one.line, str(one.severity)) for one in check.annotations] == [(3, "error"), (9, "warning")]
    assert f"{code('ops/a.yaml:9:7')} warning PL-101: a mapping is not closed; close it" in check.summary
    assert "names all of them" in check.summary


def test_of_ten_thousand_problems_as_many_are_shown_as_there_is_room_for_and_the_rest_is_counted():
    check = of_commit(*(problem(f"{number:05}.yaml", message="x" * 900) for number in range(10_000)))
    assert LIMIT.size(check.summary) <= LIMIT.most
    assert 0 < len(check.annotations) <= MOST
    assert "**10000 problems.**" in check.summary
    assert f"the {10_000 - len(check.annotations)} problems, too" in check.summary
    assert "did not fit here" in check.summary


def test_a_commit_that_has_no_problem_any_more_says_so():
    check = commit_check(CommitRecord("c" * 40, "t", "main", AT), None, "test")
    assert (check.conclusion, check.annotations) == (Conclusion.SUCCESS, ())
    assert "no problem" in check.title


@given(NASTY)
def test_words_of_others_do_nothing_in_it(text):
    check = of_commit(problem(path=text or "a", message=text))
    assert all(letter.isprintable() for one in check.annotations for letter in one.message + one.path)
    assert check.title.isprintable()
