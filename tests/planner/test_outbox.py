"""Which statuses a forge is told now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from planner.model.commits import StatusRecord, StatusState
from planner.outbox import Budget, Outbox, sort_out

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
BUDGET = Budget(writes=3, roots=2, apart=timedelta(seconds=10))
PENDING, SUCCESS = StatusState.PENDING, StatusState.SUCCESS


def owed(root: str = "", state: StatusState = PENDING, writes: int = 0, ago: float | None = None, commit: str = "c1"):
    told = None if ago is None else NOW - timedelta(seconds=ago)
    return StatusRecord(commit, f"plumbline/i/{root}", root, state, "", NOW, writes=writes, told_at=told)


def sorted_out(*statuses: StatusRecord, size: int = 1, budget: Budget | None = BUDGET) -> Outbox:
    return sort_out(statuses, {"c1": size}, NOW, budget)


@pytest.mark.parametrize(
    ("status", "size", "fate"),
    [
        (owed("a"), 2, "now"),
        (owed("a"), 3, "left out"),
        (owed("a", SUCCESS), 3, "left out"),
        (owed("a", SUCCESS, writes=1), 3, "now"),
        (owed("", PENDING), 1000, "now"),
        (owed("a", writes=1, ago=10), 1, "now"),
        (owed("a", writes=1, ago=4), 1, "later"),
        (owed("a", writes=1), 1, "now"),
        (owed("a", writes=2, ago=60), 1, "now"),
        (owed("a", writes=3, ago=60), 1, "left out"),
        (owed("a", SUCCESS, writes=3, ago=0), 1, "now"),
        (owed("a", SUCCESS, writes=900, ago=0), 1, "now"),
        (owed("a", StatusState.SUPERSEDED, writes=3, ago=0), 1, "now"),
        (owed("a", commit="unknown"), 1000, "now"),
    ],
    ids=[
        "a few operations have contexts of their own",
        "of many the aggregate speaks",
        "also of their ends",
        "what was pending for all to see ends for all to see",
        "the aggregate is said however many there are",
        "a moment ago",
        "just now: it may change again",
        "told by a version that did not note when",
        "the last pending one",
        "one too many",
        "the end is always said",
        "however often something was said before",
        "superseded is an end",
        "a preview's commit is no planned one",
    ],
)
def test_what_becomes_of_a_status(status, size, fate):
    box = sorted_out(status, size=size)
    fates = {"now": box.now, "left out": box.left_out, "later": () if box.later is None else (status,)}
    assert {name: list(found) for name, found in fates.items() if found} == {fate: [status]}


def test_the_aggregate_and_ends_come_first():
    last, first = owed("b", writes=1, ago=60), owed("", PENDING)
    end, begin = owed("a", SUCCESS, writes=1), owed("d")
    assert sorted_out(last, end, begin, first).now == (first, end, begin, last)


def test_what_waits_says_how_long():
    assert sorted_out(owed("a", writes=1, ago=4), owed("b", writes=1, ago=7), owed("c")).later == 3.0


def test_a_clock_that_was_turned_back_waits_no_longer_than_usual():
    assert sorted_out(owed("a", writes=1, ago=-90_000)).later == 10.0


def test_a_forge_without_a_budget_hears_everything_at_once():
    statuses = [owed("a", writes=900, ago=0), owed("b"), owed("", SUCCESS)]
    assert sorted_out(*statuses, size=1000, budget=None) == Outbox(tuple(statuses))
