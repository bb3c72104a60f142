"""Mirrors that a crash or a disk damaged, and remotes that hold what nobody should take."""

from __future__ import annotations

import hashlib
import subprocess
import zlib
from pathlib import Path

import pytest

from reconciler.errors import Refused, Transient
from reconciler.source.model import Limits

pytestmark = [pytest.mark.process, pytest.mark.anyio]


@pytest.fixture
def mirror(tmp_path):
    return tmp_path / "state" / "mirror.git"


def _loose(git_dir: Path, ident: str) -> Path:
    return git_dir / "objects" / ident[:2] / ident[2:]


def _overwrite(file: Path, data: bytes) -> None:
    file.chmod(0o644)
    file.write_bytes(data)


def _unpack(git_dir: Path) -> None:
    """Give every object a file of its own."""
    for pack in (git_dir / "objects" / "pack").glob("*.pack"):
        away = pack.rename(git_dir / pack.name)
        pack.with_suffix(".idx").unlink()
        with away.open("rb") as stream:
            subprocess.run(["git", f"--git-dir={git_dir}", "unpack-objects", "-q"], stdin=stream, check=True)
        away.unlink()


async def _fetch_and_read(source):
    found = await source.fetch()
    return await _read_all(source, found.id)


async def _read_all(source, commit):
    tree = await source.tree(commit)
    blobs = [entry.id for entry in tree.entries.values() if entry.kind == "blob"]
    return tree, await source.blobs(blobs)


@pytest.mark.parametrize("what", ["gone", "garbage", "truncated", "another object"])
@pytest.mark.parametrize("which", ["blob", "tree", "commit"])
async def test_a_damaged_object_is_an_error_and_then_the_mirror_is_new(remote, follow, mirror, what, which):
    tip = remote.commit({"ops/a": b"1" * 100, "b": b"2"})
    first = follow()
    await first.fetch()
    whole = await _read_all(first, tip)
    await first.close()
    _unpack(mirror)
    ident = {"blob": whole[0].entries["ops/a"].id, "tree": whole[0].entries["ops"].id, "commit": tip}[which]
    file = _loose(mirror, ident)
    match what:
        case "gone":
            file.unlink()
        case "garbage":
            _overwrite(file, b"garbage")
        case "truncated":
            _overwrite(file, file.read_bytes()[:-8])
        case _:
            _overwrite(file, zlib.compress(b"blob 3\0xyz"))

    source = follow()
    with pytest.raises(Transient, match=r"is damaged and is made anew|cannot be read"):
        await _fetch_and_read(source)
    assert (await source.fetch()).id == tip
    assert await _read_all(source, tip) == whole
    assert mirror.with_name("mirror.git.damaged").is_dir()


