"""Queues: what each may hold, who goes first, and what is kept for whoever is next."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner import keys
from planner.admit import Limits, admit
from planner.compile.amounts import amount_in, amounts_of
from planner.desire.view import Ready
from planner.line import Line, QueueLimits, queue_name
from planner.model.gang import Container, Gang, Replica
from planner.model.records import Claim
from planner.model.run import Leases
from tests.planner.builders import job
from tests.planner.cases import Case, table
from tests.planner.history import T0, end, push, world

pytestmark = pytest.mark.unit

GPU = "nvidia.com/gpu"


def ready(name: str, opened: float, queue: str = "q", **amounts: str) -> Ready:
    """An attempt that was opened so many seconds after T0; `gpu="2"` asks for GPUs."""
    resources = {item.replace("gpu", GPU): one for item, one in amounts.items()}
    gang = Gang((Replica("main", 1, Container("i", resources=resources)),))
    key = keys.generation(name, 1).at_attempt(1)
    since = T0 + timedelta(seconds=opened)
    return Ready(key, name, queue, gang.requests, (), since, amounts=amounts_of(gang))


def held(name: str, queue: str = "q", **amounts: int) -> Claim:
    """A live attempt that holds the first slots of what it asks for."""
    requests = {item.replace("gpu", GPU): one for item, one in amounts.items()}
    leases = Leases(slots={item: tuple(range(one)) for item, one in requests.items() if item == GPU})
    return Claim(keys.generation(name, 1).at_attempt(1), name, queue, requests, leases)


def queues(**limits: QueueLimits) -> Limits:
    return Limits(queues=limits)


def of(**resources: str) -> QueueLimits:
    return QueueLimits(resources={name.replace("gpu", GPU): Decimal(one) for name, one in resources.items()})


TURNS = {
    "a-queue-has-its-places": (
        [ready("a", 1), ready("b", 2), ready("c", 3, "other")],
        [],
        queues(q=QueueLimits(runs=1), other=QueueLimits()),
        ["a", "c"],
        {"b": "a place in queue q (1 of 1 taken)"},
    ),
    "what-runs-counts-in-the-queue-that-it-started-in": (
        [ready("b", 2)],
        [held("a", "agent/q")],
        queues(q=QueueLimits(runs=1)),
        [],
        {"b": "a place in queue q (1 of 1 taken)"},
    ),
    "whoever-names-none-is-in-the-default-queue": (
        [ready("a", 1, ""), ready("b", 2, "")],
        [],
        queues(default=QueueLimits(runs=1)),
        ["a"],
        {"b": "a place in queue default (1 of 1 taken)"},
    ),
    "the-higher-priority-first-then-the-oldest": (
        [ready("a", 1, "low"), ready("b", 2, "high"), ready("c", 3, "high"), ready("d", 0, "same")],
        [],
        Limits(runs=3, queues={"low": QueueLimits(), "high": QueueLimits(priority=5), "same": QueueLimits()}),
        ["b", "c", "d"],
        {"a": "a place on the machine (3 of 3 taken)"},
    ),
    "resources-are-counted-together": (
        [ready("a", 1, cpu="1500m", memory="1Gi"), ready("b", 2, cpu="600m"), ready("c", 3)],
        [],
        queues(q=of(cpu="2")),
        ["a", "c"],
        {"b": "0.6 of cpu in queue q (0.5 of 2 free)"},
    ),
    "gpu-is-every-gpu": (
        [ready("a", 1, **{"amd.com/gpu": "1"}), ready("b", 2, gpu="2")],
        [],
        Limits(queues={"q": QueueLimits(resources={"gpu": Decimal(2)})}),
        ["a"],
        {"b": "2 of gpu in queue q (1 of 2 free)"},
    ),
    "small-ones-do-not-pass-a-large-one-that-waits-for-the-same": (
        [ready("large", 1, gpu="4"), ready("small", 2, gpu="1"), ready("none", 3)],
        [held("x", gpu=2)],
        Limits(slots={GPU: 4}, queues={"q": QueueLimits()}),
        ["none"],
        {
            "large": f"4 of {GPU} (2 free)",
            "small": f"1 of {GPU} (2 free, 2 of them kept for who is first)",
        },
    ),
    "a-place-of-its-queue-is-kept-for-the-first": (
        [ready("large", 1, gpu="4"), ready("b", 2), ready("c", 3)],
        [held("x", "other", gpu=2)],
        Limits(slots={GPU: 4}, queues={"q": QueueLimits(runs=2), "other": QueueLimits()}),
        ["b"],
        {
            "large": f"4 of {GPU} (2 free)",
            "c": "a place in queue q (1 of 2 taken, 1 kept for the first of it)",
        },
    ),
    "a-queue-that-is-full-keeps-nothing-of-the-machine": (
        [ready("a", 1, "full", gpu="2"), ready("b", 2, "other", gpu="2")],
        [held("x", "full")],
        Limits(slots={GPU: 2}, queues={"full": QueueLimits(runs=1), "other": QueueLimits()}),
        ["b"],
        {"a": "a place in queue full (1 of 1 taken)"},
    ),
    "what-never-fits-holds-nobody-up": (
        [ready("a", 1, gpu="9"), ready("b", 2, gpu="1")],
        [],
        queues(q=of(gpu="8")),
        ["b"],
        {"a": f"9 of {GPU} in queue q, which has 8 in all"},
    ),
    "a-queue-that-was-taken-out-of-the-configuration": (
        [ready("a", 1, "gone"), ready("b", 2)],
        [],
        queues(q=QueueLimits()),
        ["b"],
        {"a": "queue gone, which is not in the configuration"},
    ),
}


@pytest.mark.parametrize(("items", "claims", "limits", "starts", "waits"), TURNS.values(), ids=TURNS.keys())
def test_turns(items, claims, limits, starts, waits):
    found = admit(items, claims, limits, T0)
    assert starts == [intent.root for intent in found.intents]
    assert waits == {wait.key.root: wait.reason for wait in found.waits}


def test_a_large_one_gets_in_however_many_small_ones_come():
    """Small ones of another root end and come again for ever: the large one starts once what is kept is enough."""
    limits = Limits(slots={GPU: 4}, queues={"q": QueueLimits()})
    claims = [held(f"s{number}", gpu=0) for number in range(4)]
    claims = [
        Claim(one.key, one.root, one.queue, {GPU: 1}, Leases(slots={GPU: (at,)})) for at, one in enumerate(claims)
    ]
    waiting = [ready("large", 1, gpu="4")]
    for step in range(4):
        waiting.append(ready(f"new{step}", 10 + step, gpu="1"))
        claims.pop()
        found = admit(waiting, claims, limits, T0)
        assert [intent.root for intent in found.intents] == (["large"] if not claims else [])


def test_amounts_that_are_no_whole_numbers_are_in_the_intent():
    (intent,) = admit([ready("a", 1, cpu="500m", memory="2Gi", gpu="1")], [], Limits(), T0).intents
    assert intent.requests == {GPU: 1}
    assert intent.amounts == {"cpu": "0.5", "memory": str(2 * 1024**3)}
    claim = Claim(intent.key, "a", "q", intent.requests, intent.leases, intent.amounts)
    (wait,) = admit([ready("b", 1, cpu="1")], [claim], queues(q=of(cpu="1")), T0).waits
    assert wait.reason == "1 of cpu in queue q (0.5 of 1 free)"


def test_all_replicas_count():
    gang = Gang(
        (Replica("a", 1, Container(resources={"cpu": "1"})), Replica("b", 3, Container(resources={"cpu": "500m"})))
    )
    assert amount_in(amounts_of(gang), "cpu") == Decimal("2.5")


@pytest.mark.parametrize(
    ("written", "name"), [("", "default"), ("gpu", "gpu"), ("agent/gpu", "gpu"), ("agent.gpu", "gpu")]
)
def test_names(written, name):
    assert queue_name(written) == name


NAMES = st.sampled_from(["p", "q", "r"])
WISHES = st.lists(
    st.tuples(NAMES, st.integers(0, 5), st.integers(0, 3), st.sampled_from(["0", "500m", "1", "2"])), max_size=12
)


@settings(max_examples=200, deadline=None)
@given(WISHES, st.integers(0, 3), st.integers(0, 4), st.integers(1, 4))
def test_no_limit_is_ever_exceeded_and_order_of_looking_does_not_matter(wishes, runs, cpu, slots):
    limits = Limits(
        slots={GPU: slots},
        queues={
            "p": QueueLimits(runs=runs),
            "q": QueueLimits(resources={"cpu": Decimal(cpu)}),
            "r": QueueLimits(priority=1),
        },
    )
    items = [
        ready(f"r{at}", since, name, gpu=str(gpus), cpu=cores) for at, (name, since, gpus, cores) in enumerate(wishes)
    ]
    found = admit(items, [], limits, T0)
    started = {intent.key for intent in found.intents}
    inside = [item for item in items if item.key in started]
    assert sum(item.queue == "p" for item in inside) <= runs
    assert sum(item.amounts.get("cpu", 0) for item in inside if item.queue == "q") <= cpu
    assert sum(item.requests.get(GPU, 0) for item in inside) <= slots
    assert len(found.intents) + len(found.waits) == len(items)
    assert all(wait.reason for wait in found.waits)
    assert found == admit(items[::-1], [], limits, T0)
    # Within a queue nobody who asks for no more starts before somebody who was first.
    for item in items:
        if item.key not in started and item.requests.get(GPU, 0) <= slots and item.amounts.get("cpu", 0) <= cpu:
            behind = [other for other in inside if other.queue == item.queue and other.since > item.since]
            assert not any(other.amounts == item.amounts and other.requests == item.requests for other in behind)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.lists(st.tuples(NAMES, st.integers(0, 3)), max_size=4)), max_size=12)
)
def test_a_line_is_what_was_put_last(steps):
    line, last = Line(), {}
    for root, wants in steps:
        items = [
            Ready(keys.generation(root, at + 1).at_attempt(1), root, queue, {}, (), T0 + timedelta(seconds=since))
            for at, (queue, since) in enumerate(wants)
        ]
        changed = line.put(root, items)
        assert changed == any(item not in items for item in last.get(root, []))
        last[root] = items
        wanted = sorted((item for some in last.values() for item in some), key=lambda item: (item.since, item.key))
        assert list(line.in_turn({}, {})) == wanted
        assert len(line) == len(wanted)
        for name in "pqr":
            inside = [item for item in wanted if item.queue == name]
            assert line.waiting(name) == inside
            assert [line.position(item.key) for item in inside] == [
                (at, len(inside)) for at in range(1, len(inside) + 1)
            ]


HISTORY = (
    Case(
        "a-queue-over-roots",
        "whoever was first gets the place that becomes free",
        [
            world(limits=queues(q=QueueLimits(runs=1))),
            push(job("a", "a", queue="q"), job("b", "b", queue="q"), job("c", "c", queue="q")),
            end("a@g1#1"),
        ],
        alive=["b@g1#1"],
        waits=["c@g1 waits for a place in queue q (1 of 1 taken)"],
    ),
    Case(
        "an-edit-of-the-queue-moves-what-waits",
        "the queue is a live field: no new generation, and what waits goes where it belongs now",
        [
            world(limits=queues(q=QueueLimits(runs=1), other=QueueLimits())),
            push(job("a", "a", queue="q"), job("b", "b", queue="q")),
            push(job("a", "a", queue="q"), job("b", "b", queue="other")),
        ],
        alive=["a@g1#1", "b@g1#1"],
    ),
    Case(
        "an-edit-of-the-queue-moves-nothing-that-runs",
        "what runs counts where it started until it ends",
        [
            world(limits=queues(q=QueueLimits(runs=1), other=QueueLimits())),
            push(job("a", "a", queue="q"), job("b", "b", queue="q")),
            push(job("a", "a", queue="other"), job("b", "b", queue="q")),
        ],
        alive=["a@g1#1"],
        waits=["b@g1 waits for a place in queue q (1 of 1 taken)"],
    ),
)


@table(*HISTORY)
def test_over_a_history(case):
    case.check()
