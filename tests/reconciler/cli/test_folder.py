"""A folder as git would commit it: the same ids, whatever is in it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.backends.machine.removal import remove_tree
from reconciler.cli import folder
from reconciler.cli.failure import Failure
from reconciler.cli.repository import around
from tests.reconciler.cli.support import commit, git, repository, write

pytestmark = pytest.mark.process


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A repository with everything that a tree can hold, and what git leaves out."""
    top = tmp_path / "repo"
    top.mkdir()
    git(top, "init", "--quiet")
    write(
        top,
        {
            "a.yaml": b"a: 1\n",
            "a/b/c.txt": b"",
            "a.b/x": b"sorted before a/ by git",
            "large.bin": b"x" * 3_000_000,
            "with space and \xc3\xa9.txt".encode("latin-1").decode("utf-8"): b"name",
            "run.sh": b"#!/bin/sh\n",
            ".gitignore": b"ignored/\n*.tmp\n",
            "ignored/data": b"no",
            "x.tmp": b"no",
        },
    )
    (top / "run.sh").chmod(0o755)
    (top / "link").symlink_to("a/b/c.txt")
    (top / "nowhere").symlink_to("/does/not/exist")
    (top / "empty").mkdir()
    commit(top, {})
    return top


@pytest.mark.parametrize("form", ["sha1", "sha256"])
def test_the_tree_of_a_folder_is_the_one_that_git_makes(tmp_path: Path, form: str) -> None:
    top = tmp_path / "repo"
    top.mkdir()
    git(top, "init", "--quiet", f"--object-format={form}")
    commit(top, {"a.yaml": b"a: 1\n", "a/b/c.txt": b"", "a.b/x": b"1", "a-b": b"2"})
    with around(top) as found:
        assert folder.read(top, found).tree.id == git(top, "rev-parse", "HEAD^{tree}")


def test_modes_links_and_names_count_and_ignored_files_do_not(made: Path) -> None:
    with around(made) as found:
        read = folder.read(made, found)
        assert read.tree.id == git(made, "rev-parse", "HEAD^{tree}")
        assert read.tree.entries["run.sh"].executable
        assert read.tree.entries["link"].kind == "symlink"
        assert "ignored/data" not in read.tree.entries
        assert read.blobs([read.tree.entries["a.yaml"].id]) == {read.tree.entries["a.yaml"].id: b"a: 1\n"}


def test_a_change_a_new_file_and_a_removal_show(made: Path) -> None:
    write(made, {"a.yaml": b"a: 2\n", "new.yaml": b"new"})
    (made / "run.sh").unlink()
    with around(made) as found:
        entries = folder.read(made, found).tree.entries
    assert entries["a.yaml"].id == git(made, "hash-object", "a.yaml")
    assert "new.yaml" in entries
    assert "run.sh" not in entries


def test_a_submodule_counts_as_git_records_it(tmp_path: Path) -> None:
    inner, outer = tmp_path / "inner", tmp_path / "outer"
    repository(inner, {"x": b"1"})
    repository(outer, {"y": b"2"})
    git(outer, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner), "vendor/inner")
    commit(outer, {})
    with around(outer) as found:
        read = folder.read(outer, found)
    assert read.tree.entries["vendor/inner"].kind == "submodule"
    assert read.tree.id == git(outer, "rev-parse", "HEAD^{tree}")


def test_a_part_of_a_repository_is_that_part_of_its_tree(made: Path) -> None:
    with around(made / "a") as found:
        assert folder.read(made / "a", found).tree.id == git(made, "rev-parse", "HEAD:a")


def test_without_git_every_file_counts_but_what_nobody_commits(made: Path) -> None:
    expected = git(made, "rev-parse", "HEAD^{tree}")
    shutil.rmtree(made / "ignored")
    (made / "x.tmp").unlink()
    assert folder.read(made).tree.id == expected
    write(made, {"node_modules/x/index.js": b"1", "__pycache__/x.pyc": b"2"})
    assert folder.read(made).tree.id == expected


@pytest.fixture
def deep(tmp_path: Path) -> Iterator[Path]:
    """A folder that goes with whatever is made in it: what removes old test folders cannot go down so far."""
    (tmp_path / "deep").mkdir()
    yield tmp_path / "deep"
    remove_tree(tmp_path / "deep")


def test_folders_deeper_than_the_daemon_takes_are_a_sentence(deep: Path) -> None:
    (deep / "a.yaml").touch()
    inside = os.open(deep, os.O_RDONLY)
    for level in range(1, 1201):
        os.mkdir("d", dir_fd=inside)
        below = os.open("d", os.O_RDONLY, dir_fd=inside)
        os.close(inside)
        inside = below
        if level == 128:
            assert list(folder.read(deep).tree.entries) == ["a.yaml"]
    os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=inside))
    os.close(inside)
    git(deep, "init", "--quiet")
    with around(deep) as found, pytest.raises(Failure, match="has folders deeper than 128, below d/d/d/…"):
        folder.read(deep, found)
    with pytest.raises(Failure, match="has folders deeper than 128, below d/d/d/…"):
        folder.read(deep)


def test_a_file_that_changes_while_it_is_read_is_no_silent_mixture(made: Path) -> None:
    with around(made) as found:
        read = folder.read(made, found)
        write(made, {"a.yaml": b"changed since\n"})
        with pytest.raises(Failure, match="changed while it was read"):
            read.blobs([read.tree.entries["a.yaml"].id])
