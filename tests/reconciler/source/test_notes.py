from __future__ import annotations

import json
import os
import threading

import anyio
import pytest

from reconciler.errors import Transient
from reconciler.source.notes import Notes, Signature
from reconciler.source.refs import locate
from tests.reconciler.source.remotes import EPOCH, GitRemote

pytestmark = [pytest.mark.process, pytest.mark.anyio]

REF = "refs/notes/plumbline/test"


def add(line: str):
    """A merge that adds a line once."""

    def merge(present: str | None) -> str:
        lines = (present or "").splitlines()
        return "\n".join([*lines, *([] if line in lines else [line])]) + "\n"

    return merge


def shown(remote: GitRemote, commit: str) -> str:
    """What a person sees of the notes on a commit."""
    return remote.git("log", "-1", "--notes=plumbline/*", "--format=%N", commit)


async def test_a_note_is_written_and_shown_by_git_log(remote, follow):
    tip = remote.commit({"a": b"1"})
    notes = Notes(follow(), Signature("Plumb Line", "bot@example.org"))
    line = json.dumps({"root": "train", "state": "ümlaut"}, ensure_ascii=False)

    done = await notes.write({tip: add(line)}, EPOCH)

    assert (done.changed, done.absent) == ({tip}, set())
    assert shown(remote, tip) == line
    assert (await notes.read([tip, "f" * 40])).notes == {tip: line + "\n"}
    assert remote.git("log", "-1", "--format=%an <%ae> %at", REF) == "Plumb Line <bot@example.org> 1767225600"
    assert notes.ref == REF


async def test_an_equal_note_writes_nothing(remote, follow):
    tip = remote.commit({"a": b"1"})
    notes = Notes(follow())
    await notes.write({tip: add("x")}, EPOCH)
    before = remote.git("rev-parse", REF)
    assert (await notes.write({tip: add("x")}, EPOCH)).changed == set()
    assert (await notes.write({}, EPOCH)).changed == set()
    assert remote.git("rev-parse", REF) == before


async def test_many_notes_are_one_commit_and_all_are_found_again(remote, follow):
    tips = remote.series(300)
    notes = Notes(follow())
    await notes.write({tip: add(tip) for tip in tips}, EPOCH)
    assert remote.git("rev-list", "--count", REF) == "1"
    assert "/" in remote.git("ls-tree", "-r", "--name-only", REF)  # git has spread them over folders
    await notes.write({tips[7]: add("more")}, EPOCH)
    assert (await notes.read(tips)).notes == {tip: tip + "\n" + ("more\n" if tip == tips[7] else "") for tip in tips}
    assert shown(remote, tips[9]) == tips[9]


async def test_notes_of_people_in_the_same_ref_are_kept_and_merged(remote, follow):
    tip = remote.commit({"a": b"1"})
    other = remote.commit({"a": b"2"})
    remote.git("notes", f"--ref={REF}", "add", "-m", "by hand", tip)
    remote.git("notes", f"--ref={REF}", "add", "-m", "elsewhere", other)
    await Notes(follow()).write({tip: add("ours")}, EPOCH)
    assert shown(remote, tip) == "by hand\nours"
    assert shown(remote, other) == "elsewhere"


async def test_a_commit_that_is_gone_is_said_and_holds_nothing_up(remote, follow):
    tip = remote.commit({"a": b"1"})
    done = await Notes(follow()).write({tip: add("x"), "f" * 40: add("y")}, EPOCH)
    assert (done.changed, done.absent) == ({tip}, {"f" * 40})


async def test_a_deleted_ref_is_made_anew(remote, follow):
    tip = remote.commit({"a": b"1"})
    notes = Notes(follow())
    await notes.write({tip: add("x")}, EPOCH)
    remote.git("update-ref", "-d", REF)
    assert (await notes.read([tip])).notes == {}
    assert (await notes.write({tip: add("y")}, EPOCH)).changed == {tip}
    assert shown(remote, tip) == "y"


async def test_a_write_says_on_what_it_stands(remote, follow):
    tip = remote.commit({"a": b"1"})
    notes = Notes(follow())
    first = await notes.write({tip: add("x")}, EPOCH)
    second = await notes.write({tip: add("y")}, EPOCH)
    nothing = await notes.write({tip: add("y")}, EPOCH)
    assert (first.before, second.before, nothing.before) == (None, first.after, second.after)
    assert nothing.after == second.after == remote.git("rev-parse", REF) == (await notes.read([])).tip
    assert await notes.contains(second.after, first.after)
    assert not await notes.contains(first.after, second.after)


