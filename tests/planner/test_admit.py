"""Admission: who starts now, and with what; claims of live attempts are all that it knows of the world."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner import keys
from planner.admit import Limits, admit
from planner.desire.view import Ready
from planner.model.gang import Update
from planner.model.records import Claim
from planner.model.run import Leases
from tests.planner.builders import dag, job, node, rolling, service
from tests.planner.cases import Case, table
from tests.planner.history import T0, after, ask, decisions, end, gone, push, wait, world

pytestmark = pytest.mark.unit

GPU = "nvidia.com/gpu"


def ready(
    name: str,
    opened: float = 0,
    *,
    ports: Sequence[int] = (),
    lane: int = 0,
    leased: Mapping[int, int] | None = None,
    queue: str = "",
    **requests: int,
) -> Ready:
    """The first attempt of a root's first generation that was opened so many seconds after T0."""
    return Ready(
        key=keys.generation(name, 1).at_attempt(1),
        root=name,
        queue=queue,
        requests={item.replace("gpu", GPU): amount for item, amount in requests.items()},
        ports=tuple(ports),
        since=T0 + timedelta(seconds=opened),
        lane=lane,
        leased=leased or {},
    )


def claim(name: str, *, ports: Sequence[int] = (), slots: Mapping[str, Sequence[int]] | None = None) -> Claim:
    leases = Leases(tuple(ports), {item: tuple(indexes) for item, indexes in (slots or {}).items()})
    return Claim(keys.generation(name, 1).at_attempt(1), name, "", {}, leases)


def started(found) -> list[str]:
    return [intent.root for intent in found.intents]


def test_nothing_is_ready():
    assert ((), ()) == (admit([], [], Limits(), T0).intents, admit([], [], Limits(), T0).waits)


def test_without_limits_all_start():
    found = admit([ready("a"), ready("b"), ready("c", gpu=8)], [], Limits(), T0)
    assert ["a", "b", "c"] == started(found)
    assert {} == found.intents[2].leases.slots  # what is not counted is not leased


def test_a_gpu_that_is_not_counted_waits_where_anything_is():
    found = admit([ready("a", gpu=1), ready("b")], [], Limits(slots={"licence": 1}), T0)
    assert ["b"] == started(found)
    assert [f"1 of {GPU} (none in `slots` of the backend)"] == [wait.reason for wait in found.waits]


def test_the_oldest_first_then_by_name():
    items = [ready("c", 5), ready("b", 5), ready("a", 9), ready("d", 1)]
    assert ["d", "b", "c", "a"] == started(admit(items, [], Limits(), T0))
    found = admit(items, [], Limits(runs=2), T0)
    assert ["d", "b"] == started(found)
    assert ["c@g1", "a@g1"] == [str(wait.key) for wait in found.waits]


def test_waits_say_for_what_and_since_when():
    found = admit([ready("a"), ready("b", 3, queue="big")], [], Limits(runs=1), T0)
    assert "a place on the machine (1 of 1 taken)" == found.waits[0].reason
    assert T0 + timedelta(seconds=3) == found.waits[0].since
    found = admit([ready("a", gpu=2)], [], Limits(slots={GPU: 1}), T0)
    assert f"2 of {GPU} (there are 1 in all)" == found.waits[0].reason


def test_a_claim_takes_a_place_whether_its_object_exists_or_not():
    found = admit([ready("b")], [claim("a")], Limits(runs=1), T0)
    assert [] == started(found)


def test_what_is_claimed_already_neither_starts_nor_waits():
    found = admit([ready("a"), ready("b")], [claim("a")], Limits(), T0)
    assert (["b"], ()) == (started(found), found.waits)


def test_one_attempt_that_is_ready_twice_starts_once():
    found = admit([ready("a", gpu=1), ready("a", gpu=1)], [], Limits(slots={GPU: 2}), T0)
    assert ["a"] == started(found)
    assert ["b"] == started(admit([ready("b", gpu=1)], [claim("a", slots={GPU: (0,)})], Limits(slots={GPU: 2}), T0))


def test_slots_are_leased_one_by_one():
    limits = Limits(slots={GPU: 4})
    held = [claim("x", slots={GPU: (1,)})]
    found = admit([ready("a", 1, gpu=2), ready("b", 2, gpu=1), ready("c", 3, gpu=1)], held, limits, T0)
    assert {"a": (0, 2), "b": (3,)} == {intent.root: intent.leases.slots[GPU] for intent in found.intents}
    assert ["c@g1"] == [str(wait.key) for wait in found.waits]


def test_what_never_fits_waits_and_those_behind_it_pass():
    found = admit([ready("big", 1, gpu=4), ready("small", 2, gpu=1)], [], Limits(slots={GPU: 2}), T0)
    assert (["small"], ["big@g1"]) == (started(found), [str(wait.key) for wait in found.waits])


def test_a_service_gets_the_port_that_it_declares():
    assert (8080, 9090) == admit([ready("a", ports=(8080, 9090))], [], Limits(), T0).intents[0].leases.ports


