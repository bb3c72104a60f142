"""Repositories that want to lead elsewhere, run something, or hide what they are.

Whatever they hold, it is taken as bytes or refused: nothing but git runs, nothing is connected to or written outside
the state folder and the export, no file of this machine gets into what is read, and once the branch is good again it
is followed again.
"""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from reconciler.errors import Refused, Transient
from reconciler.source.memory_remote import Content, File, Link, Module
from reconciler.source.model import Exported, Limits
from tests.reconciler.source.remotes import GitRemote
from tests.traps import trapped

pytestmark = [pytest.mark.process, pytest.mark.anyio]

SECRET = "canary-of-a-file-outside"
MODULE = "1" * 40
SPEC = b"kind: operation\n"
LIMITS = Limits(entries=500, depth=32, blob=1 << 20, export=4 << 20)
MARK = "touched"


def modules(name: str = "x", path: str = "v", url: str = "../x", more: str = "") -> dict[str, Content]:
    """A submodule with its file."""
    said = f'[submodule "{name}"]\n\tpath = {path}\n\turl = {url}\n{more}'
    return {".gitmodules": said.encode(), "v": Module(MODULE), "a.yaml": SPEC}


def link(target: str, path: str = "code/link.yaml") -> dict[str, Content]:
    """A symlink beside a file."""
    return {path: Link(target), "code/a.yaml": SPEC}


LINKS: dict[str, tuple[dict[str, Content], set[str]]] = {
    "absolute": (link("/etc/passwd"), {"code/link.yaml"}),
    "to-the-secret": (link("../../secret.yaml"), {"code/link.yaml"}),
    "to-a-folder-above": (link("../..", "code/up"), {"code/up"}),
    "to-the-environment": (link("/proc/self/environ"), {"code/link.yaml"}),
    "to-a-device": (link("/dev/zero"), {"code/link.yaml"}),
    "to-each-other": ({"a": Link("b"), "b": Link("a"), "c": SPEC}, {"a", "b"}),
    "out-through-another": ({"up": Link("."), "b": Link("up/../up/../secret.yaml"), "c": SPEC}, {"b"}),
    "long-chain": ({f"l{n}": Link(f"l{n + 1}") for n in range(60)} | {"l60": SPEC}, {f"l{n}" for n in range(20)}),
    "with-a-nul": (link("a.yaml\0/../../secret.yaml"), {"code/link.yaml"}),
    "without-end": (link("a/" * 3_000), {"code/link.yaml"}),
    "in-capitals-of-a-module": (
        {"A/modules/x": Module(MODULE), "a": Link(".git"), "c": SPEC},
        {"A/modules/x"},
    ),
    "module-alone": ({"v": Module(MODULE), "c": SPEC}, {"v"}),
    "module-of-a-helper": (modules(url=f"ext::sh -c touch% {MARK}"), {"v"}),
    "module-of-a-file": (modules(url="file:///etc"), {"v"}),
    "module-below-a-link": ({"d": Link("/etc"), "e/v": Module(MODULE), "c": SPEC}, {"d", "e/v"}),
}
"""What is left out, and said."""

