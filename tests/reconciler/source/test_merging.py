"""Merging pull requests in memory: real git, a bare repository, heads of its own and of strangers."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from planner.model.pulls import Pull
from reconciler.errors import Refused, Transient
from reconciler.source.follow import Deadlines
from reconciler.source.heads import HeadLimits, Heads
from reconciler.source.memory_remote import File, Link, Module
from reconciler.source.merging import Conflicted, Contained, Merged, Merging, Unrelated
from reconciler.source.model import Limits
from reconciler.source.remote import Origin, parse
from reconciler.source.repository import GitSource

pytestmark = [pytest.mark.process, pytest.mark.anyio]

QUICK = Deadlines(ask=20, fetch=60, read=20, tidy=60)
START = {"a.yaml": b"1\n2\n3\n4\n5\n6\n7\n8\n9\n", "b.yaml": b"b\n"}
FEW = HeadLimits(bytes=100_000)


class World:
    """A repository, what follows it, and pull requests of branches `pull/N`, which are forks' unless said otherwise."""

    def __init__(self, folder: Path, remote) -> None:
        self.remote = remote
        self.folder = folder / "sta:te"  # a colon separates alternates, where nobody quotes
        self.source = GitSource(Origin(parse(str(remote.path)), "main"), self.folder, "test", Limits(), QUICK)
        self.heads = Heads(self.source)
        self.merging = Merging(self.source, self.heads)

    def limited(self, limits: HeadLimits) -> Merging:
        self.heads = Heads(self.source, limits)
        return Merging(self.source, self.heads)

    def pull(self, head: str, number: str = "7", *, fork: bool = True) -> Pull:
        ref = f"refs/pull/{number}/head" if fork else f"refs/heads/{number}"
        self.remote.point(head, ref=ref)
        return Pull(number, head, ref, "main", fork=fork)

    def branch(self, at: str, name: str = "topic") -> str:
        self.remote.point(at, ref=f"refs/heads/{name}")
        return name

    async def merge(self, pull: Pull, base: str):
        async with self.merging.merge(pull, base) as found:
            if not isinstance(found, Merged):
                return found
            tree = await found.tree("")
            ids = [entry.id for entry in tree.entries.values() if entry.kind == "blob"]
            texts = await found.blobs(ids)
            return {path: texts[entry.id] for path, entry in tree.entries.items() if entry.kind == "blob"}, found

    def objects(self) -> set[str]:
        """All objects of the mirror."""
        said = self.remote.run(
            f"--git-dir={self.folder / 'mirror.git'}",
            "cat-file",
            "--batch-all-objects",
            "--batch-check=%(objectname)",
        )
        return set(said.split())


@pytest.fixture
async def world(tmp_path, remote):
    made = World(tmp_path, remote)
    yield made
    await made.source.close()


@pytest.mark.parametrize("fork", [True, False])
async def test_both_sides_are_in_the_merged_tree_and_the_mirror_keeps_nothing_of_it(world, fork):
    first = world.remote.commit(START)
    topic = world.branch(first)
    head = world.remote.commit({**START, "a.yaml": START["a.yaml"].replace(b"9", b"nine")}, branch=topic)
    base = world.remote.commit({**START, "a.yaml": START["a.yaml"].replace(b"1", b"one"), "c.yaml": b"c"})
    await world.source.fetch()
    before = world.objects()
    files, found = await world.merge(world.pull(head, fork=fork), base)
    assert files == {"a.yaml": b"one\n2\n3\n4\n5\n6\n7\n8\nnine\n", "b.yaml": b"b\n", "c.yaml": b"c"}
    assert found.changed == ("a.yaml",)
    assert found.tree_id not in world.objects()
    # A branch of the repository itself moves into the mirror, as notes may stand on it; a stranger's does not.
    assert (head in world.objects()) is not fork
    assert not fork or world.objects() == before


async def test_the_same_change_of_another_base_has_the_same_digest(world):
    first = world.remote.commit(START)
    head = world.remote.commit({**START, "b.yaml": b"bee\n"}, branch=world.branch(first))
    await world.source.fetch()
    _, one = await world.merge(world.pull(head), first)
    second = world.remote.commit({**START, "c.yaml": b"new\n"})
    await world.source.fetch()
    _, two = await world.merge(world.pull(head), second)
    assert one.tree_id != two.tree_id
    assert one.delta == two.delta


