"""Another version takes over while runs are alive: they go on under the supervisor that they were started with."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.harness import ROOT, Nursery, Place, is_alive, job, service, until

pytestmark = pytest.mark.process

NEXT = "9.9.9"
WAITS = """while [ ! -e "$PLACE/go-on" ]; do sleep 0.02; done; echo "value=42" >> "$PLUMBLINE_OUTPUT" """


@pytest.fixture
def next_version(tmp_path: Path) -> Iterator[Nursery]:
    """A copy of the tree with another version number and another supervisor."""
    tree = tmp_path / "next"
    for package in ("planner", "reconciler"):
        shutil.copytree(ROOT / package, tree / package, ignore=shutil.ignore_patterns("__pycache__"))
    with (tree / "reconciler/backends/local/supervisor.py").open("a") as text:
        text.write("\n# The next version.\n")
    information = tree / f"plumbline_gitops-{NEXT}.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: plumbline-gitops\nVersion: {NEXT}\n")
    made = Nursery(tree)
    yield made
    made.close()


@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_runs_go_on_over_an_upgrade(next_version: Nursery, place: Place, how: str) -> None:
    files = {"slow.yaml": job("slow", WAITS), "serve.yaml": service("serve", "exec sleep 1000")}
    first = place.push(files)
    old = place.start()
    until(lambda: len(place.starts()) == 2 and place.state_of("serve") == "ready", "both run")
    alive = place.starts()
    (parent,) = place.parents_that_serve()

    old.end() if how == "stopped" else old.kill()
    place.start(next_version)
    assert place.get("/v1/status")["version"] == NEXT
    assert all(is_alive(pid) for _, pid in alive)
    until(lambda: place.state_of("slow") == "running", "the run is seen")

    second = place.push({"quick.yaml": job("quick", "sleep 0.05")})
    assert place.settled(second)["state"] == "success"
    assert [key for key, _ in place.starts()[len(alive) :]] == ["quick@g1#1"]
    assert is_alive(parent)
    assert len(place.parents_that_serve()) == 2

    (place.base / "go-on").touch()
    assert place.settled(first)["state"] == "success"
    run = place.run("slow@g1")
    assert (run["status"], run["attempts"]) == ("succeeded", 1)

    assert is_alive(parent), "it has a service to look after"
    place.ask("stop", "serve")
    until(lambda: not is_alive(parent), "the old parent leaves with its last run")
    assert len(place.parents_that_serve()) == 1