FILTER = "* filter=evil diff=evil merge=evil ident export-subst\n*.yaml export-ignore working-tree-encoding=UTF-16\n"
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n"
BARE = {
    "bare/HEAD": b"ref: refs/heads/main\n",
    "bare/config": f"[core]\n\tbare = true\n\tfsmonitor = touch {MARK}\n\thooksPath = hooks\n".encode(),
    "bare/objects/keep": b"",
    "bare/refs/keep": b"",
    "bare/hooks/post-checkout": File(f"#!/bin/sh\ntouch {MARK}\n".encode(), executable=True),
}
TAKEN: dict[str, dict[str, Content]] = {
    "filters": {".gitattributes": FILTER.encode(), "a.yaml": b"$Id$ $Format:%H$\n"},
    "attributes-of-a-macro": {".gitattributes": b"[attr]evil filter=evil\n*.yaml evil\n", "a.yaml": SPEC},
    "lfs": {
        ".gitattributes": b"*.yaml filter=lfs\n",
        ".lfsconfig": b"[lfs]\n\turl = http://127.0.0.1:1/\n",
        "a.yaml": LFS,
    },
    "a-repository-inside": {**BARE, "a.yaml": SPEC},
    "configuration": {".gitconfig": f"[alias]\n\tfetch = !touch {MARK}\n".encode(), "config": BARE["bare/config"]},
    "mailmap-and-ignore": {".mailmap": b"x <y> <z>\n", ".gitignore": b"*\n", "a.yaml": SPEC},
    "options-for-names": {"-rf": SPEC, "--upload-pack=touch x.yaml": SPEC, "-": SPEC, "--": SPEC},
    "lines-in-names": {"a\nb.yaml": SPEC, "a\tb": SPEC, "a\rb": SPEC},
    "colours-in-names": {"\x1b[2Ja.yaml": SPEC, "\x9bb.yaml": SPEC},
    "turned-round": {"\u202elmay.a": SPEC, "a\u200b.yaml": SPEC, "a\u2028.yaml": SPEC},
    "no-utf-8": {"\udcff\udcfe.yaml": SPEC, "\udc80": SPEC},
    "backslashes": {"..\\..\\secret.yaml": SPEC, "C:\\a": SPEC, "\\\\host\\share": SPEC},
    "devices-of-windows": {"con": SPEC, "aux.yaml": SPEC, "a.": SPEC, "b ": SPEC, "c::$DATA": SPEC},
    "dots": {"...": SPEC, "a/.../b": SPEC, "~": SPEC, "~root": SPEC, "$HOME": SPEC, "`id`": SPEC},
    "twins-by-case": {"A.yaml": SPEC, "a.yaml": b"kind: component\n"},
    "twins-by-form": {"\u00e9.yaml": SPEC, "e\u0301.yaml": b"kind: component\n"},
    "longest-name": {"x" * 255: SPEC},
    "many-links-that-stay": {f"l{n}": Link("a.yaml") for n in range(200)} | {"a.yaml": SPEC},
    "executable-spec": {"a.yaml": File(b"#!/bin/sh\n", executable=True)},
}
"""What is taken byte for byte, and does nothing."""

Made = Callable[[GitRemote], str]


def raw(*entries: tuple[str, bytes, str]) -> Made:
    """A commit of a tree of these modes, names and ids, whatever git thinks of it; "" is a blob, "/" a folder."""

    def make(remote: GitRemote) -> str:
        blob = remote.git("hash-object", "-w", "--stdin", stdin=SPEC)
        folder = remote.git("mktree", stdin=f"100644 blob {blob}\tx\n".encode())
        known = {"": blob, "/": folder}
        data = b"".join(
            mode.encode() + b" " + name + b"\0" + bytes.fromhex(known.get(i, i)) for mode, name, i in entries
        )
        tree = hashlib.sha1(f"tree {len(data)}\0".encode() + data).hexdigest()
        remote.git("hash-object", "-t", "tree", "--literally", "-w", "--stdin", stdin=data)
        return commit(f"tree {tree}\n".encode())(remote)

    return make


PERSON = b"Ada <ada@localhost> 1767225600 +0000"


def commit(head: bytes = b"", *, author: bytes = PERSON, committer: bytes = PERSON, end: bytes = b"\n\nx\n") -> Made:
    """A commit of these lines; without a tree among them, of one good file."""

    def make(remote: GitRemote) -> str:
        blob = remote.git("hash-object", "-w", "--stdin", stdin=SPEC)
        tree = remote.git("mktree", stdin=f"100644 blob {blob}\ta.yaml\n".encode())
        first = head if head.startswith(b"tree ") else f"tree {tree}\n".encode() + head
        data = first + b"author " + author + b"\ncommitter " + committer + end
        ident = hashlib.sha1(f"commit {len(data)}\0".encode() + data).hexdigest()
        remote.git("hash-object", "-t", "commit", "--literally", "-w", "--stdin", stdin=data)
        return ident

    return make


def files(found: Mapping[str, Content]) -> Made:
    """A commit of files."""
    return lambda remote: remote.commit(found)


def pointing(kind: str) -> Made:
    """The branch at something that is no commit."""

    def make(remote: GitRemote) -> str:
        tip = remote.git("rev-parse", "refs/heads/main")
        match kind:
            case "blob":
                return remote.git("hash-object", "-w", "--stdin", stdin=SPEC)
            case "tree":
                return remote.git("rev-parse", f"{tip}^{{tree}}")
            case "nothing":
                return "2" * 40
        data = f"object {tip}\ntype commit\ntag x\ntagger {PERSON.decode()}\n\nx\n".encode()
        return remote.git("hash-object", "-t", "tag", "-w", "--stdin", stdin=data)

    return make


