"""A service that somebody changed is put right, once a minute at most; or it is said to be different."""

from __future__ import annotations

import pytest

from planner.model.desired import Policy
from tests.planner.builders import job, rolling, service
from tests.planner.cases import Case, table
from tests.planner.history import ask, end, push, seen, wait, world

pytestmark = pytest.mark.unit

FIRST = "train@g1#1"
OTHER = "somebody else changed it"
OFF = service("train", policy=Policy(self_heal=False))
CHANGED = seen(FIRST, drift=OTHER)
RIGHT = [f"{FIRST} drifted: {OTHER}", f"puts {FIRST} right", f"{FIRST} is as it was made"]


@table(
    Case("put-right", "an edited workload is put right", [push(service("train")), CHANGED], then=RIGHT, waits=[]),
    Case(
        "not-a-job",
        "what a job does is in its past: only services are healed",
        [push(job()), CHANGED],
        then=[],
    ),
    Case(
        "a-minute",
        "whoever changes it again at once has it put right a minute later",
        [push(service("train")), CHANGED, CHANGED],
        then=[f"{FIRST} drifted: {OTHER}"],
    ),
    Case(
        "after-a-minute",
        "and then it is",
        [push(service("train")), CHANGED, CHANGED, wait(60)],
        then=RIGHT,
    ),
    Case(
        "not-before",
        "not a second earlier",
        [push(service("train")), CHANGED, CHANGED, wait(59)],
        then=[],
    ),
    Case(
        "refused",
        "where the cluster says no it is said, and tried again each minute",
        [push(service("train")), world(refuses="forbidden"), CHANGED],
        then=[f"{FIRST} drifted: {OTHER}", f"puts {FIRST} right: forbidden"],
        waits=[f"train@g1 waits for {OTHER}, and cannot be put right: forbidden until 06:01:00"],
    ),
    Case(
        "refused-no-more",
        "with the answer of then",
        [push(service("train")), world(refuses="forbidden"), CHANGED, world(refuses=""), wait(60)],
        then=RIGHT,
        waits=[],
    ),
    Case(
        "self-heal-off",
        "selfHeal: false reports and changes nothing",
        [push(OFF), CHANGED],
        then=[f"{FIRST} drifted: {OTHER}"],
        waits=[f"train@g1 waits for {OTHER}, and selfHeal is off"],
    ),
    Case(
        "self-heal-on-again",
        "selfHeal is a live field: switched on, it heals what is different",
        [push(OFF), CHANGED, push(service("train"))],
        then=RIGHT,
        waits=[],
    ),
    Case(
        "undone",
        "who changed it has changed it back",
        [push(OFF), CHANGED, seen(FIRST, drift="")],
        then=[f"{FIRST} is as it was made"],
        waits=[],
    ),
    Case(
        "being-stopped",
        "what is being stopped is nobody's to put right",
        [world(stops_at_once=False), push(service("train")), ask("stop"), CHANGED],
        then=[],
    ),
    Case(
        "taken-over",
        "nor what a newer generation has taken over from",
        [world(stops_at_once=False), push(rolling()), push(rolling(command="two")), seen("serve@g1#1", drift=OTHER)],
        then=[],
    ),
    Case(
        "the-next-attempt",
        "a new attempt begins without a word of the one before",
        [push(OFF), CHANGED, push(service("train")), end(FIRST, 1), wait(1)],
        then=["starts train@g1#2"],
        waits=[],
    ),
)
def test_what_somebody_changed(case):
    case.check()
