"""Culling: when an idle service is stopped, that it sleeps then, and what wakes it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from planner.compile.activity import activity_of
from planner.model.desired import CompiledOperation
from planner.model.gang import Activity
from tests.planner.builders import job, service
from tests.planner.cases import Case, table
from tests.planner.endings import ending
from tests.planner.history import T0, after, ask, end, push, seen, wait, world

pytestmark = pytest.mark.unit


def idle(timeout: int = 600, command: str = "listen", **more: object) -> CompiledOperation:
    """A service that is stopped when nobody uses it for so long."""
    return ending(service(command=command), culling={"timeout": timeout}, **more)  # type: ignore[arg-type]


def used(seconds: float = 0, key: str = "serve@g1#1"):
    """The service was last in use so many seconds after the beginning."""
    return seen(key, active_at=T0 + timedelta(seconds=seconds))


UP = (push(idle()), used())
CULLED = ["stops serve@g1: culled", "stops serve@g1#1: culled", "serve@g1 stopped: culled as idle"]
ASLEEP = (*UP, wait(600))

CASES = (
    Case("in-use", "what is in use stays", [*UP, wait(599)], then=[], alive=["serve@g1#1"]),
    Case("idle", "what nobody uses is stopped", [*UP, wait(600)], then=CULLED, alive=[]),
    Case(
        "a-late-look",
        "of the time since a look nobody knows whether it was used",
        [*UP, world(lag=60.0), wait(600)],
        then=[],
        alive=["serve@g1#1"],
    ),
    Case("a-look-that-is-late-enough", "until one says so", [*UP, world(lag=60.0), wait(660)], then=CULLED),
    Case("used-again", "each use counts anew", [*UP, wait(500), used(500), wait(599)], then=[], alive=["serve@g1#1"]),
    Case("used-then-idle", "and then no more", [*UP, wait(500), used(500), wait(600)], then=CULLED),
    Case("not-asked", "whoever was not asked counts as in use", [push(idle()), wait(days=9)], alive=["serve@g1#1"]),
    Case(
        "not-ready",
        "what is not ready is not idle",
        [world(ready=False), push(idle()), used(), wait(900)],
        alive=["serve@g1#1"],
    ),
    Case(
        "ready-late",
        "idle time begins when it is ready",
        [
            world(ready=False),
            push(idle()),
            used(),
            wait(300),
            seen("serve@g1#1", ready=True),
            wait(599),
        ],
        then=[],
        alive=["serve@g1#1"],
    ),
    Case(
        "shorter",
        "the newest timeout counts for what lives",
        [*UP, wait(60), push(idle(60))],
        alive=[],
        runs={"serve@g1": "stopped"},
    ),
    Case("no-more", "and none for none", [*UP, push(service()), wait(days=1)], then=[], alive=["serve@g1#1"]),
    Case("sleeps", "nothing wakes it by itself", [*ASLEEP, wait(days=1), push(idle(), job())], alive=["train@g1#1"]),
    Case("live-change", "a live change neither", [*ASLEEP, push(idle(60))], then=[], alive=[]),
    Case(
        "generation",
        "a new generation does",
        [*ASLEEP, push(idle(command="other"))],
        then=["serve g2 in force", "opens serve@g2", "starts serve@g2#1"],
    ),
    Case("run", "and a request", [*ASLEEP, ask("run", "serve")], then=["opens serve@req-q1", "starts serve@req-q1#1"]),
    Case(
        "wake",
        "and who opens it: another round",
        [*ASLEEP, ask("retry", "serve", wake=True)],
        then=["round 1 of serve@g1: .", "opens serve@g1~1", "starts serve@g1~1#1"],
    ),
    Case(
        "wake-twice",
        "which is one round, however many people open it",
        [*ASLEEP, ask("retry", "serve", wake=True), ask("retry", "serve", wake=True)],
        then=[],
        alive=["serve@g1~1#1"],
    ),
    Case(
        "wake-what-was-stopped",
        "what a person stopped is not woken by looking at it",
        [*UP, ask("stop", "serve"), ask("retry", "serve", wake=True)],
        then=[],
        alive=[],
    ),
    Case(
        "culled-again",
        "a woken service is culled again",
        [*ASLEEP, ask("retry", "serve", wake=True), used(600, "serve@g1~1#1"), wait(600)],
        then=["stops serve@g1~1: culled", "stops serve@g1~1#1: culled", "serve@g1~1 stopped: culled as idle"],
    ),
    Case(
        "dies-while-it-is-culled",
        "what is to sleep is not healed",
        [*UP, world(stops_at_once=False), wait(600), end("serve@g1#1", 1), wait(hours=1)],
        then=[],
        alive=[],
        runs={"serve@g1": "stopped"},
    ),
    Case(
        "crash-before-the-stop",
        "the stop is recorded before it is done, and done later",
        [*UP, world(answers=False), wait(600), wait(days=1), world(answers=True)],
        alive=[],
        runs={"serve@g1": "stopped"},
    ),
)


@table(*CASES)
def test_culling(case):
    case.check()


def test_a_plan_wakes_when_a_service_would_be_idle():
    history = after(*UP, wait(10))
    assert history.wakes["serve"] == T0 + timedelta(seconds=600)


HTTP = Activity(http_path="/api/status", port=0, period=60.0)
ACTIVITIES = {
    "nothing": (service(), None),
    "job": (ending(job(), culling={"timeout": 60}), None),
    "default": (idle(), HTTP),
    "path": (idle(probe={"http": {"path": "/used"}}), Activity(http_path="/used", port=0, period=60.0)),
    "port": (
        ending(service(ports=(80, 81)), culling={"timeout": 600}, probe={"http": {"port": 81}}),
        Activity(http_path="/api/status", port=1, period=60.0),
    ),
    "port-of-nobody": (idle(probe={"http": {"port": 9}}), None),
    "no-ports": (ending(service(ports=()), culling={"timeout": 600}), None),
    "command": (idle(probe={"exec": {"command": ["used"]}}), Activity(command=("used",), period=60.0)),
    "looks-more-often-where-it-is-short": (idle(50), Activity(http_path="/api/status", port=0, period=10.0)),
    "but-not-all-the-time": (idle(1), Activity(http_path="/api/status", port=0, period=1.0)),
}


@pytest.mark.parametrize(("operation", "activity"), ACTIVITIES.values(), ids=ACTIVITIES)
def test_what_a_service_is_asked(operation, activity):
    assert activity_of(operation) == activity
