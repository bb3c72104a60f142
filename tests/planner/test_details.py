"""What is kept of a commit's problems: the heaviest first, within bounds whatever was pushed."""

from __future__ import annotations

import pytest

from planner.details import LETTERS, MOST, commit_of, details_of, name_of
from planner.errors import Place, Problem, Severity

pytestmark = pytest.mark.unit

COMMIT = "c" * 40


def problem(path: str = "a.yaml", line: int = 1, severity: Severity = Severity.ERROR, **more: str) -> Problem:
    words = {"message": "a mapping is not closed", "pointer": "/run", "address": "a", **more}
    return Problem("PL-101", place=Place(path, line, 1), severity=severity, **words)


@pytest.mark.parametrize(
    "problems",
    [[], [problem(severity=Severity.INFO)], [problem(severity=Severity.WARNING), problem(severity=Severity.INFO)]],
    ids=["nothing", "what informs", "what warns alone"],
)
def test_without_an_error_nothing_is_kept(problems):
    assert details_of(problems) is None


def test_errors_come_first_and_what_only_informs_is_left_out():
    found = details_of(
        [
            problem("a.yaml", 9, Severity.WARNING),
            problem("z.yaml", 2),
            problem("b.yaml", 3, Severity.INFO),
            problem("b.yaml", 7),
        ]
    )
    assert [(one.place.path, one.place.line, str(one.severity)) for one in found.problems] == [
        ("b.yaml", 7, "error"),
        ("z.yaml", 2, "error"),
        ("a.yaml", 9, "warning"),
    ]
    assert {(one.pointer, one.address) for one in found.problems} == {("", "")}


def test_ten_thousand_are_two_hundred_and_the_same_in_any_order():
    many = [problem(f"{number:05}.yaml") for number in range(10_000)]
    found = details_of(many)
    assert len(found.problems) == MOST
    assert found == details_of(reversed(many))
    assert found.problems[-1].place.path == "00199.yaml"


def test_equal_ones_are_no_trouble():
    assert len(details_of([problem()] * 3).problems) == 3


def test_words_without_end_are_cut_and_all_of_them_have_a_bound():
    found = details_of([problem(f"{number:03}.yaml", message="x" * 10**6, hint="y" * 10**6) for number in range(300)])
    assert {(len(one.message), len(one.hint)) for one in found.problems} == {(1000, 1000)}
    assert sum(len(one.place.path) + len(one.message) + len(one.hint) for one in found.problems) <= LETTERS
    assert len(found.problems) == LETTERS // 2008


def test_a_path_that_is_cut_has_no_line():
    (one,) = details_of([problem("d/" * 5000 + "a.yaml")]).problems
    assert (len(one.place.path), one.place.line) == (1000, 0)


def test_the_name_says_whose_it_is_and_other_content_is_nobodys():
    assert commit_of(name_of(COMMIT, "d1:abc")) == COMMIT
    assert commit_of("d1:abc") == commit_of("pull:abc") == ""