@pytest.mark.parametrize("ours", [b"theirs\n", None])
async def test_a_conflict_names_its_files(world, ours):
    first = world.remote.commit(START)
    head = world.remote.commit({**START, "b.yaml": b"ours\n"}, branch=world.branch(first))
    changed = {"a.yaml": START["a.yaml"], **({"b.yaml": ours} if ours else {})}
    base = world.remote.commit(changed)
    await world.source.fetch()
    assert await world.merge(world.pull(head), base) == Conflicted(("b.yaml",))


async def test_names_in_a_conflict_come_as_they_are(world):
    odd = 'sp ace\n"q\té'
    first = world.remote.commit({odd: b"1\n"})
    head = world.remote.commit({odd: b"2\n"}, branch=world.branch(first))
    base = world.remote.commit({odd: b"3\n"})
    await world.source.fetch()
    assert await world.merge(world.pull(head), base) == Conflicted((odd,))


async def test_a_head_without_common_history_is_said(world):
    base = world.remote.commit(START)
    head = world.remote.commit({"z": b"z"}, branch="other", orphan=True)
    await world.source.fetch()
    assert await world.merge(world.pull(head), base) == Unrelated()


async def test_a_head_that_is_in_the_base_is_said(world):
    first = world.remote.commit(START)
    base = world.remote.commit({**START, "b.yaml": b"2"})
    await world.source.fetch()
    assert await world.merge(world.pull(first), base) == Contained()
    assert await world.merge(world.pull(base), base) == Contained()


async def test_a_head_that_only_adds_is_its_own_tree(world):
    base = world.remote.commit(START)
    head = world.remote.commit({**START, "b.yaml": b"2"}, branch=world.branch(base))
    await world.source.fetch()
    async with world.merging.merge(world.pull(head), base) as found:
        commit = await found.commit()
    assert (commit.id, commit.tree) == (head, world.remote.git("rev-parse", f"{head}^{{tree}}"))


async def test_a_criss_cross_merges_by_all_of_its_bases(world):
    git = world.remote.git
    first = world.remote.commit(START)
    one = world.remote.commit({**START, "a.yaml": START["a.yaml"].replace(b"1", b"one")})
    two = world.remote.commit({**START, "a.yaml": START["a.yaml"].replace(b"9", b"nine")}, branch=world.branch(first))
    both = {**START, "a.yaml": START["a.yaml"].replace(b"9", b"nine").replace(b"1", b"one")}
    tree = git("rev-parse", f"{world.remote.commit(both, branch='scratch')}^{{tree}}")
    left = git("commit-tree", tree, "-p", one, "-p", two, "-m", "left")
    right = git("commit-tree", tree, "-p", two, "-p", one, "-m", "right")
    assert len(git("merge-base", "--all", left, right).split()) == 2
    world.remote.point(left)
    world.remote.point(right, ref="refs/heads/topic")
    head = world.remote.commit({**both, "b.yaml": b"2"}, branch="topic")
    await world.source.fetch()
    files, _ = await world.merge(world.pull(head), left)
    assert files == {**both, "b.yaml": b"2"}


async def test_symlinks_and_submodules_are_entries_and_nothing_more(world, tmp_path):
    secret = tmp_path / "secret.yaml"
    secret.write_text("canary")
    base = world.remote.commit(START)
    odd = {"link.yaml": Link(str(secret)), "vendor": Module("1" * 40), "run": File(b"#!/bin/sh\n", executable=True)}
    head = world.remote.commit({**START, **odd}, branch=world.branch(base))
    await world.source.fetch()
    async with world.merging.merge(world.pull(head), base) as found:
        tree = await found.tree("")
        assert {path: tree.entries[path].kind for path in odd} == {
            "link.yaml": "symlink",
            "vendor": "submodule",
            "run": "blob",
        }
        assert await found.blobs([tree.entries["link.yaml"].id]) == {tree.entries["link.yaml"].id: str(secret).encode()}


async def test_a_head_that_was_pushed_over_is_the_new_one_then(world):
    base = world.remote.commit(START)
    topic = world.branch(base)
    old = world.remote.commit({**START, "b.yaml": b"old"}, branch=topic)
    world.remote.point(base, ref=f"refs/heads/{topic}")
    new = world.remote.commit({**START, "b.yaml": b"new"}, branch=topic)
    await world.source.fetch()
    world.pull(new)
    stale = Pull("7", old, "refs/pull/7/head", "main", fork=True)
    with pytest.raises(Transient, match=f"pull request 7 has moved on from {old[:10]}"):
        await world.merge(stale, base)
    files, _ = await world.merge(world.pull(new), base)
    assert files["b.yaml"] == b"new"


