"""From the ledger to a forge with an API: what is parked, what is spared, and how long a forge is left alone."""

from __future__ import annotations

from datetime import timedelta

import pytest
import trio
import trio.testing

from planner.model.commits import Change, StatusState, What
from planner.model.facts import CommitPlanned, StatusChanged
from planner.outbox import Budget
from planner.publish import context_of
from reconciler.loop import Loop
from tests.forges.forge import FakeForge
from tests.forges.github import GitHubSpelling
from tests.forges.parts import github, sha
from tests.forges.state import State
from tests.reconciler.api.support import World
from tests.simulation.clock import VirtualClock

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

PENDING, SUCCESS, FAILURE = StatusState.PENDING, StatusState.SUCCESS, StatusState.FAILURE


@pytest.fixture
def anyio_backend():
    return "trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}


class Place:
    """A daemon's publisher before a forge that has commits 1 to 3."""

    def __init__(self, script=(), budget=None) -> None:
        self.fake = FakeForge(GitHubSpelling(), script, State(commits={sha(1), sha(2), sha(3)}))
        self.world = World(clock=VirtualClock())
        self.core = self.world.core
        self.core.forge = github(self.fake, budget=budget or Budget())
        self.loop = Loop(self.core)
        self.ledger = self.core.ledger

    async def plan(self, number: int, operations: int) -> None:
        changes = tuple(Change(f"op-{index}", What.CHANGED) for index in range(operations))
        await self.ledger.record([CommitPlanned(sha(number), "t", "main", self.core.clock.now(), changes, 0, "")])

    async def say(self, number: int, state=PENDING, root: str = "", words: str = "words") -> None:
        context, now = context_of("test", root), self.core.clock.now()
        await self.ledger.record([StatusChanged(root, sha(number), context, state, words, now)])
        self.core.queue.add("forge")

    async def work(self, seconds: float) -> None:
        """Let a worker of the loop go on for a while."""
        with trio.move_on_after(seconds):
            await self.loop._work()
        self.core.queue._working.clear()

    def shown(self) -> dict[tuple[str, str], str]:
        found = self.fake.state.shown().items()
        return {(commit.lstrip("0"), context): shown.state for (commit, context), shown in found}

    async def close(self) -> None:
        await self.core.forge.close()
        await self.world.backend.close()


@pytest.fixture
async def place():
    made = Place()
    yield made
    await made.close()


async def test_what_the_forge_never_takes_is_parked_and_holds_up_nothing(place):
    for number in (8, 1, 9, 2):
        await place.plan(number, 0)
        await place.say(number)
    await place.work(20)
    assert place.shown() == {("1", "plumbline/test"): "pending", ("2", "plumbline/test"): "pending"}
    assert await place.ledger.unposted(9) == []
    (first, second) = place.loop.stuck
    assert first.startswith("the forge will not show plumbline/test on 0000000000, and is not asked again: GitHub")
    assert "No commit found for SHA" in second
    assert len(place.fake.state.asked) == 4
    place.core.queue.add("forge")
    await place.work(300)
    assert len(place.fake.state.asked) == 4


async def test_what_is_parked_is_shown_after_a_restart_and_tried_when_it_says_something_new(place):
    await place.plan(8, 0)
    await place.say(8)
    await place.work(5)
    loop = Loop(place.core)
    assert loop.stuck == ()
    await loop.publisher.restore()
    assert len(loop.stuck) == 1
    place.loop = loop
    place.fake.state.commits.add(sha(8))
    await place.say(8, SUCCESS)
    await place.work(20)
    assert place.shown() == {("8", "plumbline/test"): "success"}
    assert loop.stuck == ()


async def test_a_thousand_runs_cost_a_write_for_a_context_in_ten_seconds_and_no_read():
    place = Place(budget=Budget(writes=20, roots=50, apart=timedelta(seconds=10)))
    await place.plan(1, 1000)
    begun = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(place.loop._work)
        for state, words in ((PENDING, "planned"), (PENDING, "running"), (SUCCESS, "succeeded")):
            for index in range(1000):
                await place.say(1, state, f"op-{index}", words)
                if index % 100 == 0:
                    await place.say(1, PENDING, "", f"{index} of 1000 {words}")
                    await trio.sleep(5.0)
        await place.say(1, SUCCESS, "", "1000 operations done")
        await trio.sleep(60)
        nursery.cancel_scope.cancel()
    assert place.shown() == {("1", "plumbline/test"): "success"}
    asked = place.fake.state.asked
    assert {one.method for one in asked} == {"POST"}
    assert len(asked) <= (trio.current_time() - begun) / 10 + 2
    assert len(asked) <= 21
    await place.close()


async def test_every_operation_of_a_small_commit_has_its_end(place):
    await place.plan(1, 3)
    for state in (PENDING, FAILURE):
        for index in range(3):
            await place.say(1, state, f"op-{index}")
        await place.say(1, state)
        await place.work(30)
    assert place.shown() == {
        ("1", "plumbline/test"): "failure",
        **{("1", f"plumbline/test/op-{index}"): "failure" for index in range(3)},
    }


async def test_nobody_is_asked_for_each_state_while_the_forge_says_no_to_everything():
    place = Place(["401"] * 1000)
    await place.plan(1, 3)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(place.loop._work)
        for index in range(600):
            await place.say(1, PENDING, f"op-{index % 3}", f"words {index}")
            await trio.sleep(0.1)
            assert index < 10 or any("401" in words for words in place.loop.stuck)
        nursery.cancel_scope.cancel()
    assert len(place.fake.state.asked) <= 12
    await place.close()


async def test_a_limit_is_waited_for_and_then_everything_is_told():
    place = Place(["", "403-secondary"])
    await place.plan(1, 3)
    for index in range(3):
        await place.say(1, SUCCESS, f"op-{index}")
    await place.work(29)
    assert len(place.shown()) == 1
    assert len(place.fake.state.asked) == 2
    place.core.queue.add("forge", 3.0)
    await place.work(20)
    assert len(place.shown()) == 3
    assert len(place.fake.state.asked) == 4
    await place.close()


async def test_many_that_have_to_wait_cost_no_look_each_moment_and_hide_no_end():
    place = Place()
    looks, unposted = [], place.ledger.unposted

    async def counted(limit: int):
        looks.append(trio.current_time())
        return await unposted(limit)

    for number in (1, 2, 3):
        await place.plan(number, 50)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(place.loop._work)
        for words in ("planned", "running"):
            for number in (1, 2, 3):
                for index in range(50):
                    await place.say(number, PENDING, f"op-{index}", words)
            await trio.sleep(1.0)
        place.ledger.unposted = counted
        await place.say(2, FAILURE, "op-7")
        await trio.sleep(5.0)
        assert place.shown()["2", "plumbline/test/op-7"] == "failure"
        assert len(looks) < 10
        await trio.sleep(30.0)
        nursery.cancel_scope.cancel()
    assert await unposted(1000) == []
    await place.close()
