"""Patterns of users: what they mean, which are refused, and that none keeps anybody busy."""

from __future__ import annotations

import pytest

from planner.spec import patterns

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        pytest.param("a", "ab", True, id="at-the-start"),
        pytest.param("a", "ba", False, id="not-in-the-middle"),
        pytest.param("a|b", "b", True, id="either"),
        pytest.param("a|b", "cb", False, id="the-anchor-holds-for-all-alternatives"),
        pytest.param("^a+$", "aaa", True, id="whole"),
        pytest.param("^a+$", "aaa\n", False, id="a-line-break-is-part-of-the-text"),
        pytest.param("", "x", True, id="empty"),
        pytest.param("(?i)AB", "ab", True, id="flag"),
        pytest.param(r"\w+$", "größe", True, id="letters-of-all-scripts"),
        pytest.param(r"(?P<year>\d{4})-\d\d$", "2026-11", True, id="named-group"),
        pytest.param(
            r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", "0" * 8 + "-0000" * 3 + "-" + "f" * 12, True, id="uuid"
        ),
        pytest.param("a(?=b)", "ab", False, id="what-cannot-be-matched-matches-nothing"),
    ],
)
def test_a_pattern_matches_at_the_start(pattern, text, fits):
    assert patterns.matches(pattern, text) is fits


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        pytest.param("(", "not a regular expression: unclosed group", id="syntax"),
        pytest.param("a)|(b", "not a regular expression: unopened group", id="a-group-closed-by-the-anchor"),
        pytest.param(
            "a(?=b)",
            "not a regular expression: look-around is not supported",
            id="look-ahead",
        ),
        pytest.param("(?<!a)b", "not a regular expression: look-around is not supported", id="look-behind"),
        pytest.param(r"(a)\1", "not a regular expression: backreferences are not supported", id="backreference"),
        pytest.param("a" * 501, "a pattern of 501 characters", id="long"),
        pytest.param(
            "(a?){1000}{1000}", "a pattern of 16,032,016 parts, with its counts written out", id="counts-of-counts"
        ),
        pytest.param(
            "((a?){99} ){99}", "a pattern of 150,000 parts, with its counts written out", id="counts-in-groups"
        ),
        pytest.param(
            "(?x)(a?) # c\n {0000000000999}", "a pattern of 29,000 parts, with its counts written out", id="verbose"
        ),
        pytest.param(r"\w{400}", "a pattern that is too large to be matched", id="large-classes"),
    ],
)
def test_patterns_that_are_refused(pattern, said):
    message, hint = patterns.fault_of(pattern)
    assert message == said
    assert hint


@pytest.mark.parametrize(
    "pattern",
    [
        r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$",
        r"^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)$",
        r"^v(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$",
        r"[^@\s]{1,64}@[^@\s]+$",
        r"^\w{1,63}$",
        r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.){1,10}[a-z]{2,63}$",
        r"^[A-Za-z0-9._-]{1,255}$",
        "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    ],
)
def test_patterns_that_people_write_are_taken(pattern):
    assert patterns.fault_of(pattern) is None


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*$", "(a|aa)+$", "(.*a){20}$", "([a-z]+)*=", r"(\s*a\s*)*$"])
def test_a_hostile_pattern_is_cheap(pattern):
    """With an engine that backtracks, none of these would ever end."""
    assert patterns.fault_of(pattern) is None
    assert not patterns.matches(pattern, "a" * 5_000 + "!")
