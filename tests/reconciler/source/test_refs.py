from __future__ import annotations

import subprocess

import pytest

from reconciler.source import refs
from tests.reconciler.source.remotes import GitRemote

pytestmark = pytest.mark.process

NAMES = [
    "main",
    "feature/x",
    "-x",
    "--upload-pack=x",
    "a@b",
    "@",
    "a/@/b",
    "umläut",
    "a.b",
    "0" * 40,
    "",
    "a..b",
    "a b",
    "a~b",
    "a^b",
    "a:b",
    "a?b",
    "a*b",
    "a[b",
    "a\\b",
    "a\tb",
    "a\x7fb",
    "/a",
    "a/",
    "a//b",
    ".a",
    "a/.b",
    "a.",
    "a.lock",
    "a.lock/b",
    "a@{b",
    "@{",
]


@pytest.mark.parametrize("name", NAMES)
def test_ref_names_are_judged_as_git_does(name):
    gits = subprocess.run(["git", "check-ref-format", f"refs/heads/{name}"], check=False).returncode == 0
    try:
        refs.check_ref(f"refs/heads/{name}")
        ours = True
    except ValueError:
        ours = False
    assert ours is gits or name == "@"  # git forbids a lone @ only where it is the whole name


def test_a_loose_ref_counts_before_a_packed_one(tmp_path):
    remote = GitRemote(tmp_path / "r.git")
    first = remote.commit({"a": b"1"})
    reader = refs.Reader(refs.locate(remote.path))
    assert reader.read("refs/heads/main") == first
    remote.git("pack-refs", "--all")
    assert not (remote.path / "refs" / "heads" / "main").exists()
    assert reader.read("refs/heads/main") == first
    assert reader.read("HEAD") == first
    assert reader.read("refs/heads/mai") is None
    second = remote.commit({"a": b"2"})
    assert reader.read("refs/heads/main") == second
    remote.git("pack-refs", "--all")
    assert reader.read("refs/heads/main") == second
    remote.point(None)
    assert reader.read("refs/heads/main") is None
    assert reader.read("HEAD") is None


def test_symbolic_branches_are_followed_and_loops_are_not(tmp_path):
    remote = GitRemote(tmp_path / "r.git")
    first = remote.commit({"a": b"1"})
    remote.git("symbolic-ref", "refs/heads/alias", "refs/heads/main")
    reader = refs.Reader(refs.locate(remote.path))
    assert reader.read("refs/heads/alias") == first
    (remote.path / "refs" / "heads" / "loop").write_text("ref: refs/heads/loop\n")
    with pytest.raises(refs.UnreadableError):
        reader.read("refs/heads/loop")
    for text in ("", "ref: ", "ref: refs/heads/\0", "ref: refs/../../main", "ref: main"):
        (remote.path / "refs" / "heads" / "half").write_text(text)
        with pytest.raises(refs.UnreadableError):
            reader.read("refs/heads/half")


def test_a_branch_and_a_folder_of_branches_are_told_apart(tmp_path):
    remote = GitRemote(tmp_path / "r.git")
    tip = remote.commit({"a": b"1"}, branch="a/b")
    reader = refs.Reader(refs.locate(remote.path))
    assert reader.read("refs/heads/a") is None
    assert reader.read("refs/heads/a/b") == tip
    assert reader.read("refs/heads/a/b/c") is None


def test_a_repository_that_cannot_be_read_is_not_one_that_is_not_there(tmp_path):
    (tmp_path / "link").symlink_to("a" * 300)
    for path in (tmp_path / ("a" * 300), tmp_path / "link"):
        with pytest.raises(OSError, match="File name too long"):
            refs.locate(path)


@pytest.mark.parametrize(
    "content", [None, "", "gitdir: /nowhere", "gitdir:", "nonsense", "gitdir: a\0b", "gitdir: .git"]
)
def test_what_is_not_a_repository(tmp_path, content):
    if content is not None:
        (tmp_path / ".git").write_text(content)
    assert refs.locate(tmp_path) is None
    assert refs.locate(tmp_path / "missing") is None