@pytest.mark.parametrize(
    ("item", "held", "taken", "ports", "reason"),
    [
        pytest.param(ready("a", ports=[80]), [claim("x", ports=[80])], [], (100,), "another run has it", id="claimed"),
        pytest.param(ready("a", ports=[80]), [], [80], (100,), "another program has it", id="busy"),
        pytest.param(ready("a", ports=[80]), [], [80, 100, 101], (102,), "the first free one", id="first free"),
        pytest.param(ready("a", ports=[80], leased={80: 107}), [], [], (107,), "an address is kept", id="had before"),
        pytest.param(
            ready("a", ports=[80], leased={80: 107}), [], [107], (80,), "unless somebody took it", id="had and lost"
        ),
        pytest.param(
            ready("a", ports=[80], lane=1), [], [], (100,), "the other lane never has the declared one", id="lane"
        ),
        pytest.param(ready("a", ports=[80, 80]), [], [], (80, 100), "no port twice", id="twice"),
        pytest.param(
            ready("a", ports=[80]), [], range(80, 110), (80,), "nothing free: the program will say so", id="exhausted"
        ),
    ],
)
def test_ports(item, held, taken, ports, reason):
    found = admit([item], held, Limits(ports=(100, 109)), T0, frozenset(taken))
    assert ports == found.intents[0].leases.ports, reason


def test_two_services_never_get_one_port():
    found = admit([ready("a", 1, ports=[80]), ready("b", 2, ports=[80])], [], Limits(ports=(100, 109)), T0)
    assert [(80,), (100,)] == [intent.leases.ports for intent in found.intents]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.lists(st.integers(100, 104), max_size=2), st.integers(0, 9)), max_size=8),
    st.integers(0, 4),
    st.integers(1, 5),
)
def test_leases_are_disjoint_and_within_limits(wishes, runs, slots):
    limits = Limits(runs=runs, slots={GPU: slots}, ports=(100, 130))
    items = [ready(f"r{n}", since, ports=ports, gpu=gpus) for n, (gpus, ports, since) in enumerate(wishes)]
    found = admit(items, [], limits, T0)
    assert len(found.intents) <= runs
    assert len(found.intents) + len(found.waits) == len(items)
    leased = [index for intent in found.intents for index in intent.leases.slots.get(GPU, ())]
    ports = [port for intent in found.intents for port in intent.leases.ports]
    assert len(set(leased)) == len(leased)
    assert all(0 <= index < slots for index in leased)
    assert len(set(ports)) == len(ports)
    for intent in found.intents:
        assert len(intent.leases.slots.get(GPU, ())) == intent.requests.get(GPU, 0)
    assert found == admit(list(reversed(items)), [], limits, T0)


# Over a history

LEASES = (
    Case(
        "an-open-intent-holds-its-place",
        "an intent whose object nobody saw yet holds its slot",
        [world(limits=Limits(runs=1), answers=False), push(job("a", "a"), job("b", "b"))],
        then=["a g1 in force", "opens a@g1", "starts a@g1#1", "b g1 in force", "opens b@g1"],
        waits=["b@g1 waits for a place on the machine (1 of 1 taken)"],
    ),
    Case(
        "a-stop-frees-nothing-yet",
        "what is being stopped holds its slot until its end was seen",
        [
            world(limits=Limits(runs=1)),
            push(job("a", "a"), job("b", "b")),
            world(stops_at_once=False),
            ask("stop", "a"),
        ],
        alive=["a@g1#1"],
    ),
    Case(
        "an-end-frees",
        "an end frees it for the next",
        [world(limits=Limits(runs=1)), push(job("a", "a"), job("b", "b")), end("a@g1#1")],
        then=["a@g1 succeeded", "starts b@g1#1"],
    ),
    Case(
        "a-loss-frees",
        "so does a loss",
        [world(limits=Limits(runs=1)), push(job("a", "a"), job("b", "b")), gone("a@g1#1")],
        alive=["b@g1#1"],
    ),
    Case(
        "gpus-over-a-dag",
        "children of one DAG share the machine with all others",
        [
            world(limits=Limits(slots={GPU: 2})),
            push(dag("flow", node(job("a", "a", gpu=1)), node(job("b", "b", gpu=2)))),
        ],
        alive=["flow@g1/a#1"],
        waits=[f"flow@g1/b waits for 2 of {GPU} (1 free)"],
    ),
)


@table(*LEASES)
def test_claims(case):
    case.check()


def ports_of(history, key: str) -> list[tuple[int, ...]]:
    return [attempt.leases.ports for attempt in history.run(key).attempts]


def test_a_service_keeps_its_port_over_restarts_and_generations():
    taken = Limits(ports=(100, 109))
    history = after(
        push(service("z"), service("serve")),
        end("z@g1#1", 1),
        wait(1),
        end("z@g1#2", 1),
        wait(2),
        push(service("z", "other"), service("serve")),
        limits=taken,
    )
    assert [(8080,)] == ports_of(history, "serve@g1")
    assert [(100,), (100,), (100,)] == ports_of(history, "z@g1")
    assert [(100,)] == ports_of(history, "z@g2")


def test_a_rolling_service_has_two_lanes_in_turn():
    history = after(
        push(rolling()),
        push(rolling(command="two")),
        push(rolling(command="three")),
        push(rolling(command="four")),
        limits=Limits(ports=(100, 109)),
    )
    found = [ports_of(history, f"serve@g{number}") for number in range(1, 5)]
    assert [[(100,)], [(8080,)], [(100,)], [(8080,)]] == found


def test_two_generations_of_a_rolling_service_never_share_a_port():
    history = after(
        push(rolling()),
        world(ready=False),
        push(rolling(command="two")),
        push(rolling(command="three")),
        end("serve@g1#1", 1),
        wait(1),
    )
    ports = [ports_of(history, key.partition("#")[0])[-1] for key in history.alive()]
    assert ["serve@g1#2", "serve@g3#1"] == history.alive()
    assert len(set(ports)) == 2


def test_a_change_of_lanes_moves_nothing_that_runs():
    history = after(push(service()), push(service(update=Update.ROLLING)))
    assert [] == decisions(history.facts)
    assert ["serve@g1#1"] == history.alive()
