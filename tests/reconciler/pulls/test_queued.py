"""Commits of a merge queue: what is said of them, once, and that nothing else is."""

from __future__ import annotations

from datetime import timedelta

import pytest

from planner.model import facts as f
from planner.model.pulls import QUEUED, is_queued
from planner.publish import preview_context
from reconciler.errors import Refused, Transient
from tests.reconciler.pulls.world import Lives, job

pytestmark = [pytest.mark.process, pytest.mark.anyio]

CONTEXT = preview_context("test")
LEFT = ("superseded", "left the merge queue before it was planned")


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
async def lives(tmp_path):
    made = Lives(tmp_path)
    await made.push({"a.yaml": job("a"), "b.yaml": job("b")})
    yield made
    await made.end()


async def known(lives):
    """Entries of which something is kept."""
    return {number.removeprefix(QUEUED) for number in await lives.ledger.pulls() if is_queued(number)}


async def states(lives, head):
    """All states that the ledger had for the preview of a commit."""
    said = [fact for _, fact in await lives.ledger.facts() if isinstance(fact, f.StatusChanged)]
    return [str(one.state) for one in said if (one.commit, one.context) == (head, CONTEXT)]


async def test_an_entry_has_the_status_of_its_pull_request_and_no_comment_and_disturbs_none(lives):
    pull = lives.pull("7", {"c.yaml": job("c")})
    await lives.settle()
    before = (await lives.ledger.pulls())["7"]
    written = list(lives.port.written)
    head = lives.enqueue("pr-7", {"c.yaml": job("c")})
    await lives.settle()
    assert lives.said(head) == ("success", "1 starts, nothing removed") == lives.said(pull)
    assert await states(lives, head) == ["pending", "success"]
    assert (await lives.ledger.pulls())["7"] == before
    assert (lives.port.written, lives.port.looked) == (written, ["7"])
    lives.counts()
    for _ in range(3):
        await lives.settle()
    assert lives.counts() == {}, "it is planned once"


async def test_what_is_behind_another_is_planned_with_it_and_broken_ones_fail(lives):
    first = lives.enqueue("pr-1", {"c.yaml": job("c")})
    second = lives.enqueue("pr-2", {"d.yaml": job("d")}, first)
    broken = lives.enqueue("pr-3", {"e.yaml": job("e").replace(b"kind: job", b"kind: jub")}, second)
    nothing = lives.enqueue("pr-4", {"words.md": b"words\n"})
    await lives.settle()
    assert lives.said(first) == ("success", "1 starts, nothing removed")
    assert lives.said(second) == ("success", "2 start, nothing removed")
    state, words = lives.said(broken)
    assert (state, "e.yaml" in words) == ("failure", True)
    assert lives.said(nothing) == ("success", "no operation changes")


async def test_one_that_is_merged_is_forgotten_and_those_behind_it_are_not_planned_again(lives):
    first = lives.enqueue("pr-1", {"c.yaml": job("c")})
    second = lives.enqueue("pr-2", {"d.yaml": job("d")}, first)
    await lives.settle()
    lives.counts()
    lives.dequeue("pr-1", merged=True)
    await lives.commits.reconcile()
    await lives.settle()
    assert (await known(lives), lives.counts()) == ({"pr-2"}, {})
    assert lives.said(first) == ("success", "1 starts, nothing removed"), "what the forge was told stands"
    assert CONTEXT not in {one.context for one in await lives.ledger.statuses(first)}
    assert lives.said(second) == ("success", "2 start, nothing removed")


async def test_one_that_leaves_before_it_is_planned_is_not_left_pending(lives):
    head = lives.enqueue("pr-1", {"c.yaml": job("c")})
    entry = lives.queue.now["pr-1"]
    lives.remote.point(None, ref=entry.ref)  # it cannot be fetched
    lives.pulling.hint()
    for _ in range(3):
        await lives.pulling.turn()
    while await lives.publisher.post() is not None:
        pass
    assert lives.said(head) == ("pending", "planning")
    lives.begin()  # a crash, after which nobody knows but the ledger
    lives.queue.now.clear()
    for _ in range(2):
        await lives.settle()
        await lives.pulling._due(f"pull:{QUEUED}pr-1")
    assert (lives.said(head), await known(lives)) == (LEFT, set())
    assert not await lives.ledger.statuses(head)


async def test_what_waits_to_be_told_is_told_before_it_is_forgotten(lives):
    head = lives.enqueue("pr-1", {"c.yaml": job("c")})
    lives.pulling.hint()
    while not lives.pulling.idle:
        await lives.pulling.turn()
    assert lives.said(head) is None
    lives.queue.now.clear()
    lives.pulling.hint()
    while not lives.pulling.idle:
        await lives.pulling.turn()
    assert await known(lives) == {"pr-1"}
    await lives.settle()
    assert lives.said(head) == ("success", "1 starts, nothing removed")
    await lives.pulling._due(f"pull:{QUEUED}pr-1")
    assert await known(lives) == set()


