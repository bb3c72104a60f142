"""What is said on pull requests, when it is said again, and what that costs."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from planner.model import facts as f
from planner.model.people import Command
from planner.model.pulls import PullState
from planner.publish import preview_context
from planner.render.budget import Limit
from reconciler.errors import Refused, Transient
from reconciler.source.heads import HeadLimits
from tests.reconciler.pulls.world import Lives, job

pytestmark = [pytest.mark.process, pytest.mark.anyio]

MANY = 100


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
async def lives(tmp_path):
    made = Lives(tmp_path)
    await made.push({"a.yaml": job("a"), "b.yaml": job("b"), "words.md": b"words\n"})
    yield made
    await made.end()


async def test_a_pull_request_has_a_status_and_a_comment_and_nothing_is_said_twice(lives):
    head = lives.pull("7", {"c.yaml": job("c"), "a.yaml": job("a", "other")})
    await lives.settle()
    assert lives.said(head) == ("success", "1 starts, 1 changes, nothing removed")
    assert "1 start · 1 update · 1 unchanged" in lives.port.on("7")
    assert (lives.port.written, lives.port.looked) == (["7"], ["7"])
    for _ in range(3):
        await lives.settle()
    assert (lives.port.written, lives.counts()) == (["7"], {"merges": 1, "plans": 1})


async def test_it_is_pending_before_it_is_planned(lives):
    head = lives.pull("7", {"c.yaml": job("c")})
    await lives.settle()
    context = preview_context("test")
    said = [fact for _, fact in await lives.ledger.facts() if isinstance(fact, f.StatusChanged)]
    assert [str(one.state) for one in said if (one.commit, one.context) == (head, context)] == ["pending", "success"]


async def test_without_anything_to_say_there_is_no_comment_and_one_that_is_there_says_so(lives):
    head = lives.pull("7", {"words.md": b"other words\n"})
    await lives.settle()
    assert lives.said(head) == ("success", "no operation changes")
    assert (lives.port.on("7"), lives.port.looked) == ("", [])
    lives.pull("7", {"c.yaml": job("c")})
    await lives.settle()
    assert "1 start" in lives.port.on("7")
    last = lives.pull("7", {"words.md": b"more\n"})
    await lives.settle()
    assert lives.said(last) == ("success", "no operation changes")
    assert "nothing changes" in lives.port.on("7")
    assert lives.port.looked == ["7"], "what is known is not read"


@pytest.mark.parametrize(
    ("forks", "comments", "statuses"), [("status", 0, True), ("comment", 1, True), ("off", 0, False)]
)
async def test_what_a_fork_gets_is_for_the_configuration_to_say(tmp_path, forks, comments, statuses):
    lives = Lives(tmp_path, forks=forks)
    await lives.push({"a.yaml": job("a")})
    head = lives.pull("7", {"c.yaml": job("c")}, fork=True)
    await lives.settle()
    assert (len(lives.port.comments), lives.said(head) is not None) == (comments, statuses)
    await lives.end()


async def test_a_hundred_open_ones_cost_as_many_plans_as_are_concerned(lives):
    for number in range(MANY):
        lives.pull(f"{number}", {f"own/{number}.yaml": job(f"own-{number}")})
    lives.pull("777", {"a.yaml": job("a", "mine")})
    await lives.settle()
    assert lives.counts() == {"merges": MANY + 1, "plans": MANY + 1}
    written = len(lives.port.written)
    # The branch moves elsewhere: nobody is planned, and each comment is marked once however often it moves.
    await lives.push({"b.yaml": job("b", "else")})
    await lives.settle()
    assert lives.counts() == {"merges": MANY + 1, "marks": MANY + 1}
    await lives.push({"d.yaml": job("d")})
    await lives.settle()
    assert lives.counts() == {"merges": MANY + 1}
    assert len(lives.port.written) == written + MANY + 1
    assert all("The branch has moved on" in body for _, body in lives.port.comments.values())
    # It moves where one of them has changed something, too.
    await lives.push({"a.yaml": job("a").replace(b"version", b"description: hello\nversion")})
    await lives.settle()
    assert lives.counts() == {"merges": MANY + 1, "plans": 1}
    assert "The branch has moved on" not in lives.port.on("777")


async def test_what_a_person_does_to_an_operation_is_planned_anew_and_a_run_is_not(lives):
    lives.pull("7", {"a.yaml": job("a", "other")})
    lives.pull("8", {"c.yaml": job("c")})
    await lives.settle()
    lives.counts()
    now = lives.clock.now()
    await lives.ledger.record([f.Suspended("a", active=True, by="ada", at=now)])
    await lives.settle()
    assert lives.counts() == {"merges": 1, "plans": 1}
    await lives.ledger.record([f.Asked("a", Command("1", "run", "a", {}, "ada", now), now)])
    await lives.settle()
    assert lives.counts() == {}


async def test_a_marked_comment_is_planned_anew_after_a_while_one_at_a_look(lives):
    for number in ("1", "2"):
        lives.pull(number, {f"{number}.yaml": job(f"own-{number}")})
    await lives.settle()
    await lives.push({"b.yaml": job("b", "else")})
    await lives.settle()
    lives.counts()
    lives.clock.at += timedelta(seconds=lives.rules.refresh + 1)
    await lives.settle()
    assert lives.counts() == {"merges": 1, "plans": 1}
    await lives.settle()
    assert lives.counts() == {"merges": 1, "plans": 1}
    assert not any("The branch has moved on" in body for _, body in lives.port.comments.values())


async def test_a_conflict_names_its_file_and_is_over_when_it_is(lives):
    head = lives.pull("7", {"a.yaml": job("a", "mine"), "b.yaml": job("b", "mine")})
    await lives.push({"a.yaml": job("a", "theirs"), "b.yaml": job("b", "theirs")})
    await lives.settle()
    assert lives.said(head) == ("failure", "conflicts with the branch in a.yaml and 1 more")
    assert lives.port.on("7") == ""
    await lives.push({"a.yaml": job("a"), "b.yaml": job("b")})
    await lives.settle()
    assert lives.said(head) == ("success", "2 change, nothing removed")


async def test_a_head_that_cannot_be_had_is_said_once_whatever_the_branch_does(tmp_path):
    lives = Lives(tmp_path)
    lives.limits = HeadLimits(bytes=10)
    lives.begin()
    await lives.push({"a.yaml": job("a")})
    head = lives.pull("7", {"c.yaml": job("c")})
    await lives.settle()
    assert (lives.said(head) or ("",))[0] == "failure"
    assert "the head is too large" in (lives.said(head) or ("", ""))[1]
    await lives.push({"b.yaml": job("b")})
    await lives.settle()
    assert lives.counts() == {}
    await lives.end()


async def test_problems_of_the_branch_are_not_those_of_the_pull_request(lives):
    await lives.push({"broken.yaml": b"kind: operation\nnmae: x\n"})
    head = lives.pull("7", {"words.md": b"x"})
    own = lives.pull("8", {"mine.yaml": b"kind: operation\nnmae: y\n"})
    await lives.settle()
    assert lives.said(head) == ("success", "no operation changes")
    state, words = lives.said(own) or ("", "")
    assert state == "failure"
    assert "mine.yaml" in words
    assert "broken.yaml" not in lives.port.on("8")


async def test_what_a_merge_changes_of_the_rules_comes_first_and_raises_no_budget(lives):
    files = {f"n/{number:02}.yaml": job(f"n-{number:02}") for number in range(30)}
    head = lives.pull("7", {**files, ".plumbline.yaml": b"budgets: {starts: 500}\n"})
    await lives.settle()
    body = lives.port.on("7")
    assert body.index("/budgets/starts") < body.index("**Held**") < body.index("| |")
    assert "30 held for a person" in (lives.said(head) or ("", ""))[1]


async def test_a_comment_that_was_posted_before_a_crash_is_found_and_edited(lives):
    class DeadError(Exception):
        """The daemon dies here."""

    async def die(facts) -> None:
        if any(isinstance(fact, f.PullNoted) and fact.record and fact.record.comment for fact in facts):
            raise DeadError

    head = lives.pull("7", {"c.yaml": job("c")})
    lives.ledger.before = die
    await lives.settle()
    assert len(lives.port.comments) == 1
    assert (lives.said(head) or ("",))[0] == "pending"
    lives.ledger.before = None
    lives.begin()
    await lives.commits.reconcile()
    await lives.settle()
    assert len(lives.port.comments) == 1
    assert (lives.said(head) or ("",))[0] == "success"
    assert lives.port.looked == ["7", "7"], "once a life, before it was known"


@pytest.mark.parametrize("error", [Transient("not now"), Refused("no token"), ValueError("ours")])
async def test_a_forge_that_fails_is_told_later(lives, error):
    head = lives.pull("7", {"c.yaml": job("c")})
    lives.port.failures.append(error)
    await lives.settle()
    assert lives.port.on("7") == ""
    # The status does not wait for the comment; only a fault of ours leaves it as it is.
    assert (lives.said(head) or ("",))[0] == ("pending" if isinstance(error, ValueError) else "success")
    assert bool(lives.pulling.stuck) is not isinstance(error, Transient)
    lives.pulling.hint("pull:7")
    await lives.settle()
    assert "1 start" in lives.port.on("7")
    assert (lives.said(head) or ("",))[0] == "success"
    assert not lives.pulling.stuck


async def test_a_forge_that_wants_to_be_left_alone_is(lives):
    lives.pull("7", {"c.yaml": job("c")})
    lives.pull("8", {"d.yaml": job("d")})
    lives.port.failures.append(Transient("too many requests", after=3600.0))
    for _ in range(3):
        await lives.settle()
    assert (lives.port.written, lives.port.looked) == ([], ["7"])


async def test_one_that_somebody_deleted_is_posted_anew(lives):
    lives.pull("7", {"c.yaml": job("c")})
    await lives.settle()
    lives.port.comments.clear()
    lives.pull("7", {"d.yaml": job("d")})
    await lives.settle()
    assert "1 start" in lives.port.on("7")


async def test_a_life_goes_on_with_what_the_one_before_said(lives):
    lives.pull("7", {"c.yaml": job("c")})
    await lives.settle()
    lives.begin()
    await lives.commits.reconcile()
    await lives.settle()
    assert (lives.counts(), lives.port.written) == ({}, ["7"])


async def test_a_merged_one_is_told_what_came_of_it_and_let_go(lives):
    head = lives.pull("7", {"c.yaml": job("c"), "words.md": b"more"})
    await lives.settle()
    lives.merge("7")
    await lives.settle()
    assert "### Plumbline plan" in lives.port.on("7"), "the branch is not planned yet"
    lives.files["c.yaml"] = job("c")
    await lives.commits.reconcile()
    lives.pulling.hint("pull:7")
    await lives.settle()
    assert "merged, 1 under way" in lives.port.on("7")
    assert (await lives.ledger.pulls())["7"].state is PullState.MERGED
    now = lives.clock.now()
    done = f.StatusChanged("c", head, "plumbline/test/c", f.StatusState.SUCCESS, "succeeded", now)
    await lives.ledger.record([done])
    lives.pulling.hint("pull:7")
    await lives.settle()
    assert "merged, 1 done" in lives.port.on("7")
    assert await lives.ledger.pulls() == {}


async def test_a_closed_one_and_one_without_a_comment_are_let_go(lives):
    closed = lives.pull("7", {"c.yaml": job("c")})
    quiet = lives.pull("8", {"words.md": b"x"})
    await lives.settle()
    body = lives.port.on("7")
    del lives.port.open["7"]
    lives.merge("8")
    await lives.commits.reconcile()
    await lives.settle()
    assert await lives.ledger.pulls() == {}
    assert lives.port.on("7") == body
    context = preview_context("test")
    left = [one for head in (closed, quiet) for one in await lives.ledger.statuses(head) if one.context == context]
    assert left == []


async def test_statuses_of_heads_that_were_pushed_over_go_once_they_are_told(lives):
    heads = [lives.pull("7", {"c.yaml": job("c", f"c{number}")}) for number in range(1)]
    await lives.settle()
    for number in range(3):
        heads.append(lives.pull("7", {"c.yaml": job("c", f"d{number}")}))
        await lives.settle()
    known = [head for head in heads if await lives.ledger.statuses(head)]
    assert known == heads[-1:]
    assert (await lives.ledger.pulls())["7"].earlier == ()


async def test_very_many_are_looked_at_up_to_a_bound(tmp_path):
    lives = Lives(tmp_path, most=5)
    await lives.push({"a.yaml": job("a")})
    head = lives.pull("0", {"c.yaml": job("c")})
    pull = lives.port.open["0"]
    for number in range(1, 10_000):
        lives.port.open[f"{number}"] = replace(pull, number=f"{number}")
    await lives.settle()
    assert Counter(lives.port.written) == Counter(map(str, range(5)))
    assert lives.said(head) is not None
    await lives.end()


async def test_a_row_leads_to_the_file_whatever_it_is_called(lives):
    lives.pull("7", {"a (b)|`c`\n#1.yaml": job("c")})
    pull = lives.port.open["7"]
    lives.port.open["7"] = replace(pull, files="https://forge.example.org/models/blob/x")
    await lives.settle()
    assert "](https://forge.example.org/models/blob/x/a%20%28b%29%7C%60c%60%0A%231.yaml#L1)" in lives.port.on("7")


async def test_what_is_long_fits_the_forge(lives):
    lives.port.most = Limit(6000)
    lives.begin()
    lives.pull("7", {f"n/{number:03}.yaml": job(f"n-{number:03}") for number in range(200)})
    await lives.settle()
    assert "did not fit here" in lives.port.on("7")


async def test_a_token_that_may_not_comment_any_more_does_not_hide_a_conflict(lives):
    head = lives.pull("7", {"a.yaml": job("a", "mine")})
    await lives.settle()
    lives.port.failures.append(Refused("the token may not comment"))
    await lives.push({"a.yaml": job("a", "theirs")})
    await lives.settle()
    assert lives.said(head) == ("failure", "conflicts with the branch in a.yaml")
    assert list(lives.pulling.stuck.values()) == ["the token may not comment"]
    lives.pulling.hint("pull:7")
    await lives.settle()
    assert "conflicts with the branch" in lives.port.on("7")
    assert not (await lives.ledger.pulls())["7"].refused
