"""Who leads: in virtual time, against a Lease that is kept as the API server keeps it and answers as badly as any."""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import anyio
import pytest
import trio
import trio.testing

from reconciler.backends.kubernetes.denied import Denied
from reconciler.backends.kubernetes.election import Election, Place, Times
from reconciler.backends.kubernetes.lease import Claim, read
from reconciler.errors import Transient, Unusable

pytestmark = pytest.mark.unit

TIMES = Times(duration=15, renew=10, retry=2)
PLACE = Place("ml", "plumbline")


class Leases:
    """An API server with one Lease. `mood` is how it answers: "", "away", "silent", "forbidden" or "forgets to say"."""

    def __init__(self) -> None:
        self.body: dict[str, Any] | None = None
        self.version = 100
        self.mood = ""
        self.delay = 0.0

    async def call(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        assert path == (PLACE.collection if method == "POST" else PLACE.path)
        await anyio.sleep(self.delay)
        match self.mood:
            case "away":
                raise Transient("the API server cannot be reached")
            case "silent":
                await anyio.sleep_forever()
            case "forbidden":
                raise Denied(403, "Forbidden", 'leases "plumbline" is forbidden')
        answer = self._answer(method, body)
        if self.mood == "forgets to say" and method != "GET":
            raise Transient("the connection was cut")
        return answer

    def _answer(self, method: str, body: Any) -> dict[str, Any]:
        if method == "POST":
            if self.body is not None:
                raise Denied(409, "AlreadyExists", "it is there")
            return self.put(body)
        if self.body is None:
            raise Denied(404, "NotFound", "it is not there")
        if method == "PUT":
            if body["metadata"].get("resourceVersion") != self.body["metadata"]["resourceVersion"]:
                raise Denied(409, "Conflict", "it was changed")
            return self.put(body)
        return copy.deepcopy(self.body)

    def put(self, body: Any) -> dict[str, Any]:
        self.version += 1
        self.body = copy.deepcopy(body)
        self.body.setdefault("metadata", {})["resourceVersion"] = str(self.version)
        return copy.deepcopy(self.body)

    def spec(self, **changes: Any) -> None:
        """What a person writes into it."""
        assert self.body is not None
        self.put({**self.body, "spec": {**self.body["spec"], **changes}})

    @property
    def holder(self) -> str:
        return read(self.body).holder if self.body is not None else ""


@dataclass
class Bell:
    at: float = math.inf

    def set(self, at: float) -> None:
        self.at = at

    def stop(self) -> None:
        self.at = math.inf


@dataclass
class Replica:
    """One process: stands by, leads, and ends; it believes that it leads between `since` and `until`."""

    name: str
    leases: Leases
    bell: Bell = field(default_factory=Bell)
    term: int = 0
    since: float = math.inf
    until: float = math.inf
    why: str = ""

    def __post_init__(self) -> None:
        claim = Claim(self.name, {"pods": f"{self.name}:1"}, int(TIMES.duration))
        self.election = Election(self.leases, PLACE, claim, TIMES, self.bell)

    async def live(self) -> None:
        self.term = await self.election.win()
        self.since = anyio.current_time()
        try:
            await self.election.hold()
        except Unusable as error:
            self.why, self.until = error.message, anyio.current_time()

    @property
    def leads(self) -> bool:
        return self.since <= anyio.current_time() < min(self.until, self.bell.at)


def virtual(test: Callable[[], Awaitable[None]]) -> Callable[[], None]:
    def run() -> None:
        trio.run(test, clock=trio.testing.MockClock(autojump_threshold=0))

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


@virtual
async def test_one_leads_and_the_next_one_has_a_later_term():
    leases = Leases()
    first, second = Replica("one", leases), Replica("two", leases)
    async with anyio.create_task_group() as group:
        async with anyio.create_task_group() as life:
            life.start_soon(first.live)
            await anyio.sleep(0.1)
            group.start_soon(second.live)
            await anyio.sleep(100)
            assert (first.leads, second.leads) == (True, False)
            assert second.election.seen.holder == "one"
            assert second.election.seen.addresses == {"pods": "one:1"}
            life.cancel_scope.cancel()
        await first.election.release()
        await anyio.sleep(TIMES.retry)
        assert second.leads, "what is let go of is taken at the next look"
        assert second.term > first.term
        group.cancel_scope.cancel()
    assert leases.body["spec"]["leaseTransitions"] == 1


@virtual
async def test_a_leader_that_is_gone_is_followed_when_its_time_is_over_and_not_before():
    leases = Leases()
    first, second = Replica("one", leases), Replica("two", leases)
    async with anyio.create_task_group() as group:
        async with anyio.create_task_group() as life:
            life.start_soon(first.live)
            await anyio.sleep(31)
            life.cancel_scope.cancel()  # as a kill does
        group.start_soon(second.live)
        await anyio.sleep(TIMES.duration - 1)
        assert leases.holder == "one"
        await anyio.sleep(1 + TIMES.retry)
        assert second.leads
        group.cancel_scope.cancel()


@virtual
async def test_an_outage_that_is_shorter_than_the_time_to_renew_costs_nothing():
    for mood in ("away", "silent", "forbidden", "forgets to say"):
        leases = Leases()
        first, second = Replica("one", leases), Replica("two", leases)
        async with anyio.create_task_group() as group:
            group.start_soon(first.live)
            await anyio.sleep(5)
            group.start_soon(second.live)
            for _ in range(5):
                leases.mood = mood
                # What is asked of a server that is silent is asked again later: no answer comes of it any more.
                await anyio.sleep(TIMES.renew - (TIMES.patience if mood == "silent" else TIMES.retry / 4) - 0.1)
                leases.mood = ""
                await anyio.sleep(2 * TIMES.retry)
            await anyio.sleep(60)
            assert (first.leads, second.leads) == (True, False), mood
            assert not first.why
            group.cancel_scope.cancel()


@virtual
async def test_who_cannot_renew_ends_before_anybody_else_begins():
    for mood in ("away", "silent", "forbidden"):
        leases = Leases()
        first, second = Replica("one", leases), Replica("two", leases)
        async with anyio.create_task_group() as group:
            group.start_soon(first.live)
            await anyio.sleep(5)
            group.start_soon(second.live)
            await anyio.sleep(5)
            leases.mood, began = mood, anyio.current_time()
            await anyio.sleep(60)
            assert first.until - began <= TIMES.limit
            assert "could not be renewed for 10 s (" in first.why
            assert second.election.unseen
            leases.mood = ""
            await anyio.sleep(TIMES.duration)
            assert second.leads
            assert second.term > first.term
            group.cancel_scope.cancel()


@virtual
async def test_a_lease_that_was_taken_without_anybody_saying_so_is_ours():
    leases = Leases()
    leases.mood = "forgets to say"
    first = Replica("one", leases)
    async with anyio.create_task_group() as group:
        group.start_soon(first.live)
        await anyio.sleep(20)
        assert leases.holder == "one"
        assert not first.leads, "it does not know yet"
        leases.mood = ""
        await anyio.sleep(TIMES.retry)
        assert first.leads
        group.cancel_scope.cancel()


@virtual
async def test_a_lease_that_somebody_removes_is_made_again_by_its_leader():
    leases = Leases()
    first, second = Replica("one", leases), Replica("two", leases)
    async with anyio.create_task_group() as group:
        async with anyio.create_task_group() as life:
            life.start_soon(first.live)
            await anyio.sleep(0.5)
            leases.body = None
            await anyio.sleep(TIMES.retry)
            assert (leases.holder, first.leads) == ("one", True)
            leases.body = None
            life.cancel_scope.cancel()
        group.start_soon(second.live)
        await anyio.sleep(TIMES.retry)
        assert second.term > first.term, "though the lease begins anew"
        group.cancel_scope.cancel()


@virtual
async def test_who_finds_the_lease_with_somebody_else_ends_at_once():
    for holder, words in (("two", "two has it"), ("", "nobody has it"), (None, "nobody has it")):
        leases = Leases()
        first = Replica("one", leases)
        async with anyio.create_task_group() as group:
            group.start_soon(first.live)
            await anyio.sleep(5)
            leases.spec(holderIdentity=holder)
            began = anyio.current_time()
            await anyio.sleep(60)
            group.cancel_scope.cancel()
        assert first.until - began <= TIMES.retry
        assert first.why == f"this daemon leads no more, and ends: the lease ml/plumbline is lost, {words}"
        assert first.bell.at <= first.until + TIMES.retry
        await first.election.release()
        assert leases.holder == (holder or ""), "what is not ours is not let go of"


@virtual
async def test_a_lease_that_says_nothing_sensible_is_free_in_time():
    for spec in ({}, {"holderIdentity": None}, {"holderIdentity": "x", "leaseDurationSeconds": "soon"}, None, []):
        leases = Leases()
        leases.put({"metadata": {"name": "plumbline", "labels": {"of": "somebody"}}, "spec": spec})
        first = Replica("one", leases)
        async with anyio.create_task_group() as group:
            group.start_soon(first.live)
            await anyio.sleep(TIMES.duration + TIMES.retry)
            assert first.leads, spec
            assert leases.body["metadata"]["labels"] == {"of": "somebody"}
            group.cancel_scope.cancel()


@virtual
async def test_the_time_that_a_holder_asked_for_counts():
    leases = Leases()
    leases.put({"metadata": {"name": "plumbline"}, "spec": {"holderIdentity": "slow", "leaseDurationSeconds": 60}})
    first = Replica("one", leases)
    async with anyio.create_task_group() as group:
        group.start_soon(first.live)
        await anyio.sleep(59)
        assert not first.leads
        await anyio.sleep(1 + TIMES.retry)
        assert first.leads
        group.cancel_scope.cancel()


@virtual
async def test_a_term_that_a_ledger_of_another_cluster_has_seen_is_passed():
    leases = Leases()
    first, second = Replica("one", leases), Replica("two", leases)
    async with anyio.create_task_group() as group:
        async with anyio.create_task_group() as life:
            life.start_soon(first.live)
            await anyio.sleep(1)
            assert first.term < 1_000_000
            assert await first.election.raise_above(1_000_000) == 1_000_001
            await anyio.sleep(60)
            assert first.leads
            life.cancel_scope.cancel()
        await first.election.release()
        group.start_soon(second.live)
        await anyio.sleep(TIMES.retry)
        assert second.term == 1_000_002
        group.cancel_scope.cancel()


@virtual
async def test_who_leads_no_more_does_not_raise_its_term():
    leases = Leases()
    first = Replica("one", leases)
    async with anyio.create_task_group() as group:
        group.start_soon(first.live)
        await anyio.sleep(1)
        leases.spec(holderIdentity="two")
        with pytest.raises(Unusable, match="two has it"):
            await first.election.raise_above(5)
        group.cancel_scope.cancel()


@pytest.mark.parametrize("seed", range(10))
def test_never_do_two_believe_that_they_lead(seed):
    """Replicas that come, are killed, let go, are cut off and wait for answers; nobody removes the Lease."""
    dice = random.Random(seed)

    async def history() -> None:
        leases = Leases()
        replicas: list[Replica] = []
        reigns: list[Replica] = []

        async def one(number: int) -> None:
            while True:
                replica = Replica(f"r{number}-{len(replicas)}", leases)
                replicas.append(replica)
                with anyio.move_on_after(dice.uniform(5, 200)) as scope:
                    await replica.live()
                replica.until = min(replica.until, anyio.current_time())
                if scope.cancelled_caught and dice.random() < 0.5:
                    await replica.election.release()
                await anyio.sleep(dice.uniform(0, 10))

        async def trouble() -> None:
            while True:
                await anyio.sleep(dice.expovariate(1 / 20))
                leases.mood = dice.choice(["", "away", "silent", "forgets to say", "forbidden"])
                leases.delay = dice.choice([0.0, 0.0, 0.2, 2.0])
                await anyio.sleep(dice.uniform(0, 25))
                leases.mood, leases.delay = "", 0.0

        with anyio.move_on_after(1000):
            async with anyio.create_task_group() as group:
                for number in range(3):
                    group.start_soon(one, number)
                group.start_soon(trouble)
                while True:
                    await anyio.sleep(0.25)
                    leading = [replica for replica in replicas if replica.leads]
                    assert len(leading) <= 1, [replica.name for replica in leading]
                    if leading and leading[0] not in reigns:
                        reigns.append(leading[0])
        assert len(reigns) > 2, "it has to be about something"
        terms = [replica.term for replica in reigns]
        assert terms == sorted(set(terms))

    trio.run(history, clock=trio.testing.MockClock(autojump_threshold=0))
