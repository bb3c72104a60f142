"""Laws that hold over any small history: planning is a function, and it comes to rest.

`tests.planner.history` asserts at every plan of every test that the same view gives the same plan, and that a plan
made of what it led to is empty (I24, I25). Here histories are made up, and the world is judged after each step.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from planner.admit import Limits
from planner.guard import Budgets
from planner.keys import Key
from planner.model import facts as f
from planner.model.desired import CompiledOperation, OnChange, Policy
from planner.model.facts import Fact
from planner.model.run import Phase
from planner.model.schedule import CronSchedule
from planner.model.status import FINAL, StopReason
from tests.planner.builders import dag, job, node, rolling, service
from tests.planner.history import History, ask, done, push, suspend_project

pytestmark = pytest.mark.unit

STOP = Policy(on_change=OnChange.STOP)


def repositories(version: int) -> list[CompiledOperation]:
    """What a commit may have, at one of three versions."""
    return [
        job("j", f"j{version}", retries=version),
        job("k", f"k{version}", policy=STOP, gpu=1),
        rolling("r", f"r{version}"),
        service("s", f"s{version}"),
        dag("d", node(job("a", "a")), node(job("b", f"b{version}", reads={"n": "a.size"}), "a"), node("c", "b")),
        dag("e", node(job("a", f"a{version}")), node(service("t", "t")), node("b", "a"), policy=STOP, concurrency=1),
        job("n", f"n{version}", schedule=CronSchedule(cron="*/10 * * * *", concurrency_policy="forbid")),
        job("p", "p", schedule=CronSchedule(cron="*/5 * * * *", concurrency_policy="replace", depends_on_past=True)),
    ]


NAMES = "jkrsdenp"
pushes = st.tuples(st.just("push"), st.dictionaries(st.sampled_from(NAMES), st.integers(0, 2), max_size=6))
others = st.one_of(
    st.tuples(st.just("wait"), st.sampled_from([0, 1, 30, 300, 700])),
    st.tuples(st.sampled_from(["end", "fail", "vanish", "evict", "unready", "late"]), st.integers(0, 9)),
    st.tuples(st.sampled_from(["stop", "run", "retry", "retry all", "suspend", "unsuspend"]), st.sampled_from(NAMES)),
    st.tuples(st.sampled_from(["approve", "baseline"]), st.sampled_from(NAMES)),
    st.tuples(st.just("bad"), st.sampled_from(NAMES)),
    st.tuples(st.just("project"), st.booleans()),
    st.tuples(st.sampled_from(["answers", "ready", "stops_at_once"]), st.booleans()),
)
histories = st.tuples(pushes, st.lists(st.one_of(pushes, others, others), max_size=14))


def play(history: History, move: tuple[str, object]) -> None:
    """One move; what it names may not be there, and then it is nothing."""
    history.facts = []
    verb, what = move
    match verb, what:
        case "push", dict():
            push(*chosen(what))(history)
        case "bad", str():
            push(bad=[f"{what}.yaml"])(history)
        case "wait", int():
            history.now += timedelta(seconds=what)
            history.go()
        case (("end" | "fail" | "vanish" | "evict" | "unready" | "late"), int()):
            happens(history, verb, what)
        case ("retry all", str()):
            ask("retry", what, mode="all")(history)
        case (("stop" | "run" | "retry" | "suspend" | "unsuspend"), str()):
            ask(verb, what)(history)
        case (("approve" | "baseline"), str()):
            planned = history.record(what).planned
            ident = planned.hold.ident if planned and planned.hold else "none"
            ask("approve", what, hold=ident, baseline=verb == "baseline")(history)
        case "project", bool():
            suspend_project(active=what)(history)
        case _:
            setattr(history, verb, what)
            history.go()


def chosen(versions: dict[str, int]) -> Iterable[CompiledOperation]:
    for name, version in sorted(versions.items()):
        yield next(operation for operation in repositories(version) if operation.name == name)


def happens(history: History, verb: str, which: int) -> None:
    """Something happens to one of the programs that run."""
    alive = sorted(key for key, seen in history.objects.items() if seen.phase is not Phase.ENDED)
    if not alive:
        return
    key = alive[which % len(alive)]
    match verb:
        case "end":
            history.end(key, 0, outputs={"size": which % 2})
        case "fail":
            history.end(key, 1)
        case "evict":
            history.end(key, 137, StopReason.EVICTED)
        case "unready":
            history.ready = not history.ready
        case "late":
            history.lag = 0.0 if history.lag else 60.0
        case "vanish":
            history.now += timedelta(seconds=1)
            del history.objects[key]
    history.go()


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories)
def test_any_history_keeps_the_laws(moves):
    history = History(limits=Limits(runs=6, slots={"nvidia.com/gpu": 1}), budgets=Budgets(starts=5))
    seen: list[Fact] = []
    for move in (moves[0], *moves[1]):
        play(history, move)
        seen += history.facts
        one_at_a_time(history)
        leases_are_disjoint(history)
    keys_are_made_once(seen)
    statuses_follow(history)


def one_at_a_time(history: History) -> None:
    """At most one attempt of a run lives, and of a recreated service one of all generations (I2)."""
    alive = [key for key, seen in history.objects.items() if seen.phase is not Phase.ENDED]
    assert len({key.run for key in alive}) == len(alive)
    assert len([key for key in alive if key.root == "s"]) <= 1


def leases_are_disjoint(history: History) -> None:
    claims = done(history.ledger.claims())
    ports = [port for claim in claims for port in claim.leases.ports]
    slots = [slot for claim in claims for slot in claim.leases.slots.get("nvidia.com/gpu", ())]
    assert len(set(ports)) == len(ports)
    assert len(slots) <= 1
    assert len(claims) <= 6


def keys_are_made_once(facts: Iterable[Fact]) -> None:
    """A record per key at most once, an intent per attempt at most once (I1)."""
    opened: list[Key] = [fact.key for fact in facts if isinstance(fact, f.Opened)]
    intended: list[Key] = [fact.key for fact in facts if isinstance(fact, f.Intended)]
    settled: list[Key] = [fact.key for fact in facts if isinstance(fact, f.Settled)]
    assert len(set(opened)) == len(opened)
    assert len(set(intended)) == len(intended)
    # A parent is settled once a round; a leaf once.
    rounds = {fact.key for fact in facts if isinstance(fact, f.Retried)}
    assert len(set(settled)) == len([key for key in settled if key not in rounds]) + len(rounds & set(settled))


def statuses_follow(history: History) -> None:
    """What is final has no open top and no live program, and no run is forgotten on the way (I4, I7)."""
    runs = history.ledger.snapshot().runs
    for run in runs.values():
        assert not (run.status.final and run.alive), run.key
    roots = done(history.ledger.roots())
    for run in runs.values():
        if run.status in FINAL:
            continue
        story = runs[run.carried_from] if run.carried_from else run
        assert run.key.top in roots[run.root].open, f"nobody plans {run.key} ({story.status})"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories)
def test_every_history_comes_to_rest(moves):
    """After the last move the world is left alone: what can end ends, and then nothing follows any more."""
    history = History(limits=Limits(runs=6, slots={"nvidia.com/gpu": 1}), budgets=Budgets(starts=5))
    for move in (moves[0], *moves[1]):
        play(history, move)
    history.answers = history.ready = history.stops_at_once = True
    history.lag = 0.0
    plain = [operation for operation in repositories(1) if operation.schedule is None]
    push(*plain)(history)
    suspend_project(active=False)(history)
    for operation in plain:
        ask("unsuspend", operation.name)(history)
        settle_hold(history, operation.name)
    for root in done(history.ledger.roots()):
        settle_hold(history, root)
    for _ in range(60):
        history.now += timedelta(minutes=11)
        history.go()
        jobs = [key for key in history.alive() if not key.startswith(("r@", "s@")) and "/t" not in key]
        for key in jobs:
            history.end(key, 0, outputs={"size": 1})
        history.go()
        if not jobs:
            break
    history.facts = []
    history.now += timedelta(hours=1)
    history.go()
    assert [] == [fact for fact in history.facts if not isinstance(fact, f.Healed)]
    left = {key: status for key, status in history.runs().items() if status not in {str(item) for item in FINAL}}
    assert {key.partition("@")[0] for key in left} <= {"r", "s", "e"}
    for ident in history.plans:
        open_ = {root: text for root, text in history.says(ident).items() if text.startswith("pending")}
        assert set(open_) <= {"", "e"}, ident


def settle_hold(history: History, root: str) -> None:
    planned = history.record(root).planned
    if planned is not None and planned.hold is not None:
        ask("approve", root, hold=planned.hold.ident)(history)
