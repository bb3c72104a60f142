"""What runs report reaches their records while they run: within two seconds, once, and with a rule that looks at it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

import anyio
import pytest
from trio.testing import MockClock

from planner import keys
from planner.guard import Budgets
from planner.keys import Key
from planner.model import facts as f
from planner.model.desired import CompiledOperation
from planner.model.metric import Progress
from planner.model.records import RunRecord
from reconciler.backends.memory import Program
from reconciler.core import Core, Policy, Ports
from reconciler.errors import Transient
from reconciler.forges.memory import MemoryForge
from reconciler.loop import Loop, LoopSettings
from reconciler.ports import RunQuery
from tests.planner.builders import dag, desired, early, job, node
from tests.planner.sweeps import choices, sweep
from tests.reconciler.api.support import World
from tests.reconciler.test_starts import Compiled
from tests.simulation.clock import VirtualClock

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

FALLING = tuple(1.0 / (1 + step) for step in range(1000))
ENOUGH = {"kind": "metric_early_stopping", "metric": "loss", "value": 0.2, "optimization": "minimize"}


@pytest.fixture
def anyio_backend():
    return "trio", {"clock": MockClock(autojump_threshold=0.0)}


class Measured(World):
    """A daemon in virtual time over programs that report."""

    def __init__(self, **programs: Program) -> None:
        super().__init__(budgets=Budgets(starts=2000), clock=VirtualClock(), programs=programs)
        self.compiled = Compiled()
        self.looks: list[float] = []
        self.again()

    def has(self, *operations: CompiledOperation) -> None:
        """From now on the repository has these."""
        commit = self.remote.commit({f"{one.name}.yaml": one.form.encode() for one in operations})
        self.compiled.states[commit] = desired(commit, *operations)

    def again(self) -> None:
        """Another process."""
        ports = Ports(self.ledger, self.backend, self.source, self.compiled, MemoryForge(), self.clock)
        self.core = Core(ports, Policy(self.identity, "main", self.budgets))
        self.loop = Loop(self.core, LoopSettings(workers=2, post_interval=0.01))
        progress = self.backend.progress

        async def counted(keys):
            self.looks.append(anyio.current_time())
            return await progress(keys)

        self.core.backend = _With(self.backend, counted)

    async def live(self, seconds: float) -> None:
        """Run for so long."""
        async with anyio.create_task_group() as group:
            group.start_soon(self.loop.run)
            group.start_soon(self._pump)
            await anyio.sleep(seconds)
            group.cancel_scope.cancel()

    async def _pump(self) -> None:
        while True:
            self.backend.refresh()
            await anyio.sleep(0.5)

    async def run(self, key: Key) -> RunRecord:
        (found,) = await self.ledger.runs(RunQuery(keys=(key,), limit=1))
        return found

    async def measured(self) -> Sequence[f.Measured]:
        return [fact for _, fact in await self.ledger.facts() if isinstance(fact, f.Measured)]


@pytest.fixture
async def world(request):
    """A daemon over the programs that the test is marked with."""
    made = Measured(**request.param)
    yield made
    await made.backend.close()


class _With:
    """A backend with another way to tell progress."""

    def __init__(self, backend, progress) -> None:
        self._backend, self.progress = backend, progress

    def __getattr__(self, name):
        return getattr(self._backend, name)


TRAIN = keys.generation("train", 1)


@pytest.mark.parametrize("world", [{"train": Program(seconds=None, reports={"loss": FALLING})}], indirect=True)
async def test_a_value_is_in_the_record_within_two_seconds(world):
    world.has(job("train"))
    await world.live(5.0)
    seen = [(fact.at, fact.progress["loss"].count) for fact in await world.measured()]
    run = await world.run(TRAIN)
    reported = int((world.clock.now() - run.started_at).total_seconds())

    assert reported - run.progress["loss"].count <= 2
    assert run.progress["loss"].last == FALLING[run.progress["loss"].count - 1]
    assert all((at - run.started_at).total_seconds() - count <= 2.0 for at, count in seen)
    assert all(later[0] - one[0] >= timedelta(seconds=1.5) for one, later in pairwise(seen))


@pytest.mark.parametrize(
    "world", [{"train": Program(seconds=None, reports={"loss": (0.5, float("nan"), 0.25)}, every=0.1)}], indirect=True
)
async def test_what_changes_no_more_is_recorded_no_more(world):
    world.has(job("train"))
    await world.live(60.0)

    assert [dict(fact.progress) for fact in await world.measured()] == [
        {"loss": Progress(2, 2, 0.25, 0.25, 0.5, odd=1)}
    ]


@pytest.mark.parametrize("world", [{"train": Program(seconds=5.5, reports={"loss": FALLING})}], indirect=True)
async def test_a_run_that_is_over_has_its_last_values_and_nothing_else(world):
    world.has(job("train"))
    await world.live(20.0)
    run = await world.run(TRAIN)

    assert (run.status, dict(run.metrics), dict(run.progress)) == ("succeeded", {"loss": FALLING[4]}, {})


@pytest.mark.parametrize("world", [{"train": Program(seconds=None, reports={"loss": FALLING * 2})}], indirect=True)
async def test_a_run_that_nobody_watches_is_recorded_less_often_the_older_it_is(world):
    world.has(job("train"))
    await world.live(1800.0)

    found = await world.measured()
    assert len(found) < 400
    assert found[-1].at - found[-2].at > timedelta(seconds=25)


@pytest.mark.parametrize("world", [{"train": Program(seconds=5.0, reports={"loss": FALLING})}], indirect=True)
async def test_nobody_looks_where_nothing_runs(world):
    world.has(job("train"))
    await world.live(3600.0)

    assert len(world.looks) < 20


@pytest.mark.parametrize("world", [{"train": Program(seconds=None, reports={"loss": FALLING[:8]})}], indirect=True)
async def test_another_daemon_records_only_what_is_new(world):
    world.has(job("train"))
    await world.live(60.0)
    before = await world.measured()
    world.again()
    await world.live(60.0)

    assert await world.measured() == before


@pytest.mark.parametrize(
    "world", [{"a": Program(seconds=None, reports={"loss": FALLING}), "b": Program(seconds=None)}], indirect=True
)
async def test_a_rule_that_looks_at_it_ends_what_runs(world):
    flow = early(dag("flow", node(job("a", "a")), node(job("b", "b"))), ENOUGH)
    world.has(flow)
    await world.live(20.0)
    top = await world.run(keys.generation("flow", 1))
    child = await world.run(keys.generation("flow", 1).child("a"))

    assert (top.status, top.reason) == ("succeeded", "stopped early: loss of a is 0.2, and 0.2 will do")
    assert (top.finished_at - child.started_at).total_seconds() < 9.0, "it was good enough after five"
    assert [mark.count for mark in child.progress["loss"].marks][:5] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("world", [{"a": Program(seconds=None, reports={"loss": FALLING})}], indirect=True)
async def test_only_new_marks_are_recorded_again(world):
    flow = early(dag("flow", node(job("a", "a"))), {**ENOUGH, "value": -1.0})
    world.has(flow)
    await world.live(40.0)
    facts = await world.measured()
    child = await world.run(keys.generation("flow", 1).child("a"))

    told = [mark.count for fact in facts for mark in fact.progress["loss"].marks]
    assert told == [*range(1, 17), 24, 32]
    assert [mark.count for mark in child.progress["loss"].marks] == told


@pytest.mark.parametrize("world", [{"train": Program(seconds=None, reports={"loss": FALLING})}], indirect=True)
async def test_a_backend_that_is_away_is_asked_again(world):
    world.has(job("train"))
    progress, failed = world.core.backend.progress, []

    async def moody(keys):
        if len(failed) < 3:
            failed.append(anyio.current_time())
            raise Transient("away") if len(failed) < 3 else RuntimeError("a bug of ours")
        return await progress(keys)

    world.core.backend.progress = moody
    await world.live(120.0)
    run = await world.run(TRAIN)

    assert run.progress["loss"].count > 100
    assert failed[2] - failed[0] >= 5.0


WORSE = tuple(2.0 - 0.01 * step for step in range(1000))
MEDIAN = {
    "kind": "metric_early_stopping",
    "metric": "loss",
    "optimization": "minimize",
    "value": 0.0,
    "policy": {"kind": "median", "evaluationInterval": 4, "minSamples": 3},
}
TRIALS = {
    keys.trial(0): Program(seconds=30.5, reports={"loss": FALLING}),
    keys.trial(1): Program(seconds=30.5, reports={"loss": WORSE}),
    keys.trial(2): Program(seconds=30.5, reports={"loss": FALLING}),
}


@pytest.mark.parametrize("world", [TRIALS], indirect=True, ids=["trials"])
async def test_a_policy_stops_the_trial_that_does_badly_and_no_other(world):
    world.has(sweep(choices(0.1, 0.2, 0.3, earlyStopping=[MEDIAN])))
    await world.live(60.0)
    runs = [await world.run(keys.generation("tune", 1).child(keys.trial(number))) for number in range(3)]
    reasons = [fact.words for _, fact in await world.ledger.facts() if isinstance(fact, f.StopIntended) and fact.words]

    assert [run.status for run in runs] == ["succeeded", "stopped", "succeeded"]
    assert (runs[1].finished_at - runs[1].started_at).total_seconds() < 8.0, "its fourth report was its last but two"
    assert [mark.count for mark in runs[0].progress["loss"].marks][:4] == [1, 2, 3, 4], "others are compared with it"
    assert any("worse than the median" in reason for reason in reasons), reasons


MANY = {f"train-{number}": Program(seconds=None, reports={"loss": FALLING}) for number in range(100)}


@pytest.mark.parametrize("world", [MANY], indirect=True, ids=["many"])
async def test_many_runs_are_recorded_together(world):
    world.has(*(job(name) for name in MANY))
    await world.live(30.0)
    runs = [await world.run(keys.generation(name, 1)) for name in MANY]

    assert min(run.progress["loss"].count for run in runs) >= 20