async def test_nothing_stands_on_a_notes_commit_that_is_gone(remote, follow):
    tip = remote.commit({"a": b"1"})
    notes = Notes(follow())
    first = await notes.write({tip: add("x")}, EPOCH)
    remote.git("update-ref", "-d", REF)
    remote.git("gc", "--quiet", "--prune=now")
    second = await notes.write({tip: add("y")}, EPOCH)
    assert second.before is None
    assert not await notes.contains(second.after, first.after)


@pytest.mark.parametrize("where", ["beside", "in between"])
async def test_writers_that_meet_lose_nothing(remote, follow, where):
    tip = remote.commit({"a": b"1"})
    first, second = Notes(follow(state="1")), Notes(follow(state="2"))
    if where == "beside":
        async with anyio.create_task_group() as tasks:
            for number in range(6):
                writer = (first, second)[number % 2]
                tasks.start_soon(writer.write, {tip: add(f"line {number}")}, EPOCH)
        assert set(shown(remote, tip).splitlines()) == {f"line {number}" for number in range(6)}
        return
    meddled = threading.Event()

    def merge(present):
        if not meddled.is_set():  # another writer is quicker, once
            meddled.set()
            remote.git("notes", f"--ref={REF}", "append", "-m", "theirs", tip)
        return add("ours")(present)

    await first.write({tip: merge}, EPOCH)
    assert {"ours", "theirs"} <= set(shown(remote, tip).splitlines())


async def test_a_stale_lock_of_our_own_ref_goes_away(remote, follow):
    tip = remote.commit({"a": b"1"})
    lock = remote.path / f"{REF}.lock"
    lock.parent.mkdir(parents=True)
    lock.write_bytes(b"")
    os.utime(lock, (EPOCH.timestamp() - 3600,) * 2)
    await Notes(follow()).write({tip: add("x")}, EPOCH)
    assert shown(remote, tip) == "x"


async def test_a_repository_that_is_away_is_waited_for(remote, follow, tmp_path):
    tip = remote.commit({"a": b"1"})
    notes = Notes(follow())
    remote.path.rename(tmp_path / "away")
    with pytest.raises(Transient):
        await notes.write({tip: add("x")}, EPOCH)
    with pytest.raises(Transient):
        await notes.read([tip])


async def test_notes_go_to_the_common_folder_of_a_worktree(remote, follow, tmp_path):
    tip = remote.commit({"a": b"1"})
    clone, tree = tmp_path / "clone", tmp_path / "tree"
    remote.run("clone", "--quiet", str(remote.path), str(clone))
    remote.run("-C", str(clone), "worktree", "add", "--quiet", "-b", "side", str(tree))
    await Notes(follow(tree, "side")).write({tip: add("x")}, EPOCH)
    assert remote.run("-C", str(clone), "notes", f"--ref={REF}", "show", tip) == "x"
    assert locate(tree).common == clone / ".git"


@pytest.mark.parametrize("name", ["", " ", "a<b", "a\nb"])
def test_signatures_that_cannot_be(name):
    with pytest.raises(ValueError, match="not a signature"):
        Signature(name, "x@localhost")


async def test_notes_on_old_commits_are_taken_away_and_what_people_wrote_stays(remote, follow):
    tips = remote.series(300)
    notes = Notes(follow())
    await notes.write({tip: add(tip) for tip in tips}, EPOCH)
    remote.git("notes", f"--ref={REF}", "append", "-m", "by hand", tips[3])
    before = remote.git("rev-parse", REF)

    done = await notes.erase([*tips[:200], "f" * 40], EPOCH, lambda text: "by hand" not in text)

    assert (done.before, done.after) == (before, remote.git("rev-parse", REF))
    assert set((await notes.read(tips)).notes) == {tips[3], *tips[200:]}
    assert shown(remote, tips[3]).splitlines()[0] == tips[3]
    assert shown(remote, tips[250]) == tips[250]
    assert remote.git("rev-list", "--count", REF) == "3"  # what the ref said before is still in git
    again = await notes.erase(tips[:200], EPOCH, lambda text: "by hand" not in text)
    assert again.after == again.before == done.after
    await notes.write({tips[0]: add("back")}, EPOCH)
    assert shown(remote, tips[0]) == "back"


async def test_nothing_is_taken_away_where_there_are_no_notes(remote, follow):
    tip = remote.commit({"a": b"1"})
    done = await Notes(follow()).erase([tip], EPOCH, lambda _: True)
    assert (done.before, done.after) == (None, None)
