"""Effects: what records ask of the backend. A function of records alone, so that a crash loses nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from planner.effects import Ensure, effects
from planner.model import facts as f
from planner.model.run import Leases
from tests.planner.builders import dag, job, node, service
from tests.planner.endings import ending
from tests.planner.history import History, after, ask, end, gone, push, wait, world

pytestmark = pytest.mark.unit


def wanted(history: History, root: str = "train") -> list[str]:
    return [f"{type(effect).__name__.lower()} {effect.key}" for effect in effects(history.state(root), history.now)]


DEAD = world(answers=False)
"""The backend does nothing: what is asked of it stays to be done."""


LASTING = ending(job(), ttl=60)


@pytest.mark.parametrize(
    ("steps", "expected", "reason"),
    [
        pytest.param([push()], [], "nothing is known of it", id="nothing"),
        pytest.param([DEAD, push(job())], ["ensure train@g1#1"], "an open intent", id="open"),
        pytest.param([DEAD, push(job()), wait(60)], ["ensure train@g1#1"], "again and again", id="open for long"),
        pytest.param([push(job())], [], "what was seen is there", id="running"),
        pytest.param([push(job()), DEAD, ask("stop")], ["stop train@g1#1"], "until its end was seen", id="stopping"),
        pytest.param([DEAD, push(job()), ask("stop")], ["stop train@g1#1"], "also if never seen", id="stopped first"),
        pytest.param([push(job()), DEAD, end("train@g1#1")], ["clean train@g1#1"], "what is over", id="over"),
        pytest.param([push(job()), end("train@g1#1")], [], "once", id="cleaned"),
        pytest.param([push(job()), DEAD, gone("train@g1#1")], ["clean train@g1#1"], "also what is gone", id="gone"),
        pytest.param([push(LASTING), DEAD, end("train@g1#1")], [], "what a ttl keeps stays", id="kept"),
        pytest.param([push(LASTING), DEAD, end("train@g1#1"), wait(59)], [], "for so long", id="kept for long"),
        pytest.param([push(LASTING), DEAD, end("train@g1#1"), wait(60)], ["clean train@g1#1"], "and goes", id="due"),
        pytest.param([push(LASTING), end("train@g1#1"), wait(60)], [], "once", id="cleaned when due"),
        pytest.param(
            [push(LASTING), push(ending(job(), ttl=5)), DEAD, end("train@g1#1"), wait(5)],
            ["clean train@g1#1"],
            "by the newest form of what lives",
            id="live ttl",
        ),
        pytest.param(
            [push(LASTING), end("train@g1#1"), push(ending(job(), ttl=5)), DEAD, wait(30)],
            [],
            "what has ended before keeps its own",
            id="ttl after the end",
        ),
        pytest.param(
            [push(LASTING), end("train@g1#1"), push(job(command="other")), DEAD, wait(60)],
            ["clean train@g1#1"],
            "also when another generation is in force",
            id="kept of an earlier generation",
        ),
        pytest.param(
            [push(job(retries=1)), DEAD, end("train@g1#1", 1), wait(1)],
            ["clean train@g1#1", "ensure train@g1#2"],
            "the old is forgotten before the new is made",
            id="next attempt",
        ),
        pytest.param(
            [push(service("train")), DEAD, push(service("train", "two"))],
            ["stop train@g1#1"],
            "a recreated service has no second object",
            id="recreate",
        ),
    ],
)
def test_effects(steps, expected, reason):
    assert expected == wanted(after(*steps)), reason


def test_stops_come_first_then_cleaning_then_starts():
    nodes = [node("a"), node("b"), node("c"), node("d", "c")]
    history = after(push(dag("flow", *nodes)), DEAD, ask("stop", "flow", key="flow@g1/b"), end("flow@g1/a#1"))
    end("flow@g1/c#1")(history)
    assert ["stop flow@g1/b#1", "clean flow@g1/a#1", "clean flow@g1/c#1", "ensure flow@g1/d#1"] == wanted(
        history, "flow"
    )


def test_effects_carry_the_run_that_they_are_about():
    history = after(DEAD, push(job()))
    (effect,) = effects(history.state("train"), history.now)
    assert isinstance(effect, Ensure)
    assert history.run("train@g1") == effect.run


def test_an_intent_that_was_recorded_by_another_process_is_acted_on():
    history = after(push(job()), end("train@g1#1"), ask("run"))
    key = history.run("train@req-q1").key
    history.add([f.Intended("train", key.at_attempt(2), Leases(), history.now)])
    assert ["ensure train@req-q1#2"] == wanted(history)


def test_a_plan_wakes_when_what_a_ttl_keeps_is_due():
    history = after(push(LASTING), end("train@g1#1"), wait(10))
    assert history.wakes["train"] == history.now + timedelta(seconds=50)
    wait(50)(history)
    assert history.wakes["train"] is None
    assert history.run("train@g1").attempts[0].cleaned


def test_a_plan_wakes_for_an_attempt_that_a_ttl_keeps_though_the_one_after_it_is_gone():
    history = after(push(ending(job(retries=1), ttl=60)), end("train@g1#1", 1), wait(1), gone("train@g1#2"))
    assert [attempt.cleaned for attempt in history.run("train@g1").attempts] == [False, True]
    assert history.wakes["train"] == history.run("train@g1").attempts[0].kept_until


def test_of_very_many_attempts_that_a_ttl_keeps_the_oldest_go_at_once():
    failing = [step for number in range(1, 10) for step in (end(f"train@g1#{number}", 1), wait(minutes=5))]
    history = after(push(ending(job(retries=9), ttl=3600)), *failing)
    attempts = history.run("train@g1").attempts
    assert [attempt.number for attempt in attempts if attempt.cleaned] == [1, 2]
    assert len(attempts) == 10
