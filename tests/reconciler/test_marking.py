"""Checks on commits of the branch: which commits have one, that it is put once, and what is kept for it."""

from __future__ import annotations

import pytest

from planner.details import LETTERS, MOST
from planner.model import facts as f
from planner.model.checks import Conclusion
from reconciler.errors import Refused, Transient
from reconciler.marking import NEWEST
from tests.reconciler.pulls.test_checking import BROKEN, MemoryChecks
from tests.reconciler.pulls.world import Lives, job

pytestmark = [pytest.mark.process, pytest.mark.anyio]

NAME = "plumbline/test in detail"


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
async def lives(tmp_path):
    made = Lives(tmp_path)
    made.forge.checks = MemoryChecks()
    await made.push({"a.yaml": job("a")})
    yield made
    await made.end()


async def marked(lives):
    """Do what the loop does of it, as often as anything would have it done."""
    for _ in range(3):
        await lives.publisher.marking.reconcile()
    return lives.forge.checks.put


async def test_a_broken_file_is_marked_on_its_line_once_and_in_every_life(lives):
    commit = await lives.push({"c.yaml": BROKEN})
    (check,) = await marked(lives)
    assert (check.commit, check.name, check.conclusion) == (commit, NAME, Conclusion.FAILURE)
    assert (check.annotations[0].path, check.annotations[0].line) == ("c.yaml", 4)
    assert check.title.startswith("1 problem: c.yaml:4:")
    lives.begin()
    await lives.commits.reconcile()
    assert len(await marked(lives)) == 1


async def test_a_commit_without_problems_has_none(lives):
    await lives.push({"b.yaml": job("b")})
    assert await marked(lives) == []
    broken = await lives.push({"c.yaml": BROKEN})
    await lives.push({"c.yaml": None})
    assert [one.commit for one in await marked(lives)] == [broken]


async def test_what_is_mended_without_a_commit_is_said_to_be(lives, monkeypatch):
    commit = await lives.push({"c.yaml": BROKEN})
    await marked(lives)
    record = await lives.ledger.commit(commit)
    again = f.CommitPlanned(commit, record.tree, "main", lives.clock.now())
    await lives.ledger.record([again])
    found = await marked(lives)
    assert [one.conclusion for one in found] == [Conclusion.FAILURE, Conclusion.SUCCESS]
    assert found[-1].annotations == ()


async def test_what_cannot_be_put_now_is_owed_and_what_never_will_be_is_not(lives):
    await lives.push({"c.yaml": BROKEN})
    lives.forge.checks.failures += [Transient("away", 5.0), Refused("no")]
    with pytest.raises(Transient):
        await lives.publisher.marking.reconcile()
    with pytest.raises(Refused):
        await lives.publisher.marking.reconcile()
    assert len(await marked(lives)) == 1
    lives.forge.checks.reason = "the App may not"
    await lives.push({"d.yaml": BROKEN.replace(b"name: c", b"name: d")})
    assert len(await marked(lives)) == 1
    lives.forge.checks.reason = ""
    assert len(await marked(lives)) == 1, "it is not gone back to"


async def test_a_crash_after_it_was_put_puts_it_once_more(lives, monkeypatch):
    commit = await lives.push({"c.yaml": BROKEN})

    async def crash(facts, blobs=None):
        raise Transient("the disk is full")

    monkeypatch.setattr(lives.ledger, "record", crash)
    with pytest.raises(Transient):
        await lives.publisher.marking.reconcile()
    monkeypatch.undo()
    lives.begin()
    found = await marked(lives)
    assert [one.commit for one in found] == [commit, commit]
    assert found[0] == found[1]


async def test_an_app_that_comes_later_does_not_go_back_over_the_history(lives):
    checks, lives.forge.checks = lives.forge.checks, None
    commits = [
        await lives.push({"c.yaml": BROKEN.replace(b"image: x", b"image: x%d" % number)})
        for number in range(NEWEST + 5)
    ]
    await lives.publisher.marking.reconcile()
    lives.forge.checks = checks
    lives.begin()
    assert [one.commit for one in await marked(lives)] == commits[: -NEWEST - 1 : -1]


async def test_a_forge_without_checks_is_asked_nothing(lives):
    lives.forge.checks = None
    await lives.push({"c.yaml": BROKEN})
    await lives.publisher.marking.reconcile()
    assert not [fact for _, fact in await lives.ledger.facts() if isinstance(fact, f.Detailed)]


async def test_ten_thousand_broken_files_are_kept_within_a_bound(lives):
    commit = await lives.push({f"x/{number:05}.yaml": BROKEN for number in range(10_000)})
    record = await lives.ledger.commit(commit)
    assert record.problems >= 10_000
    text = await lives.ledger.blob(record.details)
    assert len(text) < 2 * LETTERS
    (check,) = await marked(lives)
    assert len(check.annotations) == MOST
    assert "0000 problems: x/00000.yaml" in check.title
