"""Roots that begin nothing are planned many in a transaction, and come to the same as one by one."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import anyio
import pytest
from trio.testing import MockClock

from planner.guard import Budgets
from planner.model import facts as f
from planner.model.desired import Policy as How
from planner.model.desired import RunPolicy
from planner.model.people import Command
from planner.model.schedule import CronSchedule
from planner.plan import plan_root
from reconciler import together
from reconciler.core import Core, Policy, Ports
from reconciler.errors import Transient
from reconciler.forges.memory import MemoryForge
from reconciler.loop import Loop, LoopSettings
from reconciler.queue import Queue
from tests.planner.builders import desired, job, listening
from tests.reconciler.api.support import World
from tests.reconciler.test_starts import Compiled
from tests.simulation.clock import VirtualClock

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

COUNT = 240
NEVER = 1_000_000


def many(command: str = "fit"):
    """Operations of all kinds, most of which begin nothing."""
    return [
        *(job(f"tick-{n:03}", command, schedule=CronSchedule(cron=f"{n % 60} 3 * * *")) for n in range(COUNT)),
        *(listening(job(f"hears-{n}", command), ("drift", "alert_warning")) for n in range(10)),
        *(job(f"hand-{n}", command, policy=How(run=RunPolicy.MANUAL)) for n in range(10)),
        *(job(f"runs-{n}", command) for n in range(10)),
        *(job(f"never-{n}", command, refused="it cannot run here") for n in range(10)),
    ]


@pytest.fixture
def anyio_backend():
    return "trio", {"clock": MockClock(autojump_threshold=0.0)}


class Daemon(World):
    """A daemon whose transactions and plans are counted."""

    def __init__(self, least: int) -> None:
        super().__init__(budgets=Budgets(starts=1000), clock=VirtualClock())
        self.compiled = Compiled()
        ports = Ports(self.ledger, self.backend, self.source, self.compiled, MemoryForge(), self.clock)
        self.core = Core(ports, Policy(self.identity, "main", self.budgets), "one")
        self.loop = Loop(self.core, LoopSettings(workers=3, post_interval=0.01, together=least))
        self.recorded: list[tuple[f.Fact, ...]] = []
        self.ledger.after = self._note

    async def _note(self, facts) -> None:
        self.recorded.append(tuple(facts))

    def has(self, *operations) -> None:
        """From now on the repository has these."""
        commit = self.remote.commit({f"{one.name}.yaml": one.form.encode() for one in operations})
        self.compiled.states[commit] = desired(commit, *operations)
        self.core.queue.add("source")

    async def live(self, seconds: float = 60.0) -> None:
        """Run for so long."""
        async with anyio.create_task_group() as group:
            group.start_soon(self.loop.run)
            group.start_soon(self._pump)
            await anyio.sleep(seconds)
            group.cancel_scope.cancel()

    async def _pump(self) -> None:
        while True:
            self.backend.refresh()
            await anyio.sleep(1.0)

    def transactions(self, kind: type) -> int:
        """How many transactions have facts of this kind."""
        return sum(any(isinstance(fact, kind) for fact in facts) for facts in self.recorded)

    def said(self):
        """All that is known, but for when something was seen."""
        state = self.ledger.snapshot()
        runs = {str(key): run.status for key, run in state.runs.items()}
        statuses = {key: (status.state, status.description) for key, status in state.statuses.items()}
        records = {
            name: (record.applied and record.applied.digest, record.highest, record.cursor, record.open, record.listens)
            for name, record in state.roots.items()
        }
        return runs, statuses, {name: (*one[:2], one[2] and one[2].digest, *one[3:]) for name, one in records.items()}


@pytest.fixture
async def made():
    daemons: list[Daemon] = []

    def make(least: int) -> Daemon:
        daemons.append(Daemon(least))
        return daemons[-1]

    yield make
    for daemon in daemons:
        await daemon.backend.close()


async def test_both_ways_come_to_the_same_and_one_takes_few_transactions(made):
    one_by_one, together_ = made(NEVER), made(8)
    for daemon in (one_by_one, together_):
        daemon.has(*many())
        await daemon.live()
        daemon.has(*many("other"))
        await daemon.live()
    assert one_by_one.said() == together_.said()
    assert one_by_one.transactions(f.CursorMoved) == COUNT
    assert together_.transactions(f.CursorMoved) <= COUNT // 20
    assert together_.transactions(f.Intended) == one_by_one.transactions(f.Intended) == 20


async def test_what_is_recorded_together_leads_to_what_it_would_alone(made):
    daemon = made(8)
    daemon.has(*many())
    await daemon.live()
    awake = await daemon.ledger.awake("one")
    assert len(awake.due) == COUNT + 40
    assert not awake.records
    assert all(status.state.final for status in daemon.ledger.snapshot().statuses.values())
    assert all(daemon.core.waits[name] == () for name in awake.due)
    assert daemon.loop.events.senders("alert_warning") == ["drift"]


@pytest.mark.parametrize("least", [8, NEVER])
async def test_what_is_held_says_why_whether_it_is_planned_together_or_not(made, least):
    daemon = made(least)
    daemon.core.policy = replace(daemon.core.policy, hold_first=True)
    daemon.has(*many())
    await daemon.live()
    records = await daemon.ledger.roots()
    held = {name: record.planned.hold.ident for name, record in records.items() if record.planned.hold is not None}
    assert len(held) == COUNT + 20
    assert {name: daemon.core.waits[name][0].release for name in held} == {
        name: f"plumbline approve {ident}" for name, ident in held.items()
    }
    pending = [status for status in daemon.ledger.snapshot().statuses.values() if "held" in status.description]
    assert len(pending) >= COUNT
    assert (daemon.transactions(f.StatusChanged) < COUNT) == (least == 8)


async def test_a_start_in_a_suspension_plans_everything_and_records_nothing(made):
    daemon, alone = made(8), []
    daemon.has(*many())
    await daemon.live()
    await daemon.ledger.record([f.Suspended("", active=True, by="ada", at=daemon.clock.now())])
    daemon.recorded.clear()
    daemon.loop = Loop(daemon.core, LoopSettings(workers=3, post_interval=0.01, together=8))
    reconcile = daemon.loop.roots.reconcile

    async def counted(name):
        alone.append(name)
        await reconcile(name)

    daemon.loop._kinds["root"] = counted
    await daemon.live()
    assert {type(fact) for facts in daemon.recorded for fact in facts} <= {f.CommitPlanned}
    assert alone == []
    assert all(daemon.core.waits[one.name] == () for one in many())


async def test_a_fault_in_one_plan_keeps_to_its_root(made, monkeypatch):
    daemon, planned = made(8), Counter()

    def plan(view):
        planned[view.state.record.name] += 1
        if view.state.record.name == "tick-007":
            raise ZeroDivisionError
        return plan_root(view)

    monkeypatch.setattr(together, "plan_root", plan)
    monkeypatch.setattr("reconciler.roots.plan_root", plan)
    daemon.has(*many())
    await daemon.live(5.0)
    applied = {name for name, record in (await daemon.ledger.roots()).items() if record.applied is not None}
    assert {one.name for one in many()} - applied == {"tick-007"}
    assert any("tick-007" in sentence for sentence in daemon.loop.stuck)


async def test_a_full_disk_is_met_one_by_one_and_nothing_is_lost(made):
    daemon, failures = made(8), [Transient("the disk is full")] * 5

    async def full(facts):
        if failures and any(isinstance(fact, f.CursorMoved) for fact in facts):
            raise failures.pop()

    daemon.ledger.before = full
    daemon.has(*many())
    await daemon.live()
    assert not failures
    assert all(record.applied is not None for record in (await daemon.ledger.roots()).values())


async def test_plans_of_before_a_rename_are_made_again(made, monkeypatch):
    daemon = made(8)
    daemon.has(*many())
    await daemon.live()
    advanced = daemon.transactions(f.Advanced)
    states = daemon.ledger.states
    renamed = []

    async def read(names):
        found = await states(names)
        if not renamed:
            renamed.append(daemon.core.renames)
            daemon.core.renames += 1  # a commit renames while these are planned
        return found

    monkeypatch.setattr(daemon.ledger, "states", read)
    daemon.has(*many("other"))
    await daemon.live()
    assert renamed
    assert daemon.transactions(f.Advanced) > advanced
    assert {record.applied.number for record in (await daemon.ledger.roots()).values()} == {2}


async def test_what_somebody_asks_meanwhile_is_answered(made, monkeypatch):
    daemon = made(8)
    daemon.has(*many())
    record, asked = daemon.ledger.record, []

    async def interrupted(facts, blobs=None):
        if not asked and any(isinstance(fact, f.CursorMoved) for fact in facts):
            asked.append(facts[0].root)
            command = Command("q1", "run", asked[0], {}, "ada", daemon.clock.now())
            await record([f.Asked(asked[0], command, daemon.clock.now())])
            daemon.core.queue.add(f"root:{asked[0]}")
        return await record(facts, blobs)

    monkeypatch.setattr(daemon.ledger, "record", interrupted)
    await daemon.live()
    answer = await daemon.ledger.answer("q1")
    assert answer is not None
    assert answer.ok
    assert any(run.cause == "req-q1" for run in daemon.ledger.snapshot().runs)


async def test_the_queue_gives_out_more_of_what_fits_and_keeps_who_has_them():
    queue = Queue()
    for name in ("root:a", "root:b", "source", "root:c"):
        queue.add(name)

    def fits(name: str) -> bool:
        return name.startswith("root:")

    assert await queue.get() == "root:a"
    assert queue.more(fits, 0) == []
    assert queue.more(fits, 5) == ["root:b"]
    queue.add("root:b")  # it is with somebody: it comes again when he gives it back
    assert queue.more(fits, 5) == []
    assert await queue.get() == "source"
    assert queue.more(fits, 5) == ["root:c"]
    assert queue.depth == 0
    queue.done("root:b")
    assert queue.more(fits, 5) == ["root:b"]


async def test_a_queue_that_is_closed_gives_out_no_more():
    queue = Queue()
    for name in ("root:a", "root:b"):
        queue.add(name)
    assert await queue.get() == "root:a"
    async with anyio.create_task_group() as group:
        group.start_soon(queue.close)
        await anyio.wait_all_tasks_blocked()
        assert queue.more(lambda _: True, 5) == []
        queue.done("root:a")


@pytest.mark.parametrize("waiting", [3, 40])
async def test_few_names_are_planned_one_by_one(made, waiting):
    daemon = made(32)
    daemon.has(*many()[:waiting])
    await daemon.live(timedelta(minutes=1).total_seconds())
    assert (daemon.transactions(f.CursorMoved) == waiting) == (waiting < 32)
