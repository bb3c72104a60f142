"""Components of a hub run, stay as they were when they were first used, and are looked up again where they were not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.harness import TALLY, Place, until

pytestmark = pytest.mark.process


def component(script: str) -> str:
    container = {"image": "shell", "command": ["/bin/sh", "-c", f"{TALLY}{script}"]}
    return json.dumps({"version": 1.1, "kind": "component", "run": {"kind": "service", "container": container}})


def operation(name: str, ref: str) -> str:
    return f"version: 1.1\nkind: operation\nname: {name}\nhubRef: {ref}\n"


def test_a_component_of_a_hub_runs_on_unchanged(places: Callable[..., Place], tmp_path: Path) -> None:
    hub = tmp_path / "hub"
    hub.mkdir()
    (hub / "serve.yaml").write_text(component("exec sleep 1000"))
    place = places(hubs=[{"name": "team", "path": str(hub)}])
    files = {"serve.yaml": operation("serve", "serve"), "later.yaml": operation("later", "team/later:1")}
    commit = place.push(files)
    place.start()
    until(lambda: place.pids("serve@"), "the service of the hub runs")
    started = place.starts()
    problems = place.get("/v1/plan", head=commit)["plan"]["problems"]
    assert [(one["code"], one["path"], one["hint"]) for one in problems] == [
        ("PL-311", "later.yaml", "that happens when a commit with it is planned, never for a preview")
    ]

    # What the hub says now is for those who come later; a restart and another commit change nothing either.
    (hub / "serve.yaml").write_text(component("exec sleep 2000"))
    (hub / "later").mkdir()
    (hub / "later" / "1.yaml").write_text(component("exec sleep 3000"))
    place.daemons[-1].kill()
    place.start()
    until(lambda: place.pids("later@"), "what the hub did not have is looked up again")
    place.settled(place.push({"README.md": "hello\n"}))
    assert place.starts()[:1] == started
    assert [key.partition("#")[0] for key, _ in place.starts()] == ["serve@g1", "later@g1"]
    assert place.pids("serve@") == [started[0][1]]

    # Named no more and named again, it is looked up anew.
    place.settled(place.push({"serve.yaml": None}))
    until(lambda: not place.pids("serve@"), "the service is removed")
    place.settled(place.push({"serve.yaml": operation("serve", "serve")}))
    (pid,) = place.pids("serve@")
    assert b"2000" in Path(f"/proc/{pid}/cmdline").read_bytes()