BLOB = "100644"
REFUSED: dict[str, Made] = {
    "name-git-in-capitals": raw((BLOB, b".GIT", "")),
    "name-git-as-windows-shortens-it": raw((BLOB, b"git~1", "")),
    "name-git-with-a-dot": raw((BLOB, b".git.", "")),
    "name-git-with-a-space": raw((BLOB, b".git ", "")),
    "name-git-with-a-stream": raw((BLOB, b".git::$INDEX_ALLOCATION", "")),
    "name-git-with-what-macs-ignore": raw((BLOB, ".g\u200cit".encode(), "")),
    "name-git-behind-a-backslash": raw((BLOB, b".git\\config", "")),
    "name-twice": raw((BLOB, b"a", ""), (BLOB, b"a", "")),
    "name-of-a-file-and-a-folder": raw((BLOB, b"a", ""), ("40000", b"a", "/")),
    "names-in-no-order": raw((BLOB, b"b", ""), (BLOB, b"a", "")),
    "folder-that-is-a-file": raw(("40000", b"a", "")),
    "file-that-is-a-folder": raw((BLOB, b"a", "/")),
    "file-of-no-id": raw((BLOB, b"a", "0" * 40)),
    "file-that-is-missing": raw((BLOB, b"a", "3" * 40)),
    "mode-of-a-device": raw(("020000", b"a", "")),
    "mode-of-nothing": raw(("0", b"a", "")),
    "mode-of-words": raw(("10x644", b"a", "")),
    "deep-folders": files({"/".join(["d"] * 40): SPEC}),
    "too-many-files": files({f"{n}": SPEC for n in range(600)}),
    "too-much-together": files({f"{n}": bytes(900_000) + bytes([n]) for n in range(6)}),
    "spec-too-large": files({"a.yaml": b"# x\n" * 500_000}),
    "modules-that-are-a-link": files({".gitmodules": Link("/etc/passwd"), "a.yaml": SPEC}),
    "module-named-above": files(modules(name="../../hooks")),
    "module-at-an-option": files(modules(url="-u./x")),
    "module-in-an-option": files(modules(path="-x")),
    "module-with-two-lines": files(modules(url='"https://forge.example/\\nhost=evil"')),
    "module-with-a-command": files(modules(more=f"\tupdate = !touch {MARK}\n")),
    "attributes-without-end": files({".gitattributes": b"*.yaml " + b"a" * 5_000 + b"\n", "a.yaml": SPEC}),
    "branch-at-a-blob": pointing("blob"),
    "branch-at-a-tree": pointing("tree"),
    "branch-at-nothing": pointing("nothing"),
    "commit-without-a-person": commit(author=b"1767225600 +0000"),
    "commit-with-a-nul-in-a-name": commit(author=b"A\0da <a@b> 1 +0000"),
    "commit-of-two-trees": commit(b"tree " + b"4" * 40 + b"\n"),
    "commit-whose-parent-is-missing": commit(b"parent " + b"5" * 40 + b"\n"),
    "commit-of-no-tree": commit(b"tree " + b"x" * 40 + b"\n"),
}
"""What is refused, and leaves in force what was."""

EITHER: dict[str, Made] = {
    "module-of-a-carriage-return": files(modules(path='"v\\r"')),
    "attributes-that-are-a-link": files({".gitattributes": Link("/etc/passwd"), "a.yaml": SPEC}),
    "link-to-nothing": files(link("")),
    "mode-of-a-group": raw(("100664", b"a", "")),
    "mode-with-a-zero": raw(("0100644", b"a", "")),
    "branch-at-a-tag": pointing("tag"),
    "commit-with-an-encoding-of-nobody": commit(end=b"\nencoding evil\n\n\xff\n"),
    "commit-with-an-encoding-that-unpacks": commit(end=b"\nencoding zip\n\nx\n"),
    "commit-after-all-time": commit(committer=b"Ada <a@b> 99999999999999 +0000"),
    "commit-in-a-zone-of-nobody": commit(committer=b"Ada <a@b> 1767225600 +9999"),
    "commit-of-colours": commit(author=b"\x1b[2JAda <\xe2\x80\xae> 1 +0000", end=b"\n\n\x1b]0;x\x07\n"),
    "commit-of-a-long-line": commit(end=b"\n\n" + b"x" * 3_000_000),
    "commit-with-a-signature-of-nobody": commit(end=b"\ngpgsig -----BEGIN PGP SIGNATURE-----\n x\n\nx\n"),
}
"""What gits of different ages judge differently; either way nothing comes of it."""

