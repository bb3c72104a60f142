"""A daemon that is killed again and again, at any moment, ends up where one that lived ends up."""

from __future__ import annotations

import random
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.harness import Daemon, Place, Tree, dag, git, job, node, service, without_times

pytestmark = pytest.mark.process

KILLS = 50
EACH_PUSH = 5
LONGEST_LIFE = 0.8
"""Seconds: five lives are about as long as the graph takes, its second attempt after a second of back-off included."""
SEED = 20261123


def version(number: int) -> Tree:
    """A graph whose values flow, one node of which fails first; a job; a service that changes at every other push."""
    say = """echo "value=$VALUE$PLUS" >> "$PLUMBLINE_OUTPUT" """
    failing = """if [ "$A" = 1 ]; then exit 3; fi"""
    first = node("first", f"VALUE={number}\nsleep 0.1\n{say}", outputs=[_output])
    left = node("left", f"sleep 0.05\n{say}", **_takes("first", "VALUE"))
    right = node("right", f"sleep 0.15\n{failing}\nPLUS=r\n{say}", **_takes("first", "VALUE"))
    right["termination"] = {"maxRetries": 2}
    last = node("last", f"""VALUE="$VALUE+$PLUS"\nPLUS=\n{say}""", outputs=[_output])
    last["component"]["inputs"] = [{"name": "one", "type": "str"}, {"name": "two", "type": "str"}]
    last["component"]["run"]["container"]["env"] = {"VALUE": "{{ one }}", "PLUS": "{{ two }}"}
    last["params"] = {"one": _from("left"), "two": _from("right")}
    return {
        "flow.yaml": dag("flow", [first, left, right, last]),
        "stamp.yaml": job("stamp", f"echo {number}\nsleep 0.1"),
        "serve.yaml": service("serve", f"echo {number // 2}\nexec sleep 1000"),
    }


_output = {"name": "value", "type": "str"}


def _from(name: str) -> dict[str, str]:
    return {"ref": f"ops.{name}", "value": "outputs.value"}


def _takes(name: str, variable: str) -> dict[str, Any]:
    return {
        "inputs": [{"name": "given", "type": "str"}],
        "outputs": [_output],
        "params": {"given": _from(name)},
        "env": {variable: "{{ given }}"},
    }


def world(place: Place) -> dict[str, Any]:
    """Everything that is true at the end, without when."""
    runs = {run["key"]: run for run in place.get("/v1/runs", limit=1000)["runs"]}
    return {
        "runs": {key: (run["status"], run["attempts"], run["reason"]) for key, run in runs.items()},
        "outputs": {key: place.run(key)["outputs"] for key in runs if key.endswith(("/first", "/last"))},
        "notes": {
            commit: {context: (state, without_times(said)) for context, (state, said) in notes.items()}
            for commit, notes in place.notes().items()
        },
        "attempts": sorted(key for key, _ in place.starts()),
        "alive": sorted(key for key, _ in place.starts() if place.pids(key)),
    }


def survive(place: Place, lives: list[float]) -> Daemon:
    """Kill the daemon after each of `lives` seconds, and start it again."""
    daemon = place.daemons[-1]
    for seconds in lives:
        time.sleep(seconds)  # the moment of the crash: nothing is waited for
        daemon.kill()
        daemon = place.launch()
    return daemon


def test_killed_at_any_moment_it_ends_where_its_twin_ends(places: Callable[..., Place]) -> None:
    place, twin = places(), places("twin")
    moments = random.Random(SEED)
    twin.start()
    place.launch()
    for number in range(KILLS // EACH_PUSH):
        lives = [moments.uniform(0.0, LONGEST_LIFE) for _ in range(EACH_PUSH)]
        print(f"push {number} of seed {SEED}: killed after", *(f"{life:.3f}" for life in lives))  # noqa: T201 -- shown when it fails
        commit = place.push(version(number), f"change {number}")
        git(place.work, "push", "-q", str(twin.bare), f"{commit}:refs/heads/main")
        survive(place, lives).up()
        place.settled(commit)
        twin.settled(commit)
    assert world(place) == world(twin)
    assert [key for key, count in Counter(key for key, _ in place.starts()).items() if count > 1] == []
    assert place.run("flow@g10/last")["outputs"] == {"value": "9+9r"}
    assert place.daemons[-1].end() == 0
    assert len(place.daemons) == KILLS + 1
    with sqlite3.connect(place.state / "ledger.sqlite") as ledger:
        assert ledger.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    ledger.close()
