"""Remotes of all forms: where they are, how they keep refs, what their names are."""

from __future__ import annotations

import errno
import os

import anyio
import pytest

from reconciler.errors import Transient
from reconciler.source import refs
from reconciler.source.git import Leash
from reconciler.source.notes import Notes
from reconciler.source.watch import changes
from tests.reconciler.source.remotes import EPOCH, GitRemote

pytestmark = [pytest.mark.process, pytest.mark.anyio]


async def test_a_file_url(remote, follow):
    tip = remote.commit({"a": b"1"})
    source = follow(f"file://{remote.path}")
    assert (await source.fetch()).id == tip == await source.head()


async def test_the_branch_of_head(remote, follow):
    remote.commit({"a": b"1"})
    other = remote.commit({"b": b"1"}, branch="other")
    source = follow(branch=None)
    assert (await source.fetch()).id != other
    remote.git("symbolic-ref", "HEAD", "refs/heads/other")
    assert await source.head() == other
    assert (await source.fetch()).id == other


async def test_a_working_clone_its_worktree_and_a_detached_head(remote, follow, tmp_path):
    first = remote.commit({"a": b"1"})
    clone, tree = tmp_path / "clone", tmp_path / "tree"
    remote.run("clone", "--quiet", str(remote.path), str(clone))
    remote.run("-C", str(clone), "worktree", "add", "--quiet", "-b", "side", str(tree))
    assert (await follow(clone, state="1").fetch()).id == first
    assert (await follow(tree, "side", state="2").fetch()).id == first

    remote.run("-C", str(tree), "commit", "--quiet", "--allow-empty", "-m", "on the side")
    second = remote.run("-C", str(tree), "rev-parse", "HEAD")
    remote.run("-C", str(tree), "checkout", "--quiet", "--detach")
    detached = follow(tree, None, state="3")
    assert await detached.head() == second
    assert (await detached.fetch()).id == second
    assert await follow(clone, state="4").head() == first


async def test_refs_that_only_git_reads(remote, follow):
    tip = remote.commit({"a": b"1"})
    (remote.path / "reftable").mkdir()  # as a repository in that form has it; this git ignores it
    source = follow()
    assert await source.head() == tip
    assert (await source.fetch()).id == tip
    remote.point(None)
    assert await source.head() is None


async def test_ids_of_64_digits(tmp_path, follow):
    remote = GitRemote(tmp_path / "wide.git", "--object-format=sha256")
    tip = remote.commit({"a/b": b"1"})
    source = follow(remote.path)
    assert (await source.fetch()).id == tip
    tree = await source.tree(tip)
    assert len(tree.entries["a"].id) == 64
    assert await source.blobs([tree.entries["a/b"].id]) == {tree.entries["a/b"].id: b"1"}


@pytest.mark.parametrize("branch", ["-x", "--upload-pack=touch canary", "f" * 40, "deep/er/branch", "umläut", "a@b"])
async def test_odd_branch_names(remote, follow, branch, tmp_path):
    branch = branch.replace(" ", "_")
    remote.commit({"a": b"1"})
    tip = remote.commit({"b": b"1"}, branch=branch)
    source = follow(branch=branch)
    assert (await source.fetch()).id == tip
    (remote.path / "reftable").mkdir()
    assert await source.head() == tip
    assert not list(tmp_path.rglob("canary*"))


@pytest.mark.parametrize("branch", ["", "a..b", "x y", "refs/../x", "a\nb", ".hidden"])
async def test_branches_that_cannot_be(follow, branch):
    with pytest.raises(ValueError, match="not a valid ref name"):
        follow(branch=branch)


async def test_a_branch_that_becomes_a_folder(remote, follow):
    remote.commit({"a": b"1"}, branch="x")
    source = follow(branch="x")
    await source.fetch()
    remote.point(None, ref="refs/heads/x")
    tip = remote.commit({"a": b"2"}, branch="x/y")
    assert await source.fetch() is None
    await source.close()
    below = follow(branch="x/y")
    assert (await below.fetch()).id == tip


async def test_names_that_are_not_utf8(remote, follow, tmp_path):
    odd = os.fsdecode(b"code/caf\xe9.yaml")
    tip = remote.commit({odd: b"1", "code/caf\\xe9.yaml": b"2", "code/new\nline": b"3"})
    source = follow()
    await source.fetch()
    tree = await source.tree(tip)
    assert sorted(tree.entries) == ["code", "code/caf\\xe9.yaml", "code/caf\\xe9.yaml\\", "code/new\nline"]
    await source.export({"": tree.entries["code"]}, tmp_path / "out")
    assert {os.fsencode(file.name): file.read_bytes() for file in (tmp_path / "out").iterdir()} == {
        b"caf\xe9.yaml": b"1",
        b"caf\\xe9.yaml": b"2",
        b"new\nline": b"3",
    }


