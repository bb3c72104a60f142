"""Queues in a daemon: a thousand roots before three places, in virtual time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import anyio
import pytest
from trio.testing import MockClock

from planner.admit import Limits
from planner.guard import Budgets
from planner.line import QueueLimits
from planner.model.facts import Intended
from reconciler.admission import waits_of
from reconciler.backends.memory import Program
from reconciler.errors import Transient
from tests.reconciler.api.support import World, job
from tests.simulation.clock import VirtualClock

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

MANY = 1000
SECONDS = Program(seconds=1.0)


@pytest.fixture
def anyio_backend():
    return "trio", {"clock": MockClock(autojump_threshold=0.0)}


class Crowd(World):
    """A daemon whose operations all wait in the queue `gpu`, with what it recorded and planned."""

    def __init__(self, count: int, limits: Limits) -> None:
        names = [f"op-{number:04}" for number in range(count)]
        super().__init__(
            budgets=Budgets(starts=count),
            programs=dict.fromkeys(names, SECONDS),
            limits=limits,
            clock=VirtualClock(),
            workers=8,
        )
        self.names, self.most, self.order, self.planned = names, Counter(), [], Counter()
        self.ledger.after = self._look

    async def _look(self, facts) -> None:
        claims = Counter(claim.queue for claim in await self.ledger.claims())
        self.most |= claims
        self.order += [fact.root for fact in facts if isinstance(fact, Intended)]

    def count_plans(self) -> None:
        """Count how often each operation is planned."""
        reconcile = self.loop.roots.reconcile

        async def counted(name: str) -> None:
            self.planned[name] += 1
            await reconcile(name)

        self.loop._kinds["root"] = counted

    async def pump(self) -> None:
        """Have programs end."""
        while True:
            self.backend.refresh()
            await anyio.sleep(0.5)

    async def until_all_started(self) -> None:
        """Return when every operation has started."""
        await until(lambda: set(self.order) == set(self.names))


async def until(holds: Callable[[], bool]) -> None:
    """Return when `holds` does: virtual time flies while a thread compiles."""
    with anyio.fail_after(100_000):
        while not holds():  # noqa: ASYNC110 -- it is virtual time that passes
            await anyio.sleep(1.0)


def gpu(runs: int) -> Limits:
    return Limits(queues={"gpu": QueueLimits(runs=runs), "rest": QueueLimits()})


async def running(world: Crowd, group: anyio.abc.TaskGroup) -> None:
    group.start_soon(world.loop.run)
    group.start_soon(world.pump)


async def test_a_thousand_roots_never_exceed_a_queue_of_three():
    world = Crowd(MANY, gpu(3))
    world.count_plans()
    world.push({f"{name}.yaml": job(name, more="queue: gpu") for name in world.names})
    async with anyio.create_task_group() as group:
        await running(world, group)
        await world.until_all_started()
        group.cancel_scope.cancel()
    await world.backend.close()
    assert world.most == {"gpu": 3}
    assert len(world.order) == MANY
    assert world.order == sorted(world.order)  # they were opened in this order, and nobody passes
    # A place that becomes free costs the plans of those who leave and get it, not of everybody who waits.
    assert max(world.planned.values()) < 20


async def test_who_cannot_be_planned_keeps_nobody_behind_it_waiting():
    world = Crowd(3, gpu(1))
    reconcile, broken = world.loop.roots._plan, "op-0001"

    async def plan(state, snapshot):
        if state.record.name == broken and "op-0000" in world.order:
            raise Transient("its form cannot be read")
        return await reconcile(state, snapshot)

    world.loop.roots._plan = plan
    world.push({f"{name}.yaml": job(name, more="queue: gpu") for name in world.names})
    async with anyio.create_task_group() as group:
        await running(world, group)
        await until(lambda: "op-0002" in world.order)
        group.cancel_scope.cancel()
    await world.backend.close()
    assert world.order == ["op-0000", "op-0002"]


async def test_whoever_waits_knows_its_position_and_moves_with_its_queue():
    world = Crowd(4, gpu(1))
    world.programs = dict.fromkeys(world.names, Program(seconds=None))
    files = {f"{name}.yaml": job(name, more="queue: gpu") for name in world.names}
    world.push(files)
    async with anyio.create_task_group() as group:
        await running(world, group)
        await until(lambda: len(world.core.line) == 3)
        (wait,) = waits_of(world.core, "op-0002")
        assert wait.reason == "a place in queue gpu (1 of 1 taken), position 2 of 3"
        found = await world.service.queues("gpu")
        assert found["runs"] == {"limit": 1, "used": 1}
        assert [one["run"] for one in found["held"]] == ["op-0000@g1"]
        assert [one["run"] for one in found["waiting"]] == ["op-0001@g1", "op-0002@g1", "op-0003@g1"]
        assert found["waiting"][0]["reason"] == "a place in queue gpu (1 of 1 taken)"
        # Its queue is a live field: an edit moves what waits, and what runs goes on.
        world.push({**files, "op-0002.yaml": job("op-0002", more="queue: rest")})
        await until(lambda: len(world.core.line) == 2)
        assert world.order == ["op-0000", "op-0002"]
        everything = {queue["queue"]: queue for queue in (await world.service.queues())["queues"]}
        assert [one["run"] for one in everything["rest"]["held"]] == ["op-0002@g1"]
        assert waits_of(world.core, "op-0003")[0].reason.endswith("position 2 of 2")
        group.cancel_scope.cancel()
    await world.backend.close()


async def test_after_a_restart_whoever_was_first_is_first():
    world = Crowd(5, gpu(1))
    world.push({f"{name}.yaml": job(name, more="queue: gpu") for name in world.names})
    world.core.policy = world.core.policy.__class__(world.identity, "main", world.budgets, limits=gpu(0))
    async with anyio.create_task_group() as group:
        await running(world, group)
        await until(lambda: len(world.core.line) == 5)
        group.cancel_scope.cancel()
    assert world.order == []
    again = Crowd(5, gpu(1))
    again.ledger, again.core.ledger = world.ledger, world.ledger
    again.core.source, again.core.compiler, again.core.backend = world.core.source, world.core.compiler, world.backend
    await again.backend.close()
    again.backend, world.ledger.after = world.backend, again._look
    # However they are looked at after the start, the queue goes by who was opened first.
    roots = world.ledger.roots

    async def backwards():
        return dict(reversed((await roots()).items()))

    world.ledger.roots = backwards
    async with anyio.create_task_group() as group:
        await running(again, group)
        await again.until_all_started()
        group.cancel_scope.cancel()
    await world.backend.close()
    assert again.order == world.names
