from __future__ import annotations

import shutil
from contextlib import asynccontextmanager

import anyio
import anyio.lowlevel
import pytest

from reconciler.source.notes import Notes
from reconciler.source.watch import changes
from tests.reconciler.source.remotes import EPOCH, GitRemote

pytestmark = [pytest.mark.process, pytest.mark.anyio]


class Ear:
    """Counts hints."""

    def __init__(self) -> None:
        self.heard = 0
        self._more = anyio.Event()

    async def listen(self, path):
        async for _ in changes(path):
            self.heard += 1
            self._more.set()
            self._more = anyio.Event()

    async def hears(self, count: int) -> None:
        with anyio.fail_after(60.0):
            while self.heard < count:
                await self._more.wait()

    async def settled(self, path) -> int:
        """The number of hints once a mark made just now was heard, so that all before it were."""
        branch = path / "refs" / "heads" / "mark"
        before = self.heard
        branch.write_text("0" * 40 + "\n")
        await self.hears(before + 1)
        return self.heard


@asynccontextmanager
async def listening(path):
    ear = Ear()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ear.listen, path)
        yield ear
        tasks.cancel_scope.cancel()


async def test_it_says_when_it_begins_and_at_every_push(remote):
    remote.commit({"a": b"1"})
    async with listening(remote.path) as ear:
        await ear.hears(1)
        remote.commit({"a": b"2"})
        await ear.hears(2)
        heard = ear.heard
        remote.git("pack-refs", "--all")
        await ear.hears(heard + 1)
        heard = ear.heard
        remote.git("symbolic-ref", "HEAD", "refs/heads/other")
        await ear.hears(heard + 1)


async def test_branches_in_folders(remote):
    async with listening(remote.path) as ear:
        await ear.hears(1)
        remote.commit({"a": b"1"}, branch="team/models")
        await ear.hears(2)
        await ear.settled(remote.path)
        heard = ear.heard
        remote.commit({"a": b"2"}, branch="team/models")
        await ear.hears(heard + 1)


async def test_our_own_note_wakes_nobody(remote, follow):
    tip = remote.commit({"a": b"1"})
    notes = Notes(follow())
    async with listening(remote.path) as ear:
        await ear.hears(1)
        for number in range(5):
            await notes.write({tip: lambda _, number=number: f"{number}\n"}, EPOCH)
        (remote.path / "FETCH_HEAD").write_text("x")
        (remote.path / "refs" / "heads" / "main.lock").write_text("x")
        remote.git("update-ref", "refs/tags/v1", tip)
        assert await ear.settled(remote.path) == 2


async def test_a_working_clone_and_its_worktree(remote, tmp_path):
    remote.commit({"a": b"1"})
    clone, tree = tmp_path / "clone", tmp_path / "tree"
    remote.run("clone", "--quiet", str(remote.path), str(clone))
    remote.run("-C", str(clone), "worktree", "add", "--quiet", "-b", "side", str(tree))
    async with listening(clone) as at_clone, listening(tree) as at_tree:
        await at_clone.hears(1)
        await at_tree.hears(1)
        remote.run("-C", str(tree), "commit", "--quiet", "--allow-empty", "-m", "x")
        await at_clone.hears(2)
        await at_tree.hears(2)
        heard = at_tree.heard
        remote.run("-C", str(tree), "checkout", "--quiet", "--detach")
        await at_tree.hears(heard + 1)


async def test_a_repository_that_is_removed_and_made_again(remote, tmp_path):
    remote.commit({"a": b"1"})
    async with listening(remote.path) as ear:
        await ear.hears(1)
        shutil.rmtree(remote.path)
        made = GitRemote(remote.path)
        made.commit({"a": b"2"})
        await ear.hears(2)
        assert await ear.settled(remote.path) >= 3


async def test_a_repository_that_comes_later(tmp_path):
    async with listening(tmp_path / "later.git") as ear:
        await anyio.lowlevel.checkpoint()
        GitRemote(tmp_path / "later.git")
        await ear.hears(1)