async def test_a_life_that_ends_half_way_is_gone_on_with_and_nothing_is_said_twice(lives):
    head = lives.enqueue("pr-1", {"c.yaml": job("c")})
    failing, lives.lookup = lives.source.tree, None

    async def away(commit):
        raise Transient("the disk is away")

    lives.source.tree = away
    lives.pulling.hint()
    for _ in range(3):
        await lives.pulling.turn()
    lives.source.tree = failing
    assert await states(lives, head) == ["pending"]
    lives.begin()
    await lives.settle()
    lives.begin()
    await lives.settle()
    assert lives.said(head) == ("success", "1 starts, nothing removed")
    assert await states(lives, head) == ["pending", "success"]


async def test_one_that_cannot_be_had_fails_in_the_end_and_its_queue_goes_on(lives):
    head = lives.enqueue("pr-1", {"c.yaml": job("c")})
    lives.remote.point(None, ref=lives.queue.now["pr-1"].ref)
    number = f"pull:{QUEUED}pr-1"
    await lives.pulling._queued.look()
    with pytest.raises(Transient):
        await lives.pulling._due(number)
    lives.clock.at += timedelta(minutes=9)
    with pytest.raises(Transient):
        await lives.pulling._due(number)
    assert await states(lives, head) == ["pending"]
    lives.clock.at += timedelta(minutes=2)
    await lives.pulling._due(number)
    await lives.settle()
    state, words = lives.said(head)
    assert (state, "10 minutes" in words, str(lives.remote.path) in words) == ("error", True, False)
    assert await states(lives, head) == ["pending", "error"]


async def test_one_that_is_made_anew_is_another_commit(lives):
    before = lives.enqueue("pr-1", {"c.yaml": job("c")})
    await lives.settle()
    other = lives.enqueue("pr-2", {"d.yaml": job("d")})
    after = lives.enqueue("pr-1", {"c.yaml": job("c")}, other)
    assert after != before
    await lives.settle()
    assert lives.said(after) == ("success", "2 start, nothing removed")
    assert not await lives.ledger.statuses(before)
    assert (await lives.ledger.pulls())[f"{QUEUED}pr-1"].head == after


async def test_each_of_many_has_its_turn(tmp_path):
    lives = Lives(tmp_path, queued=3)
    await lives.push({"a.yaml": job("a")})
    heads = [lives.enqueue(f"pr-{number}", {f"{number}.yaml": job(f"o{number}")}) for number in range(10)]
    looks = 0
    while not all(lives.said(head) for head in heads):
        await lives.settle()
        looks += 1
    assert looks == 4
    assert {lives.said(head) for head in heads} == {("success", "1 starts, nothing removed")}
    await lives.end()


async def test_a_queue_that_is_not_shown_any_more_says_nothing_of_what_was_in_it(lives):
    head = lives.enqueue("pr-1", {"c.yaml": job("c")})
    await lives.settle()
    lives.begin()
    lives.queue.now = None
    await lives.settle()
    assert await known(lives) == {"pr-1"}
    lives.clock.at += timedelta(days=2)
    await lives.settle()
    assert (await known(lives), lives.said(head)) == (set(), ("success", "1 starts, nothing removed"))


async def test_whatever_forks_get_an_entry_has_its_status_and_no_comment(tmp_path):
    for forks in ("off", "comment"):
        (tmp_path / forks).mkdir()
        lives = Lives(tmp_path / forks, forks=forks)
        await lives.push({"a.yaml": job("a")})
        head = lives.enqueue("pr-1", {"c.yaml": job("c")})
        await lives.settle()
        assert lives.said(head) == ("success", "1 starts, nothing removed")
        assert lives.port.comments == {}
        await lives.end()


async def test_what_is_in_the_branch_already_is_a_success(lives):
    head = lives.enqueue("pr-1", {"c.yaml": job("c")})
    lives.remote.point(head)
    await lives.commits.reconcile()
    await lives.settle()
    assert lives.said(head) == ("success", "nothing to merge: its head is in the branch already")


async def test_a_queue_that_cannot_be_looked_at_keeps_no_pull_request_waiting(lives):
    lives.queue.failures += [Refused("the token may not"), Transient("later")]
    head = lives.pull("7", {"c.yaml": job("c")})
    await lives.settle()
    assert lives.said(head) == ("success", "1 starts, nothing removed")
    assert lives.pulling.stuck == {"queue": "the token may not"}


async def test_one_of_the_same_commit_as_a_pull_request_takes_nothing_of_it_along(lives):
    head = lives.pull("7", {"c.yaml": job("c")})
    await lives.settle()
    lives.enqueue("pr-7", {})
    lives.queue.now["pr-7"] = type(lives.queue.now["pr-7"])(f"{QUEUED}pr-7", head, "refs/pull/7/head", "main")
    await lives.settle()
    lives.queue.now.clear()
    await lives.settle()
    assert lives.said(head) == ("success", "1 starts, nothing removed")
    assert [one.context for one in await lives.ledger.statuses(head)] == [CONTEXT]
    assert await known(lives) == set()


async def test_ten_thousand_files_that_are_wrong_are_one_status(lives):
    broken = {f"x/{number}.yaml": b"version: 1.1\nkind: operation\nnmae: x\n" for number in range(2000)}
    head = lives.enqueue("pr-1", broken)
    await lives.settle()
    state, words = lives.said(head)
    assert state == "failure"
    assert len(words) <= 140
