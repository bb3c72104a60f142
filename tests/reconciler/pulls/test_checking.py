"""Checks on heads: when there is one, that it says what is so, and that nothing waits for it."""

from __future__ import annotations

import pytest

from planner.model.checks import Check, Conclusion
from reconciler.errors import Refused, Transient
from tests.reconciler.pulls.world import Lives, job

pytestmark = [pytest.mark.process, pytest.mark.anyio]

BROKEN = b"version: 1.1\nkind: operation\nname: c\ncomponent: {run: {kind: job, containr: {image: x}}}\n"


class MemoryChecks:
    """A forge that shows the newest of each name."""

    def __init__(self) -> None:
        self.put: list[Check] = []
        self.failures: list[Exception] = []
        self.reason = ""

    async def put_check(self, check: Check) -> str:
        if self.failures:
            raise self.failures.pop(0)
        if not self.reason:
            self.put.append(check)
        return self.reason

    def on(self, head: str) -> Check:
        """What people see."""
        return [one for one in self.put if one.commit == head][-1]


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
async def lives(tmp_path):
    made = Lives(tmp_path)
    made.checks = MemoryChecks()
    made.begin()
    await made.push({"a.yaml": job("a"), "b.yaml": job("b"), "words.md": b"words\n"})
    yield made
    await made.end()


async def test_a_broken_file_is_marked_on_its_line_once(lives):
    head = lives.pull("7", {"c.yaml": BROKEN})
    for _ in range(3):
        await lives.settle()
    check = lives.checks.on(head)
    assert check.conclusion is Conclusion.FAILURE
    assert (check.annotations[0].path, check.annotations[0].line) == ("c.yaml", 4)
    assert check.title == lives.said(head)[1]
    assert len(lives.checks.put) == 1


async def test_where_nothing_changes_there_is_none_and_one_that_is_there_is_kept_true(lives):
    lives.pull("7", {"words.md": b"other words\n"})
    await lives.settle()
    assert lives.checks.put == []
    head = lives.pull("8", {"a.yaml": job("a", "other")})
    await lives.settle()
    assert lives.checks.on(head).title == "1 changes, nothing removed"
    # The branch gets the same: merging changes nothing any more.
    await lives.push({"a.yaml": job("a", "other")})
    await lives.settle()
    assert lives.checks.on(head).title == lives.said(head)[1]
    assert "nothing changes" in lives.checks.on(head).summary


async def test_a_conflict_is_a_check_that_failed(lives):
    head = lives.pull("7", {"a.yaml": job("a", "mine")})
    await lives.push({"a.yaml": job("a", "theirs")})
    await lives.settle()
    assert lives.checks.on(head).conclusion is Conclusion.FAILURE
    assert "conflicts" in lives.checks.on(head).summary


@pytest.mark.parametrize(("forks", "checks"), [("status", 0), ("comment", 1), ("off", 0)])
async def test_a_fork_has_one_where_it_may_have_a_comment(tmp_path, forks, checks):
    lives = Lives(tmp_path, forks=forks)
    lives.checks = MemoryChecks()
    lives.begin()
    await lives.push({"a.yaml": job("a")})
    lives.pull("7", {"c.yaml": BROKEN}, fork=True)
    await lives.settle()
    assert len(lives.checks.put) == checks
    await lives.end()


async def test_neither_status_nor_comment_waits_for_it_and_it_comes_in_the_next_life(lives):
    lives.checks.failures = [Transient("down")]
    head = lives.pull("7", {"c.yaml": job("c")})
    await lives.settle()
    assert lives.said(head) == ("success", "1 starts, nothing removed")
    assert "1 start" in lives.port.on("7")
    written = len(lives.port.written)
    lives.begin()
    await lives.commits.reconcile()
    await lives.settle()
    assert lives.checks.on(head).conclusion is Conclusion.SUCCESS
    assert len(lives.port.written) == written, "the comment said it already"
    await lives.settle()
    assert len(lives.checks.put) == 1


async def test_who_may_not_comment_may_have_a_check(lives):
    lives.port.failures = [Refused("no comments")]
    head = lives.pull("7", {"c.yaml": job("c")})
    await lives.settle()
    assert lives.checks.on(head).title == lives.said(head)[1]


async def test_what_the_forge_will_not_show_is_not_put_again(lives):
    lives.checks.reason = "GitHub answers 403"
    head = lives.pull("7", {"c.yaml": job("c")})
    await lives.settle()
    lives.checks.reason = ""
    await lives.settle()
    assert lives.said(head) == ("success", "1 starts, nothing removed")
    assert lives.checks.put == []
    head = lives.pull("7", {"d.yaml": job("d")})
    await lives.settle()
    assert lives.checks.on(head)