async def test_a_repository_of_another_user(remote, follow):
    tip = remote.commit({"a": b"1"})
    if os.geteuid() == 0:
        for name in (remote.path, *remote.path.rglob("*")):
            os.chown(name, 12345, 12345)
    assert (await follow().fetch()).id == tip


async def test_a_shallow_remote_is_said(remote, follow, tmp_path):
    first = remote.commit({"a": b"1"})
    tip = remote.commit({"a": b"2"})
    remote.run("clone", "--quiet", "--bare", "--depth=1", f"file://{remote.path}", str(tmp_path / "shallow"))
    source = follow(tmp_path / "shallow")
    for _ in range(2):
        with pytest.raises(Transient, match="is a shallow clone"):
            await source.fetch()
    await source.close()
    again = follow(tmp_path / "shallow")
    with pytest.raises(Transient, match="is a shallow clone"):
        await again.fetch()
    remote.run("-C", str(tmp_path / "shallow"), "fetch", "--quiet", "--unshallow")
    assert (await again.fetch()).id == tip
    assert await again.is_ancestor(first, tip)


async def test_what_is_no_repository_is_waited_for(remote, follow, tmp_path):
    source = follow(tmp_path / "later")
    for _ in range(2):
        with pytest.raises(Transient, match="there is no git repository at"):
            await source.fetch()
    made = GitRemote(tmp_path / "later")
    assert await source.fetch() is None
    tip = made.commit({"a": b"1"})
    assert (await source.fetch()).id == tip


@pytest.mark.parametrize("number", [errno.EACCES, errno.ENAMETOOLONG, errno.EIO, errno.ESTALE], ids=errno.errorcode.get)
async def test_a_repository_that_cannot_be_read_is_waited_for(remote, follow, monkeypatch, number):
    tip = remote.commit({"a": b"1"})
    source = follow()
    assert (await source.fetch()).id == tip
    truth = refs._is_git_dir

    def unreadable(path):
        if path == remote.path:
            raise OSError(number, os.strerror(number))
        return truth(path)

    monkeypatch.setattr(refs, "_is_git_dir", unreadable)
    sentence = f"cannot read {remote.path}: {os.strerror(number)}"
    for ask in (source.head, lambda: Notes(source).write({tip: lambda _: "x\n"}, EPOCH)):
        with pytest.raises(Transient) as said:
            await ask()
        assert said.value.message == sentence
    heard = changes(remote.path)
    with anyio.move_on_after(0.1) as waited:
        await anext(heard)
    assert waited.cancelled_caught
    assert (await source.tree(tip)).has_files
    monkeypatch.undo()
    assert await source.head() == tip


async def test_a_mirror_that_cannot_be_read_is_waited_for(remote, follow, tmp_path):
    tip = remote.commit({"a": b"1"})
    source = follow()
    await source.fetch()
    mirror, away = tmp_path / "state" / "mirror.git", tmp_path / "away"
    mirror.rename(away)
    mirror.symlink_to("a" * 300)
    with pytest.raises(Transient, match=f"cannot read {mirror}: File name too long"):
        await source.fetch()
    mirror.unlink()
    away.rename(mirror)
    assert (await source.fetch()).id == tip


async def test_a_system_that_starts_no_process_is_waited_for(remote, follow, monkeypatch):
    tip = remote.commit({"a": b"1"})
    source = follow()
    await source.follower()

    def none_left(*_args, **_options):
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr("reconciler.source.git.Git.execute", none_left)
    with pytest.raises(Transient, match="git cannot be started: Resource temporarily unavailable"):
        await source.fetch()
    monkeypatch.undo()
    assert (await source.fetch()).id == tip


async def test_a_poll_of_a_local_repository_starts_no_process(remote, follow, monkeypatch):
    tip = remote.commit({"a": b"1"})
    source = follow()
    await source.fetch()

    def start(*_args, **_options):
        raise AssertionError("a process was started")

    monkeypatch.setattr(Leash, "start", start)
    assert await source.head() == tip
    await source.close()
    monkeypatch.undo()
