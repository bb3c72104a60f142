"""What every source must do. An adapter's test subclasses `SourceContract` and gives it a `world`.

A world is a source and the remote that it follows, with the moves of people who push. Commits are the same in every
world, down to their ids, so that digests of a simulated repository are those of a real one.
"""

from __future__ import annotations

import stat
from collections.abc import Mapping
from datetime import UTC
from pathlib import Path
from typing import Protocol

import pytest

from reconciler.errors import Refused, Transient
from reconciler.source.memory_remote import Content, File, Link, Module
from reconciler.source.model import Entry, LeftOut, Limits
from reconciler.source.port import Source

MODULE = "1234567890" * 4
UNKNOWN = "f" * 40


class World(Protocol):
    """A source and its remote."""

    source: Source

    def commit(self, files: Mapping[str, Content], subject: str = "change", *, orphan: bool = False) -> str: ...

    def force(self, commit: str) -> None: ...

    def delete(self) -> None: ...

    def collect(self) -> None: ...

    def cut(self) -> None: ...

    def mend(self) -> None: ...

    async def forget(self) -> None:
        """Make the source's own copy drop what nothing keeps."""

    def limited(self, limits: Limits) -> Source:
        """Another source of the same remote."""


class SourceContract:
    @pytest.fixture
    def world(self) -> World:
        raise AssertionError("an adapter gives its own world")

    async def test_a_branch_that_does_not_exist_is_none(self, world):
        assert await world.source.head() is None
        assert await world.source.fetch() is None

    async def test_nothing_can_be_read_before_it_was_fetched(self, world):
        commit = world.commit({"a": b"1"})
        with pytest.raises(Transient):
            await world.source.tree(commit)
        assert await world.source.head() == commit
        with pytest.raises(Transient):
            await world.source.commit(commit)

    async def test_fetch_gives_the_newest_commit(self, world):
        first = world.commit({"a": b"1"}, "the first")
        second = world.commit({"a": b"2"}, "the second")

        found = await world.source.fetch()

        assert found is not None
        assert found.id == second == await world.source.head()
        assert found.subject == "the second"
        assert found.author == "Ada <ada@localhost>"
        assert found.parents == (first,)
        assert found.at.tzinfo is UTC
        assert await world.source.commit(second) == found
        assert (await world.source.commit(first)).subject == "the first"
        assert await world.source.fetch() == found

    async def test_ids_are_gits_own(self, world):
        commit = world.commit({"ops/train.yaml": b"kind: operation\n", "run.sh": File(b"true\n", executable=True)})
        await world.source.fetch()
        tree = await world.source.tree(commit)
        # As printed by git hash-object, git mktree and git commit-tree.
        assert (commit, tree.id, tree.entries["ops"].id, tree.entries["ops/train.yaml"].id) == (
            "9b1e38b368541cacedd01ecf3f286ac36f74595c",
            "bbeebfba60d9f17897aff4cf0db589907e6737ee",
            "190d3d2803a08d1316e22bf17029c39ebcf83bed",
            "02e29bc05565a484a02d808eb458875b7593fd45",
        )

    async def test_a_tree_is_whole(self, world):
        commit = world.commit(
            {
                "a.yaml": b"kind: operation\n",
                "code/run.sh": File(b"true\n", executable=True),
                "code/deep/er/x.py": b"",
                "link": Link("a.yaml"),
                "vendor": Module(MODULE),
            }
        )
        found = await world.source.fetch()
        tree = await world.source.tree(commit)

        assert tree.id == found.tree
        assert {path: (entry.kind, entry.size, entry.executable) for path, entry in tree.entries.items()} == {
            "a.yaml": ("blob", 16, False),
            "code": ("tree", 0, False),
            "code/deep": ("tree", 0, False),
            "code/deep/er": ("tree", 0, False),
            "code/deep/er/x.py": ("blob", 0, False),
            "code/run.sh": ("blob", 5, True),
            "link": ("symlink", 6, False),
            "vendor": ("submodule", 0, False),
        }
        assert all(entry.path == path for path, entry in tree.entries.items())
        assert tree.entries["vendor"].id == MODULE
        assert tree.at("") == Entry("", "tree", tree.id)
        assert tree.at("nowhere") is None
        assert tree.has_files

    async def test_a_tree_without_files_says_so(self, world):
        commit = world.commit({"vendor": Module(MODULE)})
        await world.source.fetch()
        assert not (await world.source.tree(commit)).has_files

    async def test_equal_folders_have_equal_ids_and_changed_ones_do_not(self, world):
        first = world.commit({"one/x": b"1", "two/x": b"1", "three/x": b"3"})
        second = world.commit({"one/x": b"1", "two/x": b"2", "three/x": b"3"})
        await world.source.fetch()
        before = (await world.source.tree(first)).entries
        after = (await world.source.tree(second)).entries

        assert before["one"].id == before["two"].id == after["one"].id
        assert after["two"].id != before["two"].id
        assert after["three"] == before["three"]

    async def test_blobs_are_read_by_id(self, world):
        large = bytes(range(256)) * 4096
        commit = world.commit({"a": b"one\n", "b": b"", "c": large, "d": b"one\n"})
        await world.source.fetch()
        entries = (await world.source.tree(commit)).entries

        found = await world.source.blobs([entry.id for entry in entries.values()])

        assert {path: found[entry.id] for path, entry in entries.items()} == {
            "a": b"one\n",
            "b": b"",
            "c": large,
            "d": b"one\n",
        }
        assert await world.source.blobs([]) == {}

    async def test_many_blobs_are_one_call(self, world):
        files = {f"ops/{number}.yaml": f"number: {number}\n".encode() for number in range(700)}
        commit = world.commit(files)
        await world.source.fetch()
        entries = (await world.source.tree(commit)).entries
        found = await world.source.blobs([entries[path].id for path in files])
        assert {path: found[entries[path].id] for path in files} == files

    async def test_a_failure_is_never_a_smaller_answer(self, world):
        commit = world.commit({"a": b"1", "d/e": b"2"})
        await world.source.fetch()
        entries = (await world.source.tree(commit)).entries

        with pytest.raises(Transient):
            await world.source.blobs([entries["a"].id, UNKNOWN])
        with pytest.raises(Transient):
            await world.source.tree(UNKNOWN)
        with pytest.raises(Refused):
            await world.source.blobs([entries["d"].id])
        with pytest.raises(Refused):
            await world.source.tree(entries["d"].id)

    @pytest.mark.parametrize("ident", ["", "HEAD", "--all", "main", "abc", "F" * 40, "0" * 41])
    async def test_only_full_ids_are_ids(self, world, ident):
        with pytest.raises(ValueError, match="not a full object id"):
            await world.source.tree(ident)
        with pytest.raises(ValueError, match="not a full object id"):
            await world.source.blobs([ident])
        with pytest.raises(ValueError, match="not a full object id"):
            await world.source.commit(ident)

    async def test_limits_refuse(self, world):
        commit = world.commit({"a/b/c": b"12345", "d": b"6789"})
        for limits in (Limits(entries=2), Limits(depth=2)):
            source = world.limited(limits)
            await source.fetch()
            with pytest.raises(Refused):
                await source.tree(commit)
            await source.close()
        for limits in (Limits(blob=4), Limits(blobs=8)):
            source = world.limited(limits)
            await source.fetch()
            entries = (await source.tree(commit)).entries
            assert await source.blobs([entries["d"].id]) == {entries["d"].id: b"6789"}
            with pytest.raises(Refused):
                await source.blobs([entries["a/b/c"].id, entries["d"].id])
            await source.close()

    async def test_an_unreachable_remote_takes_nothing_away(self, world):
        first = world.commit({"a": b"1"})
        await world.source.fetch()
        second = world.commit({"a": b"2"})
        world.cut()

        with pytest.raises(Transient) as said:
            await world.source.head()
        assert said.value.message
        with pytest.raises(Transient):
            await world.source.fetch()
        assert (await world.source.tree(first)).has_files

        world.mend()
        found = await world.source.fetch()
        assert found is not None
        assert found.id == second

    async def test_a_force_push_is_followed_and_seen(self, world):
        first = world.commit({"a": b"1"})
        second = world.commit({"a": b"2"})
        await world.source.fetch()
        world.force(first)
        third = world.commit({"a": b"3"})

        found = await world.source.fetch()

        assert found is not None
        assert found.id == third
        assert await world.source.is_ancestor(first, third)
        assert await world.source.is_ancestor(third, third)
        assert not await world.source.is_ancestor(second, third)
        assert not await world.source.is_ancestor(third, first)
        assert not await world.source.is_ancestor(UNKNOWN, third)

    async def test_a_branch_may_go_back_to_an_older_commit(self, world):
        first = world.commit({"a": b"1"})
        world.commit({"a": b"2"})
        await world.source.fetch()
        world.force(first)
        found = await world.source.fetch()
        assert found is not None
        assert found.id == first

    async def test_a_branch_may_be_deleted_and_made_again_as_an_orphan(self, world):
        first = world.commit({"a": b"1"})
        await world.source.fetch()
        world.delete()
        assert await world.source.head() is None
        assert await world.source.fetch() is None
        assert (await world.source.tree(first)).has_files

        second = world.commit({"b": b"2"}, orphan=True)
        found = await world.source.fetch()
        assert found is not None
        assert (found.id, found.parents) == (second, ())
        assert not await world.source.is_ancestor(first, second)

    async def test_what_is_pinned_outlives_a_force_push(self, world):
        first = world.commit({"a": b"1"})
        lost = world.commit({"a": b"2", "code/x": b"x"})
        await world.source.fetch()
        await world.source.pin(lost, "roots/train")
        await world.source.pin(lost, "roots/train")
        world.force(first)
        world.collect()
        await world.source.fetch()
        await world.forget()

        tree = await world.source.tree(lost)
        assert await world.source.blobs([tree.entries["code/x"].id]) == {tree.entries["code/x"].id: b"x"}
        assert await world.source.pins() == {"roots/train": lost}

        await world.source.unpin("roots/train")
        await world.source.unpin("roots/train")
        assert await world.source.pins() == {}
        await world.forget()
        with pytest.raises(Transient):
            await world.source.commit(lost)

    async def test_a_pin_moves(self, world):
        first = world.commit({"a": b"1"})
        second = world.commit({"a": b"2"})
        await world.source.fetch()
        await world.source.pin(first, "train")
        await world.source.pin(second, "train")
        assert await world.source.pins() == {"train": second}
        with pytest.raises(Transient):
            await world.source.pin(UNKNOWN, "train")
        assert await world.source.pins() == {"train": second}

    @pytest.mark.parametrize("name", ["", "a..b", "a b", "x~1", "x:y", "/x", "x/", ".x", "x.lock", "a\nb", "@{0}", "*"])
    async def test_a_bad_pin_name_is_a_bug(self, world, name):
        commit = world.commit({"a": b"1"})
        await world.source.fetch()
        with pytest.raises(ValueError, match="not a valid ref name"):
            await world.source.pin(commit, name)

    async def test_an_export_is_the_tree(self, world, tmp_path):
        commit = world.commit(
            {
                "code/run.sh": File(b"#!/bin/sh\n", executable=True),
                "code/lib/x.py": b"x = 1\n",
                "code/lib/y.py": b"x = 1\n",
                "code/new\nline": b"n",
                "code/umläut": b"u",
                "code/empty": b"",
                "other": b"not exported",
            }
        )
        await world.source.fetch()
        tree = await world.source.tree(commit)
        into = tmp_path / "cache" / "tree"

        done = await world.source.export({"": tree.entries["code"]}, into)

        assert done.left_out == ()
        assert done.files == 6
        assert _contents(into) == {
            "run.sh": (b"#!/bin/sh\n", 0o555),
            "lib/x.py": (b"x = 1\n", 0o444),
            "lib/y.py": (b"x = 1\n", 0o444),
            "new\nline": (b"n", 0o444),
            "umläut": (b"u", 0o444),
            "empty": (b"", 0o444),
        }
        assert [file.name for file in into.parent.iterdir()] == ["tree"]

    async def test_an_export_that_is_there_stays(self, world, tmp_path):
        commit = world.commit({"a": b"1", "out": Link("/etc/passwd")})
        await world.source.fetch()
        tree = await world.source.tree(commit)
        first = await world.source.export({"": tree.at("")}, tmp_path / "tree")
        second = await world.source.export({"": tree.at("")}, tmp_path / "tree")
        assert first == second
        assert first.left_out == (LeftOut("out", "the symlink leaves its tree"),)

    async def test_parts_go_to_their_places(self, world, tmp_path):
        commit = world.commit(
            {"lib/x.py": b"x", "data/d.csv": b"d", "go.sh": File(b"g", executable=True), "l": Link("go.sh")}
        )
        await world.source.fetch()
        entries = (await world.source.tree(commit)).entries
        parts = {"lib": entries["lib"], "in/d.csv": entries["data/d.csv"], "go.sh": entries["go.sh"], "l": entries["l"]}

        done = await world.source.export(parts, tmp_path / "out")

        assert _contents(tmp_path / "out") == {
            "lib/x.py": (b"x", 0o444),
            "in/d.csv": (b"d", 0o444),
            "go.sh": (b"g", 0o555),
        }
        assert done.left_out == (LeftOut("l", "the symlink leaves its tree"),)

    @pytest.mark.parametrize(
        ("path", "target", "kept"),
        [
            pytest.param("link", "inside/file", True, id="a file below"),
            pytest.param("inside/link", "../top", True, id="up and down again"),
            pytest.param("inside/link", "./.././inside//file", True, id="dots and doubled slashes"),
            pytest.param("link", "nowhere/yet", True, id="dangling inside"),
            pytest.param("link", "inside", True, id="a folder"),
            pytest.param("link", "/etc/passwd", False, id="absolute"),
            pytest.param("link", "../outside", False, id="above the root"),
            pytest.param("inside/link", "../../outside", False, id="above the root from below"),
            pytest.param("link", "inside/../../x", False, id="out in the middle"),
            pytest.param("link", "deep/up/../../etc", False, id="out through a symlink that stays inside"),
            pytest.param("link", "link", False, id="to itself"),
            pytest.param("link", "gone", False, id="through one that leaves"),
        ],
    )
    async def test_symlinks_stay_inside_their_tree(self, world, tmp_path, path, target, kept):
        files = {
            "code/top": b"t",
            "code/inside/file": b"f",
            "code/deep/up": Link("../"),
            "code/gone": Link("../outside"),
            "outside": b"o",
            f"code/{path}": Link(target),
        }
        commit = world.commit(files)
        await world.source.fetch()
        tree = await world.source.tree(commit)

        done = await world.source.export({"": tree.entries["code"]}, tmp_path / "out")

        link = tmp_path / "out" / path
        assert link.is_symlink() is kept
        assert (path in {left.path for left in done.left_out}) is not kept
        if kept:
            assert (tmp_path / "out") in link.resolve().parents
        assert "gone" in {left.path for left in done.left_out}

    async def test_submodules_are_left_out_and_said(self, world, tmp_path):
        commit = world.commit({"code/vendor/lib": Module(MODULE), "code/x": b"x"})
        await world.source.fetch()
        tree = await world.source.tree(commit)
        done = await world.source.export({"": tree.entries["code"]}, tmp_path / "out")
        assert done.left_out == (LeftOut("vendor/lib", "submodules are not followed"),)
        assert _contents(tmp_path / "out") == {"x": (b"x", 0o444)}

    @pytest.mark.parametrize("place", ["../up", "/abs", "a/../../b", "nul\0"])
    async def test_an_export_stays_below_its_folder(self, world, tmp_path, place):
        commit = world.commit({"x": b"x"})
        await world.source.fetch()
        tree = await world.source.tree(commit)
        with pytest.raises(Refused):
            await world.source.export({place: tree.entries["x"]}, tmp_path / "in" / "out")
        assert _contents(tmp_path) == {}

    async def test_an_export_too_large_writes_nothing(self, world, tmp_path):
        commit = world.commit({"x": b"12345", "y": b"12345"})
        source = world.limited(Limits(export=9))
        await source.fetch()
        tree = await source.tree(commit)
        with pytest.raises(Refused):
            await source.export({"": tree.at("")}, tmp_path / "out")
        assert list(tmp_path.glob("out*")) + list(tmp_path.glob(".out*")) == []
        await source.close()

    async def test_an_export_that_cannot_be_written_is_tried_again_later(self, world, tmp_path):
        commit = world.commit({"x": b"1"})
        await world.source.fetch()
        tree = await world.source.tree(commit)
        (tmp_path / "file").write_bytes(b"")
        with pytest.raises(Transient):
            await world.source.export({"": tree.at("")}, tmp_path / "file" / "out")

    async def test_a_closed_source_can_be_used_again(self, world):
        commit = world.commit({"a": b"1"})
        await world.source.fetch()
        await world.source.close()
        assert (await world.source.tree(commit)).has_files


def _contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Every regular file that the source wrote, with its mode."""
    files = (file for file in folder.rglob("*") if file.is_file() and not file.is_symlink())
    return {str(file.relative_to(folder)): (file.read_bytes(), stat.S_IMODE(file.stat().st_mode)) for file in files}
