"""Branches as pull requests, on this machine and behind a transport that git asks."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from planner.model.pulls import Comment, Pull, PullState
from reconciler.forges.branches import NOTES, BranchPulls
from reconciler.source.heads import Heads
from reconciler.source.remote import Origin, parse
from reconciler.source.repository import GitSource
from tests.reconciler.source.remotes import GitRemote

MARK = "<!-- plumbline preview of test -->"

pytestmark = [pytest.mark.process, pytest.mark.anyio]


@pytest.fixture
def anyio_backend():
    return "asyncio"


class Clock:
    def now(self) -> datetime:
        return datetime(2026, 11, 26, tzinfo=UTC)


class Branches:
    """A repository, and people who push branches to it."""

    def __init__(self, folder: Path, form: str) -> None:
        self.remote = GitRemote(folder / "remote.git")
        self.files: dict[str, bytes] = {"a": b"1"}
        self.first = self.remote.commit(self.files)
        url = str(self.remote.path) if form == "path" else f"file://{self.remote.path}"
        self.source = GitSource(Origin(parse(url), "main"), folder / "state", "test")
        self.port = BranchPulls(self.source, Clock(), ["feature/*"])
        self.heads = Heads(self.source)
        self.made = 0

    async def open(self) -> tuple[str, str]:
        self.made += 1
        number = f"feature/{self.made}"
        self.remote.point(self.remote.git("rev-parse", "main"), ref=f"refs/heads/{number}")
        return number, await self.push(number)

    async def push(self, number: str) -> str:
        await self.source.fetch()
        self.files = {**self.files, f"{number}-{len(self.files)}": b"x"}
        head = self.remote.commit(self.files, branch=number)
        await self.heads.bring(Pull(number, head, f"refs/heads/{number}", "main"))  # as a preview does it
        return head

    async def merge(self, number: str) -> str:
        head = self.remote.git("rev-parse", f"refs/heads/{number}")
        self.remote.point(head)
        await self.source.fetch()
        return head

    async def comments(self, number: str) -> list[str]:
        return list(self.remote.notes(f"refs/notes/{NOTES}/test").values())

    async def uncomment(self, number: str) -> None:
        self.remote.point(None, ref=f"refs/notes/{NOTES}/test")


@pytest.fixture(params=["path", "file"])
async def branches(tmp_path, request):
    made = Branches(tmp_path, request.param)
    await made.source.fetch()
    yield made
    await made.source.close()


async def test_open_ones_are_listed_with_their_heads(branches):
    assert list(await branches.port.pulls("main", [])) == []
    made = dict([await branches.open(), await branches.open()])
    found = await branches.port.pulls("main", [])
    assert {pull.number: pull.head for pull in found} == made
    assert {(pull.state, pull.base, pull.fork) for pull in found} == {(PullState.OPEN, "main", False)}
    assert all(pull.ref.startswith("refs/") for pull in found)
    number = next(iter(made))
    head = await branches.push(number)
    assert {pull.number: pull.head for pull in await branches.port.pulls("main", [number])} == {**made, number: head}


async def test_one_that_is_merged_is_told_to_who_knows_it_alone(branches):
    number, _ = await branches.open()
    merged = await branches.merge(number)
    assert list(await branches.port.pulls("main", [])) == []
    (pull,) = await branches.port.pulls("main", [number, "nobody"])
    assert (pull.number, pull.state, pull.merged) == (number, PullState.MERGED, merged)


async def test_a_comment_is_edited_in_place(branches):
    number, _ = await branches.open()
    await branches.port.pulls("main", [])
    first = await branches.port.put_comment(Comment(number, f"{MARK}\none\n"))
    second = await branches.port.put_comment(Comment(number, f"{MARK}\ntwo\n", first))
    assert first == second
    assert [text.strip() for text in await branches.comments(number)] == [f"{MARK}\ntwo"]


async def test_there_is_one_comment_whatever_the_head_is(branches):
    number, _ = await branches.open()
    await branches.port.pulls("main", [])
    first = await branches.port.put_comment(Comment(number, f"{MARK}\none\n"))
    await branches.push(number)
    await branches.port.pulls("main", [number])
    await branches.port.put_comment(Comment(number, f"{MARK}\ntwo\n", first))
    assert [text.strip() for text in await branches.comments(number)] == [f"{MARK}\ntwo"]


async def test_one_that_was_deleted_is_posted_anew(branches):
    number, _ = await branches.open()
    await branches.port.pulls("main", [])
    ident = await branches.port.put_comment(Comment(number, f"{MARK}\none\n"))
    await branches.uncomment(number)
    await branches.port.put_comment(Comment(number, f"{MARK}\ntwo\n", ident))
    assert [text.strip() for text in await branches.comments(number)] == [f"{MARK}\ntwo"]


async def test_our_comment_is_found_by_its_mark(branches):
    number, _ = await branches.open()
    await branches.port.pulls("main", [])
    assert await branches.port.find_comment(number, MARK) == ""
    ident = await branches.port.put_comment(Comment(number, f"{MARK}\none\n"))
    assert await branches.port.find_comment(number, MARK) == ident
    assert await branches.port.find_comment(number, "<!-- plumbline preview of other -->") == ""


@pytest.mark.parametrize("text", ["`[]()<b>|", "ä\U0001f600", "a\n\n\n```\nb\n```"])
async def test_a_comment_comes_as_it_was_given(branches, text):
    number, _ = await branches.open()
    await branches.port.pulls("main", [])
    await branches.port.put_comment(Comment(number, f"{MARK}\n{text}\n"))
    assert [found.strip() for found in await branches.comments(number)] == [f"{MARK}\n{text}"]


async def test_the_longest_comment_fits(branches):
    number, _ = await branches.open()
    await branches.port.pulls("main", [])
    limit = branches.port.limit
    body = f"{MARK}\n"
    body += "x" * (limit.most - limit.size(body))
    await branches.port.put_comment(Comment(number, body))
    assert [len(found.strip()) for found in await branches.comments(number)] == [len(body)]


async def test_branches_of_no_pattern_and_those_that_add_nothing_are_no_pull_requests(branches):
    branches.remote.commit({"z": b"z"}, branch="other")
    branches.remote.point(branches.first, ref="refs/heads/feature/same")
    number, head = await branches.open()
    assert [(pull.number, pull.head) for pull in await branches.port.pulls("main", [])] == [(number, head)]


async def test_a_note_of_somebody_else_on_a_head_of_before_stays(branches):
    number, head = await branches.open()
    await branches.port.pulls("main", [])
    await branches.port.put_comment(Comment(number, f"{MARK}\none\n"))
    branches.remote.git("notes", f"--ref=refs/notes/{NOTES}/test", "add", "-f", "-m", "mine", head)
    await branches.push(number)
    await branches.port.pulls("main", [number])
    await branches.port.put_comment(Comment(number, f"{MARK}\ntwo\n", head))
    assert sorted(text.split("\n")[-1] for text in await branches.comments(number)) == ["mine", "two"]
