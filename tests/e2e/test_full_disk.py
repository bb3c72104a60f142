"""A state folder without space: nothing new is done, what is asked is answered, and it goes on when there is space."""

from __future__ import annotations

import contextlib
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.harness import ApiError, Place, is_alive, job, may_mount, mounted, service, until

pytestmark = pytest.mark.process

SERVE = {"serve.yaml": service("serve", "exec sleep 1000")}


def fill(folder: Path) -> Path:
    """Take all that is left; returns the file that has it."""
    filler = folder / "filler"
    with filler.open("ab", buffering=0) as file:
        for size in (65536, 4096, 512):
            with contextlib.suppress(OSError):
                while True:
                    file.write(b"x" * size)
    return filler


def refused_command(place: Place) -> str:
    """What is said to the first command that cannot be recorded."""
    for _ in range(1000):
        for verb in ("suspend", "unsuspend"):
            try:
                place.ask(verb)
            except (ApiError, OSError) as error:
                return str(error)
    return "all were recorded"


@pytest.fixture
def small(place: Place) -> Iterator[Place]:
    """A place with its state on a file system of 4 MB."""
    with mounted(place.state, "size=4m"):
        yield place
        place.clear()


def fills_up_and_goes_on(place: Place) -> None:
    daemon = place.settled_start(SERVE)
    (pid,) = place.pids("serve@")
    filler = fill(place.state)
    # Known without anything that wants to be recorded.
    assert "no space left for the state in " in place.get("/v1/status")["ledger"]["failing"]
    commit = place.push({"next.yaml": job("next", "true")})
    said = until(lambda: place.get("/v1/status")["source"]["failing"], "it is said")
    assert "o space left" in said
    said = refused_command(place)
    assert said.startswith("503: no space left for the state in ")
    assert "nothing was recorded" in said
    assert place.commit_view(commit)["statuses"] == []
    assert place.state_of("serve") == "ready"
    assert is_alive(pid)
    assert not daemon.ended()
    assert place.starts() == [("serve@g1#1", pid)]

    filler.unlink()
    assert place.get("/v1/status")["ledger"]["failing"] == ""
    if place.get("/v1/status")["suspended"]:
        assert place.ask("unsuspend")["ok"]
    assert place.settled(commit)["state"] == "success"
    assert place.starts()[0] == ("serve@g1#1", pid)
    assert [key for key, _ in place.starts()[1:]] == ["next@g1#1"]
    assert not daemon.ended()


def ends_with_a_sentence_and_goes_on_later(place: Place) -> None:
    """A write that fails for another reason than a full disk ends the daemon: only a start from the file is safe."""
    place.configure(resync=1)
    daemon = place.settled_start(SERVE)
    (pid,) = place.pids("serve@")
    resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    commit = place.push({"next.yaml": job("next", "true")})
    assert refused_command(place) != "all were recorded"
    assert daemon.wait() == 3
    assert "plumbline: the disk under the state in" in place.log.read_text()
    assert place.pids("serve@") == [pid]
    place.start()
    if place.get("/v1/status")["suspended"]:
        assert place.ask("unsuspend")["ok"]
    assert place.settled(commit)["state"] == "success"
    assert place.pids("serve@") == [pid]
    assert [key for key, _ in place.starts()] == ["serve@g1#1", "next@g1#1"]


def test_a_write_that_fails(place: Place) -> None:
    ends_with_a_sentence_and_goes_on_later(place)


if may_mount():

    def test_a_full_disk(small: Place) -> None:
        fills_up_and_goes_on(small)