ALL: dict[str, tuple[Made, str]] = {
    **{f"left-{name}": (files(found), "taken") for name, (found, _) in LINKS.items()},
    **{f"taken-{name}": (files(found), "taken") for name, found in TAKEN.items()},
    **{f"refused-{name}": (made, "refused") for name, made in REFUSED.items()},
    **{f"either-{name}": (made, "") for name, made in EITHER.items()},
}


def point(remote: GitRemote, ident: str) -> None:
    """Have the branch be anything at all: git itself would not."""
    (remote.path / "refs" / "heads" / "main").write_text(f"{ident}\n")


@pytest.mark.parametrize("name", ALL)
async def test_it_is_bytes_or_it_is_refused(remote, follow, tmp_path, name):
    make, wanted = ALL[name]
    good = remote.commit({"good.yaml": SPEC})
    (tmp_path / "secret.yaml").write_text(SECRET)
    source = follow(limits=LIMITS)
    await source.fetch()
    point(remote, make(remote))
    before, out = {path.name for path in tmp_path.iterdir()}, tmp_path / "out"

    outcome, said = "taken", ""
    with trapped(git=True, canary=SECRET):
        try:
            done = await taken(source, out)
        except (Refused, Transient) as error:
            outcome, said = "refused", error.message
    assert wanted in {"", outcome}, said
    if outcome == "refused":
        assert 10 < len(said) < 500
        assert said.isprintable()
        assert (await source.tree(good)).has_files, "what was read stays"
    else:
        assert_is_in(out)
        assert_same(name, done, out)
    assert SECRET not in said
    assert {path.name for path in tmp_path.iterdir()} <= before | {"out"}
    assert not [*tmp_path.rglob(MARK), *Path.cwd().glob(MARK)]

    point(remote, good)
    assert (await source.fetch()).id == good
    assert (await source.tree(good)).entries["good.yaml"].kind == "blob"


async def taken(source, out: Path) -> Exported:
    """Everything that the daemon does with a commit: its tree, its specs, its code."""
    found = await source.fetch()
    tree = await source.tree(found.id)
    specs = [entry.id for entry in tree.entries.values() if entry.kind == "blob" and entry.path.endswith(".yaml")]
    assert SECRET.encode() not in b"".join((await source.blobs(specs)).values())
    return await source.export({"": tree.at("")}, out)


def assert_is_in(out: Path) -> None:
    """Nothing in an export leads out of it, and nothing from outside got in."""
    root = out.resolve()
    for path in out.rglob("*"):
        if path.is_symlink():
            assert path.resolve(strict=False).is_relative_to(root), path
        elif path.is_file():
            assert SECRET.encode() not in path.read_bytes()
            assert not path.stat().st_mode & 0o7022


def assert_same(name: str, done: Exported, out: Path) -> None:
    """What is left out is said, and all else is there byte for byte."""
    kind, _, case = name.partition("-")
    if kind == "left":
        assert LINKS[case][1] <= {left.path for left in done.left_out}
    if kind == "taken":
        assert done.left_out == ()
        for path, content in TAKEN[case].items():
            data = content.data if isinstance(content, File) else content
            if isinstance(data, bytes):
                assert (out / path).read_bytes() == data


async def test_what_only_the_remote_says_changes_nothing(remote, follow, tmp_path):
    """Replaced objects, grafts, alternates and branches like options are the remote's own affair."""
    good = remote.commit({"a.yaml": SPEC})
    other = remote.commit({"a.yaml": b"replaced\n"}, branch="side", orphan=True)
    remote.git("update-ref", f"refs/replace/{good}", other)
    (remote.path / "info").mkdir(exist_ok=True)
    (remote.path / "info" / "grafts").write_text(f"{good} {other}\n")
    for odd in ("-x", "--upload-pack=touch", "HEAD", "refs/heads/main", good):
        (remote.path / "refs" / "heads" / odd).parent.mkdir(parents=True, exist_ok=True)
        (remote.path / "refs" / "heads" / odd).write_text(f"{other}\n")
    source = follow()
    with trapped(git=True):
        found = await source.fetch()
        tree = await source.tree(found.id)
        assert await source.blobs([tree.entries["a.yaml"].id]) == {tree.entries["a.yaml"].id: SPEC}
    assert (found.id, found.parents) == (good, ())


def test_the_traps_see_what_git_would_do_by_itself(tmp_path):
    with trapped(git=True) as seen:
        subprocess.run(["git", "--version"], check=True, capture_output=True)
        assert seen, "git as the daemon never calls it"
        seen.clear()