@pytest.mark.parametrize("moved", [0, 1, 2], ids=["nothing", "its pack", "all"])
async def test_a_life_that_ends_while_a_head_is_moved_is_gone_on_with(world, monkeypatch, moved):
    """Else git could not hold in the mirror what is beside it, and the head would never be planned."""
    base = world.remote.commit(START)
    await world.source.fetch()
    head = world.remote.commit({**START, "c.yaml": b"c\n"}, branch=world.branch(base))
    pull = world.pull(head, "feature", fork=False)

    def dies(shelf, _):
        packs = shelf.now.mirror.path / "objects" / "pack"
        packs.mkdir(exist_ok=True)
        found = sorted((shelf.head / "pack").glob("pack-*"), key=lambda path: path.suffix == ".idx")
        for path in found[: moved if moved < 2 else None]:
            path.rename(packs / path.name)
        raise Transient("killed")

    with monkeypatch.context() as patched:
        patched.setattr("reconciler.source.heads._migrate", dies)
        with pytest.raises(Transient, match="killed"):
            await world.merge(pull, base)
    files, _ = await world.merge(pull, base)
    assert files["c.yaml"] == b"c\n"
    assert head in world.objects()


async def test_a_head_whose_ref_is_gone_is_tried_again(world):
    base = world.remote.commit(START)
    await world.source.fetch()
    with pytest.raises(Transient):
        await world.merge(Pull("7", "2" * 40, "refs/pull/7/head", "main", fork=True), base)


@pytest.mark.parametrize("ref", ["refs/notes/x", "HEAD", "refs/pull/../head", "refs/heads/a..b", "--upload-pack=x"])
async def test_no_other_ref_is_ever_fetched(world, ref):
    base = world.remote.commit(START)
    await world.source.fetch()
    with pytest.raises((Refused, ValueError)):
        await world.merge(Pull("7", base, ref, "main", fork=True), base)


async def test_a_head_that_is_too_large_is_refused_and_leaves_nothing(world):
    base = world.remote.commit(START)
    head = world.remote.commit({**START, "large": os.urandom(3_000_000)}, branch=world.branch(base))
    await world.source.fetch()
    world.merging = world.limited(FEW)
    with pytest.raises(Refused, match="the head is too large"):
        await world.merge(world.pull(head), base)
    assert head not in world.objects()
    assert sum(path.stat().st_size for path in (world.folder / "pulls").rglob("*") if path.is_file()) == 0


async def test_a_head_that_comes_too_slowly_is_refused(world):
    base = world.remote.commit(START)
    head = world.remote.commit({**START, "b.yaml": b"2"}, branch=world.branch(base))
    await world.source.fetch()
    pull = world.pull(head)
    world.merging = world.limited(HeadLimits(seconds=0))
    with pytest.raises(Refused, match="the head comes too slowly"):
        await world.merge(pull, base)


async def test_what_unpacks_to_much_passes_in_pieces_and_is_no_spec(world):
    base = world.remote.commit(START)
    head = world.remote.commit({**START, "bomb.yaml": bytes(40 << 20)}, branch=world.branch(base))
    await world.source.fetch()
    async with world.merging.merge(world.pull(head), base) as found:
        tree = await found.tree("")
        with pytest.raises(Refused, match=r"bomb.yaml has 41,943,040 bytes"):
            await found.blobs([tree.entries["bomb.yaml"].id])


async def test_what_is_not_asked_for_any_more_goes(world):
    base = world.remote.commit(START)
    head = world.remote.commit({**START, "b.yaml": b"2"}, branch=world.branch(base))
    await world.source.fetch()
    for number, fork in (("1", True), ("2", True), ("three", False)):
        await world.merge(world.pull(head, number, fork=fork), base)
    await world.heads.keep(["2"])
    mirror = world.folder / "mirror.git"
    assert len(list((world.folder / "pulls").iterdir())) == 1
    assert world.remote.run(f"--git-dir={mirror}", "for-each-ref", "refs/plumbline/test/pulls") == ""
    await world.heads.keep([])
    assert list((world.folder / "pulls").iterdir()) == []


async def test_attributes_name_no_program(world, tmp_path):
    """A merge driver exists only where configuration says what it runs."""
    trap = tmp_path / "ran"
    files = {".gitattributes": b"* merge=evil filter=evil\n", "b.yaml": b"1\n"}
    first = world.remote.commit(files)
    head = world.remote.commit(
        {**files, "b.yaml": b"2\n", ".gitconfig": f'[merge "evil"]\n\tdriver = touch {trap}\n'.encode()},
        branch=world.branch(first),
    )
    base = world.remote.commit({**files, "b.yaml": b"3\n"})
    await world.source.fetch()
    assert await world.merge(world.pull(head), base) == Conflicted(("b.yaml",))
    assert not trap.exists()
