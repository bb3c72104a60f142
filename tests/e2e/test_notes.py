"""What commits say, as everybody sees it with git."""

from __future__ import annotations

import pytest

from tests.e2e.harness import Place, git, job, service, until, without_times

pytestmark = pytest.mark.process


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


def test_deleted_notes_are_written_again(place: Place) -> None:
    """`git push --mirror` from a clone that does not have them deletes the ref."""
    place.configure(resync=1)
    first = place.push({"one.yaml": job("one", "true")})
    place.start()
    place.settled(first)
    place.settled(place.push({"two.yaml": job("two", "true")}))
    before = place.notes()
    assert all(before.values())
    head = git(place.bare, "rev-parse", "refs/heads/main")
    git(place.base, "clone", "-q", "--mirror", str(place.bare), "mirror")
    git(place.base / "mirror", "update-ref", "-d", "refs/notes/plumbline/default")
    git(place.base / "mirror", "push", "-q", "--mirror", str(place.bare))
    assert not any(place.notes().values())
    until(lambda: place.notes() == before, "it is said again")
    assert git(place.bare, "rev-parse", "refs/heads/main") == head
    assert len(place.starts()) == 2


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
