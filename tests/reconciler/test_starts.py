"""A daemon that starts: who is planned at once, who when it is due, and what is noted for the next start."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import anyio
import pytest
from trio.testing import MockClock

from planner.guard import Budgets
from planner.model import facts as f
from planner.model.desired import CompiledOperation, DesiredState
from planner.model.schedule import CronSchedule
from reconciler import resting
from reconciler.backends.memory import Program
from reconciler.core import Core, Policy, Ports
from reconciler.errors import Transient
from reconciler.forges.memory import MemoryForge
from reconciler.loop import Loop, LoopSettings
from reconciler.observe import Surveyed
from reconciler.ports import RunQuery
from tests.planner.builders import desired, job
from tests.reconciler.api.support import World
from tests.simulation.clock import VirtualClock

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

HOURLY = job("hourly", schedule=CronSchedule(cron="0 * * * *"))
ONCE, RUNS = job("once"), job("runs")
MINUTE = timedelta(minutes=1)


@pytest.fixture
def anyio_backend():
    return "trio", {"clock": MockClock(autojump_threshold=0.0)}


class Compiled:
    """A `Compiler` that has compiled everything before: real ones need a thread, and virtual time flies meanwhile."""

    def __init__(self) -> None:
        self.states: dict[str, DesiredState] = {}

    async def compile(self, commit, in_force):
        return self.states[commit.id]


class Lives(World):
    """A daemon that may be started again over the same ledger, backend and repository, and who is planned."""

    def __init__(self) -> None:
        super().__init__(budgets=Budgets(starts=50), clock=VirtualClock(), programs={"runs": Program(seconds=None)})
        self.compiled = Compiled()
        self.again("one")

    def has(self, *operations: CompiledOperation) -> None:
        """From now on the repository has these."""
        commit = self.remote.commit({f"{one.name}.yaml": one.form.encode() for one in operations})
        self.compiled.states[commit] = desired(commit, *operations)

    def again(self, edition: str) -> None:
        """Another process."""
        ports = Ports(self.ledger, self.backend, self.source, self.compiled, MemoryForge(), self.clock)
        self.core = Core(ports, Policy(self.identity, "main", self.budgets), edition)
        self.loop = Loop(self.core, LoopSettings(workers=2, post_interval=0.01))
        self.planned: Counter[str] = Counter()
        reconcile = self.loop.roots.reconcile

        async def counted(name: str) -> None:
            self.planned[name] += 1
            await reconcile(name)

        self.loop._kinds["root"] = counted

    async def live(self, span: timedelta) -> None:
        """Run for so long."""
        async with anyio.create_task_group() as group:
            group.start_soon(self.loop.run)
            group.start_soon(self._pump)
            await anyio.sleep(span.total_seconds())
            group.cancel_scope.cancel()

    async def _pump(self) -> None:
        while True:
            self.backend.refresh()
            await anyio.sleep(1.0)

    async def due(self, edition: str = "one") -> dict[str, datetime | None]:
        """Which roots rest, and until when."""
        return dict((await self.ledger.awake(edition)).due)


@pytest.fixture
async def lives():
    world = Lives()
    world.has(HOURLY, ONCE, RUNS)
    await world.live(MINUTE)
    yield world
    await world.backend.close()


async def test_what_rests_is_noted_and_not_planned_by_the_next_daemon(lives):
    next_hour = lives.clock.now().replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    assert await lives.due() == {"hourly": next_hour, "once": None}
    lives.again("one")
    await lives.live(MINUTE)
    assert lives.planned.keys() == {"runs"}


async def test_what_runs_on_as_it_was_is_planned_by_no_look_at_everything(lives):
    lives.again("one")
    await lives.live(20 * MINUTE)
    assert lives.planned == {"runs": 1}


async def test_it_is_planned_when_it_is_due(lives):
    next_hour = (await lives.due())["hourly"]
    lives.again("one")
    await lives.live(next_hour + MINUTE - lives.clock.now())
    assert lives.planned.keys() == {"hourly", "runs"}
    assert (await lives.ledger.root("hourly")).record.cursor.last == next_hour
    assert (await lives.due())["hourly"] == next_hour + timedelta(hours=1)


async def test_what_came_due_while_nobody_looked_is_planned_at_once(lives):
    next_hour = (await lives.due())["hourly"]
    await anyio.sleep((next_hour + timedelta(hours=2, minutes=5) - lives.clock.now()).total_seconds())
    lives.again("one")
    await lives.live(MINUTE)
    assert (await lives.ledger.root("hourly")).record.cursor.last == next_hour + timedelta(hours=2)


@pytest.mark.parametrize("edition", ["two", ""])
async def test_another_edition_plans_everything(lives, edition):
    lives.again(edition)
    await lives.live(MINUTE)
    assert lives.planned.keys() == {"hourly", "once", "runs"}
    assert (await lives.due(edition)).keys() == ({"hourly", "once"} if edition else set())


async def test_everything_is_planned_while_the_project_is_suspended(lives):
    await lives.ledger.record([f.Suspended("", active=True, by="ada", at=lives.clock.now())])
    lives.again("one")
    await lives.live(MINUTE)
    assert lives.planned.keys() == {"hourly", "once", "runs"}
    assert await lives.due() == {}


async def test_what_a_commit_changed_when_the_daemon_was_away_is_planned(lives):
    lives.has(HOURLY, job("once", "other"), RUNS)
    lives.again("one")
    await lives.live(MINUTE)
    assert lives.planned.keys() == {"once", "runs"}
    assert "once@g2" in {str(key) for key in (await lives.ledger.root("once")).runs}


async def test_what_cannot_be_noted_now_is_noted_later(lives, monkeypatch):
    lives.again("two")
    rest, failures = lives.ledger.rest, [Transient("the disk is full")] * 2

    async def full(rests, edition):
        if failures:
            raise failures.pop()
        await rest(rests, edition)

    monkeypatch.setattr(lives.ledger, "rest", full)
    await lives.live(MINUTE)
    assert (await lives.due("two")).keys() == {"hourly", "once"}
    assert not lives.core.rests


async def test_a_root_that_was_taken_down_and_has_work_again_is_not_noted(lives):
    state = await lives.ledger.root("once")
    lives.core.rests["once"] = resting.Rest(state.record, None)
    await lives.ledger.record([f.Suspended("once", active=True, by="ada", at=lives.clock.now())])
    await resting.keep(lives.core)
    assert "once" not in await lives.due()


async def test_an_object_of_nobody_is_looked_at_by_the_root_that_has_its_run_now(lives, monkeypatch):
    lives.has(HOURLY, job("later"), RUNS)
    lives.again("one")
    await lives.live(MINUTE)
    (run,) = await lives.ledger.runs(RunQuery(root="later"))
    assert (str(run.key), (await lives.due()).keys()) == ("once@g1", {"hourly", "later"})
    lives.again("one")

    async def survey():
        return Surveyed([run.key.at_attempt(1)], ())

    monkeypatch.setattr(lives.loop.observer, "survey", survey)
    await lives.live(MINUTE)
    assert lives.planned.keys() == {"later", "runs"}
