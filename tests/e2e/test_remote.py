"""Whatever happens to the repository, what runs goes on; and it is said since when nothing is known."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.e2e.harness import Place, git, job, service, until

pytestmark = pytest.mark.process

WAITS = """while [ ! -e "$PLACE/go-on" ]; do sleep 0.02; done"""
FILES = {"slow.yaml": job("slow", WAITS), "serve.yaml": service("serve", "exec sleep 1000")}


def move_away(place: Place) -> None:
    place.bare.rename(place.base / "away.git")


def move_back(place: Place) -> None:
    (place.base / "away.git").rename(place.bare)


def delete_branch(place: Place) -> None:
    git(place.bare, "update-ref", "-d", "refs/heads/main")


def nothing(_: Place) -> None:
    """The next push puts it right."""


def empty_tree(place: Place) -> None:
    place.push(dict.fromkeys(FILES), "empty")


def corrupt_objects(place: Place) -> None:
    """The newest commit cannot be read whole: a blob of it is garbage."""
    commit = place.commit({"README.md": "words\n"})
    place.release(commit)
    _spoil(place, f"{commit}:README.md")


def _spoil(place: Place, name: str) -> None:
    ident = git(place.bare, "rev-parse", name).strip()
    path = place.bare / "objects" / ident[:2] / ident[2:]
    path.rename(place.base / ident)
    path.write_bytes(b"garbage")


def repair(place: Place) -> None:
    (kept,) = (path for path in place.base.iterdir() if len(path.name) == 40)
    kept.replace(place.bare / "objects" / kept.name[:2] / kept.name[2:])


def spoil_head(place: Place) -> None:
    (place.bare / "refs/heads/main").write_text("what is this\n")


def put_elsewhere(place: Place) -> None:
    """Something else has the place of the repository."""
    move_away(place)
    place.bare.write_text("no repository\n")


def lock_up(place: Place) -> None:
    """The repository cannot be looked at; a name that is too long does that to root as well."""
    move_away(place)
    place.bare.symlink_to("a" * 300)


def put_back(place: Place) -> None:
    place.bare.unlink()
    move_back(place)


def reset_head(place: Place) -> None:
    (place.bare / "refs/heads/main").unlink()


DAMAGES: dict[str, tuple[Callable[[Place], None], Callable[[Place], None], str]] = {
    "moved-away": (move_away, move_back, "no git repository at"),
    "something-else": (put_elsewhere, put_back, "no git repository at"),
    "unreadable": (lock_up, put_back, "cannot read"),
    "branch-deleted": (delete_branch, nothing, "the branch does not exist"),
    "tree-emptied": (empty_tree, nothing, "the tree has no file at all"),
    "objects-corrupt": (corrupt_objects, repair, "git cannot read"),
    "ref-corrupt": (spoil_head, reset_head, "git cannot read"),
}


@pytest.mark.parametrize(("damage", "mend", "reason"), DAMAGES.values(), ids=DAMAGES.keys())
def test_nothing_stops(
    place: Place, damage: Callable[[Place], None], mend: Callable[[Place], None], reason: str
) -> None:
    place.push(FILES)
    place.start()
    until(lambda: len(place.starts()) == 2 and place.state_of("serve") == "ready", "both run")
    alive = place.starts()

    damage(place)
    said = until(lambda: place.get("/v1/status")["source"]["failing"], "it is said")
    assert reason in said
    (place.base / "go-on").touch()
    until(lambda: place.state_of("slow") == "succeeded", "the job ends well")
    assert place.state_of("serve") == "ready"
    place.daemons[-1].kill()
    place.start()
    until(lambda: place.get("/v1/status")["source"]["failing"], "it is said again")
    assert place.state_of("serve") == "ready"
    assert place.starts() == alive
    assert place.pids("serve@")

    mend(place)
    commit = place.push({**FILES, "next.yaml": job("next", "true")}, "next")
    assert place.settled(commit)["state"] == "success"
    source = place.get("/v1/status")["source"]
    assert source["failing"] == ""
    assert place.starts()[: len(alive)] == alive
    assert [key for key, _ in place.starts()[len(alive) :]] == ["next@g1#1"]


def test_what_is_known_has_an_age(place: Place) -> None:
    place.settled_start({"serve.yaml": FILES["serve.yaml"]})
    until(lambda: place.get("/v1/status")["source"]["seenAt"], "it was read")
    first = place.get("/v1/status")["source"]["seenAt"]
    until(lambda: place.get("/v1/status")["source"]["seenAt"] > first, "an answer counts though nothing moved")
    move_away(place)
    until(lambda: place.get("/v1/status")["source"]["failing"], "it is said")
    ages = [place.get("/v1/status")["source"]["ageSeconds"]]
    until(lambda: ages.append(place.get("/v1/status")["source"]["ageSeconds"]) or ages[-1] > ages[0] + 1, "it ages")
    assert ages == sorted(ages)
    move_back(place)
    until(lambda: not place.get("/v1/status")["source"]["failing"], "it goes on")
    assert place.get("/v1/status")["source"]["ageSeconds"] < ages[-1]


def test_pushes_while_it_plans(place: Place) -> None:
    """A push at every moment: the newest is planned, and says how it went."""
    place.push(FILES)
    place.start()
    for number in range(20):
        commit = place.push({"next.yaml": job("next", f"echo {number}")}, f"change {number}")
    assert place.settled(commit)["state"] == "success"
    assert place.get("/v1/status")["head"] == commit


def test_a_rewritten_history(place: Place) -> None:
    """A forced push to another root commit: what has not changed goes on, what is new runs."""
    place.push(FILES)
    place.start()
    until(lambda: len(place.starts()) == 2, "both run")
    alive = place.starts()
    git(place.work, "checkout", "-q", "--orphan", "other")
    commit = place.push({**FILES, "next.yaml": job("next", "true")}, "another beginning")
    until(lambda: place.state_of("next") == "succeeded", "what is new runs")
    assert place.starts()[:2] == alive
    assert len(place.starts()) == 3
    assert place.pids("slow@")
    assert place.commit_view(commit)["statuses"]
