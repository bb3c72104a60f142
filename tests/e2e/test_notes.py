"""What commits say, as everybody sees it with git."""

from __future__ import annotations

import pytest

from tests.e2e.harness import Place, git, job, service, until, without_times

pytestmark = pytest.mark.process

REF = "refs/notes/plumbline/default"


def test_each_commit_says_what_it_caused(place: Place) -> None:
    files = {"one.yaml": job("one", "true"), "two.yaml": job("two", "exit 4")}
    first = place.push({**files, "serve.yaml": service("serve", "exec sleep 1000")})
    place.start()
    place.settled(first)
    second = place.push({"one.yaml": job("one", "sleep 0.05")})
    place.settled(second)
    third = place.push({"README.md": "words\n"})
    place.settled(third)
    said = {
        commit: {context: (state, without_times(text)) for context, (state, text) in notes.items()}
        for commit, notes in place.notes().items()
    }
    assert said == {
        first: {
            "plumbline/default": ("failure", "failed: two"),
            "plumbline/default/one": ("success", "succeeded"),
            "plumbline/default/serve": ("success", "ready"),
            "plumbline/default/two": ("failure", "failed: exit code 4"),
        },
        second: {
            "plumbline/default": ("success", "1 operation done"),
            "plumbline/default/one": ("success", "succeeded"),
        },
        third: {"plumbline/default": ("success", "nothing changed")},
    }


def mirror_push(place: Place, notes: str, *, branch: str | None = None) -> None:
    """`git push --mirror` of a clone that has `notes` as our ref ("" for none), and `branch` as its newest commit."""
    mirror = place.base / "mirror"
    git(place.base, "clone", "-q", "--mirror", str(place.bare), "mirror")
    git(mirror, "update-ref", *(["-d", REF] if not notes else [REF, notes]))
    if branch:
        git(place.work, "push", "-q", str(mirror), f"{branch}:refs/heads/main")
    git(mirror, "push", "-q", "--mirror", str(place.bare))


@pytest.mark.parametrize(
    "how",
    [
        pytest.param("deleted", id="deleted"),
        pytest.param("with-a-commit", id="deleted-and-a-new-commit-is-told-first"),
        pytest.param("while-down", id="deleted-while-no-daemon-ran"),
        pytest.param("set-back", id="set-back-to-what-the-clone-had"),
    ],
)
def test_lost_notes_are_written_again(place: Place, how: str) -> None:
    """What `git push --mirror` from a user's clone does to them."""
    place.configure(resync=1)
    first = place.push({"one.yaml": job("one", "true")})
    daemon = place.start()
    place.settled(first)
    earlier = git(place.bare, "rev-parse", REF).strip()
    place.settled(place.push({"two.yaml": job("two", "true")}))
    before, branch = place.notes(), None
    assert all(before.values())
    if how == "with-a-commit":
        branch = place.commit({"three.yaml": job("three", "true")})
    if how == "while-down":
        daemon.end()
    mirror_push(place, earlier if how == "set-back" else "", branch=branch)
    if how == "while-down":
        place.start()
    if branch:
        place.settled(branch)
    until(lambda: before.items() <= place.notes().items(), "it is said again")
    assert all(place.notes().values())
    assert len(place.starts()) == (3 if branch else 2)


def test_what_is_said_again_keeps_the_pace_of_all_posts(place: Place) -> None:
    """At most one notes commit a second, however many commits lost theirs."""
    place.configure(resync=1)
    first = place.push({"one.yaml": job("one", "true")})
    place.start()
    place.settled(first)
    for number in range(8):
        place.settled(place.push({"README.md": f"{number}\n"}))
    before = place.notes()
    git(place.bare, "update-ref", "-d", REF)
    until(lambda: place.notes() == before, "it is said again")
    written = git(place.bare, "log", "--format=%ct", REF).split()
    assert len(set(written)) == len(written)
    assert len(written) <= 2


def test_a_ref_that_is_no_notes_commit_is_said_until_it_is_removed(place: Place) -> None:
    """A person must act: one warning and a line in the status, no traceback, and everything else goes on."""
    first = place.push({"one.yaml": job("one", "true")})
    git(place.bare, "update-ref", REF, git(place.bare, "rev-parse", f"{first}:one.yaml").strip())
    daemon = place.start()
    words = f"{REF} is a blob, not a commit: remove it"
    until(lambda: words in place.get("/v1/status")["warnings"], "it is said")
    commit = place.push({"two.yaml": job("two", "true")})
    until(lambda: place.commit_view(commit)["state"] == "success", "it runs all the same")
    assert [line["reason"] for line in place.said() if line["level"] != "info"] == [words]
    git(place.bare, "update-ref", "-d", REF)
    place.settled(commit)
    until(lambda: words not in place.get("/v1/status")["warnings"], "it is not said any more")
    assert daemon.end() == 0


def test_notes_of_others_are_kept(place: Place) -> None:
    """People's own notes on the same ref, and another instance beside."""
    commit = place.push({"one.yaml": job("one", "true")})
    git(place.bare, "notes", "--ref=refs/notes/plumbline/default", "add", "-m", "a word of a person", commit)
    place.start()
    place.settled(commit)
    text = git(place.bare, "notes", "--ref=refs/notes/plumbline/default", "show", commit)
    assert "a word of a person" in text
    assert place.notes()[commit]["plumbline/default"] == ("success", "1 operation done")


def test_a_repository_that_takes_no_notes_stops_nothing(place: Place) -> None:
    """A lock of another git is in the way: runs go on, and it is said as soon as that is possible."""
    lock = place.bare / "refs/notes/plumbline/default.lock"
    lock.parent.mkdir(parents=True)
    lock.touch()
    commit = place.push({"one.yaml": job("one", "true")})
    place.start()
    until(lambda: place.commit_view(commit)["state"] == "success", "it runs all the same")
    assert not any(status["posted"] for status in place.commit_view(commit)["statuses"])
    assert place.notes() == {commit: {}}
    lock.unlink()
    place.settled(commit)
    assert place.notes()[commit]["plumbline/default"] == ("success", "1 operation done")


def test_a_new_ledger_does_not_run_again_what_another_one_reported(place: Place) -> None:
    """The state is lost and the repository is not: a person says whether it runs once more."""
    commit = place.push({"one.yaml": job("one", "true")})
    place.start()
    assert place.settled(commit)["state"] == "success"
    assert place.daemons[-1].end() == 0
    place.state.rename(place.base / "lost")

    place.start()
    (hold,) = until(lambda: place.get("/v1/status")["holds"], "first contact is held")
    assert len(place.starts()) == 1
    assert any("another ledger has reported" in str(line.get("event")) for line in place.said())
    assert place.ask("approve", hold["hold"], baseline=True)["ok"]
    assert place.settled(commit)["state"] == "success"
    again = place.push({"one.yaml": job("one", "echo changed")})
    assert place.settled(again)["state"] == "success"
    assert len(place.starts()) == 2