async def test_a_damaged_pack(remote, follow, mirror):
    tip = remote.commit({f"ops/{n}": b"x" * n for n in range(150)})
    first = follow()
    await first.fetch()
    whole = await _read_all(first, tip)
    await first.close()
    pack = next((mirror / "objects" / "pack").glob("*.pack"))
    data = bytearray(pack.read_bytes())
    data[len(data) // 2] ^= 0xFF
    data[len(data) // 3] ^= 0xFF
    _overwrite(pack, bytes(data))
    index = next((mirror / "objects" / "pack").glob("*.idx"))
    _overwrite(index, index.read_bytes()[:-30])

    source = follow()
    with pytest.raises(Transient):
        await _fetch_and_read(source)
    await source.fetch()
    assert await _read_all(source, tip) == whole


async def test_a_push_heals_a_damaged_mirror_too(remote, follow, mirror):
    first = remote.commit({"a": b"1"})
    source = follow()
    await source.fetch()
    await source.close()
    for file in (mirror / "objects").rglob("*"):
        if file.is_file():
            _overwrite(file, b"garbage")
    tip = remote.commit({"a": b"2"})
    assert (await source.fetch()).id == tip
    assert (await source.tree(first)).has_files


@pytest.mark.parametrize("state", ["state", "classlist"])
@pytest.mark.parametrize("name", ["HEAD", "config", "refs/plumbline/test/head", "packed-refs"])
@pytest.mark.parametrize("content", [b"", b"garbage\n"], ids=["empty", "garbage"])
async def test_a_push_heals_a_mirror_that_git_takes_for_no_repository(remote, follow, tmp_path, state, name, content):  # noqa: PLR0917  a table
    """Git has the same words for a remote and for our own copy; and a folder may be named like one of them."""
    remote.commit({"a": b"1"})
    first = follow(state=state)
    await first.fetch()
    await first.close()
    (tmp_path / state / "mirror.git" / name).write_bytes(content)
    tip = remote.commit({"a": b"2"})
    source = follow(state=state)
    assert (await source.fetch()).id == tip
    assert (await source.tree(tip)).has_files


async def test_a_remote_that_is_to_blame_costs_no_mirror(remote, follow, mirror, monkeypatch):
    remote.commit({"a": b"1"})
    source = follow()
    await source.fetch()
    made = mirror.stat().st_ino
    tip = remote.commit({"a": b"2"})
    now = await source.follower()
    monkeypatch.setattr(type(now), "_ref", "refs/heads/away")
    now.seen = tip
    with pytest.raises(Transient, match="went away"):
        await source.fetch()
    assert mirror.stat().st_ino == made
    monkeypatch.undo()
    assert (await source.fetch()).id == tip


async def test_pins_are_brought_over(remote, follow, mirror):
    first = remote.commit({"a": b"1"})
    lost = remote.commit({"a": b"lost"})
    source = follow()
    await source.fetch()
    await source.pin(lost, "roots/a")
    await source.pin(first, "roots/b")
    remote.point(first)
    tip = remote.commit({"a": b"3"})
    remote.collect()
    await source.fetch()
    tree = await source.tree(tip)
    await source.close()
    _unpack(mirror)
    _loose(mirror, tree.entries["a"].id).unlink()

    with pytest.raises(Transient):
        await source.blobs([tree.entries["a"].id])
    await source.fetch()
    assert await source.blobs([tree.entries["a"].id])
    assert await source.pins() == {"roots/a": lost, "roots/b": first}
    assert (await source.tree(lost)).has_files


async def test_an_id_that_nobody_has_does_not_remake_the_mirror_for_ever(remote, follow, mirror):
    remote.commit({"a": b"1"})
    source = follow()
    await source.fetch()
    with pytest.raises(Transient):
        await source.blobs(["f" * 40])
    await source.fetch()
    made = mirror.stat().st_ino
    with pytest.raises(Refused):
        await source.blobs(["f" * 40])
    await source.fetch()
    assert mirror.stat().st_ino == made


@pytest.mark.parametrize("away", ["mirror.git", "mirror.git/HEAD", "mirror.git/objects", "mirror.git/refs"])
async def test_a_mirror_that_went_away_is_made_again(remote, follow, mirror, away):
    tip = remote.commit({"a": b"1"})
    source = follow()
    await source.fetch()
    target = mirror.parent / away
    target.rename(mirror.parent / "elsewhere")
    assert (await source.fetch()).id == tip
    assert (await source.tree(tip)).has_files


@pytest.mark.parametrize("when", ["before the start", "while running"])
async def test_stale_locks(remote, follow, mirror, when):
    remote.commit({"a": b"1"})
    source = follow()
    await source.fetch()
    head = mirror / "refs" / "plumbline" / "test" / "head.lock"
    for lock in (head, mirror / "packed-refs.lock", mirror / "shallow.lock", mirror / "config.lock"):
        lock.write_bytes(b"")
    if when == "before the start":
        await source.close()
        source = follow()
    tip = remote.commit({"a": b"2"})
    assert (await source.fetch()).id == tip


@pytest.mark.parametrize("name", [b"..", b".", b".git", b".GIT", b"a/b", b""], ids=repr)
async def test_hostile_names_are_never_taken(remote, follow, name):
    good = remote.commit({"a": b"1"})
    source = follow()
    await source.fetch()
    blob = remote.git("hash-object", "-w", "--stdin", stdin=b"x")
    evil = b"100644 " + name + b"\0" + bytes.fromhex(blob)
    tree = hashlib.sha1(f"tree {len(evil)}\0".encode() + evil).hexdigest()
    remote.git("hash-object", "-t", "tree", "--literally", "-w", "--stdin", stdin=evil)
    commit = remote.git("commit-tree", "-p", good, "-m", "evil", tree)
    remote.point(commit)

    with pytest.raises((Transient, Refused)):
        await source.tree((await source.fetch()).id)
    assert (await source.tree(good)).has_files
    remote.point(good)
    assert (await source.fetch()).id == good


async def test_a_bomb_of_trees_is_refused(remote, follow):
    ident = remote.git("hash-object", "-w", "--stdin", stdin=b"x")
    line = f"100644 blob {ident}"
    for _ in range(9):
        listing = "".join(f"{line}\tf{n}\n" for n in range(10))
        line = f"040000 tree {remote.git('mktree', stdin=listing.encode())}"
    commit = remote.git("commit-tree", "-m", "bomb", line.split()[-1])
    remote.point(commit)
    source = follow(limits=Limits(entries=20_000))
    await source.fetch()
    with pytest.raises(Refused, match="more than 20000 files"):
        await source.tree(commit)


async def test_a_corrupt_remote_leaves_what_we_have(remote, follow, mirror):
    good = remote.commit({"a": b"1"})
    source = follow()
    await source.fetch()
    bad = remote.commit({"a": b"2"})
    blob = remote.git("rev-parse", f"{bad}:a")
    packs = list((remote.path / "objects" / "pack").glob("*.pack"))
    assert not packs
    _overwrite(_loose(remote.path, blob), b"garbage")
    for _ in range(2):
        with pytest.raises(Transient):
            await source.fetch()
        assert (await source.tree(good)).has_files
    assert mirror.is_dir()


async def test_tidying_keeps_everything(remote, follow, mirror):
    tips = [remote.commit({"a": str(n).encode()}) for n in range(3)]
    source = follow()
    await source.fetch()
    await source.pin(tips[0], "x")
    await source.tidy()
    assert (await source.tree(tips[0])).has_files
    assert (await source.fetch()).id == tips[-1]


async def test_many_pushes_do_not_make_many_packs(remote, follow, mirror, monkeypatch):
    monkeypatch.setattr("reconciler.source.follow._MOST_PACKS", 42)
    source = follow()
    first = remote.commit({"a": b"first"})
    await source.fetch()
    await source.pin(first, "x")
    for number in range(45):
        tip = remote.commit({"a": str(number).encode()})
        assert (await source.fetch()).id == tip
    assert len(list((mirror / "objects" / "pack").glob("*.pack"))) < 10
    assert (await source.tree(first)).has_files
