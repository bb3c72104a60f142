"""A DAG of 10,000 nodes: what planning costs, first as a whole and then for one node that has ended.

CPU seconds of this process alone: no ledger, no backend.
"""

from __future__ import annotations

import gc
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from benchmarks.stage import Row, percentile
from planner.admit import Limits, admit
from planner.desire.view import Identity, View
from planner.effects import effects
from planner.fold import RootState, fold_all
from planner.keys import Key
from planner.model.desired import CompiledOperation, DesiredState
from planner.model.facts import Cleaned, Fact, Intended
from planner.model.records import RootRecord
from planner.model.run import Observation, Phase, Snapshot
from planner.model.status import StopReason
from planner.plan import RootPlan, plan_alone
from planner.target import Contact, plan_commit
from reconciler.compiling import calmly, seldom
from tests.planner.builders import dag, desired, job, node

NODES = 10_000
LAYER = 100
ENDS = 20
_START = datetime(2026, 1, 1, tzinfo=UTC)


def run() -> list[Row]:
    """The rows of this benchmark."""
    seldom()  # as the daemon does
    before = _megabytes()
    planned, advanced = [], []
    for _ in range(3):
        world = _World(_state())
        with _timed(planned):
            world.plan()
        advanced += world.advance(ENDS)
    grown = _megabytes() - before
    wide = _wide()
    return [
        Row(f"planning a DAG of {NODES} nodes, best of 3", min(planned), "s", 2, f"{LAYER} side by side, a chain each"),
        Row(f"planning it when one of {NODES} nodes has ended, median", percentile(advanced, 0.5) * 1000, "ms"),
        Row(f"the same in a DAG of {NODES // 10} nodes", _small() * 1000, "ms"),
        Row(
            f"planning {NODES} nodes that all start at once",
            wide,
            "s",
            2,
            "each is looked at twice: before the cache is asked, and after",
        ),
        Row(f"memory that planning {NODES} nodes takes", grown, "MB", None, "the compiled DAG included"),
    ]


def _wide() -> float:
    taken: list[float] = []
    world = _World(_state(NODES, side_by_side=NODES))
    with _timed(taken):
        world.plan()
    return taken[0]


def _small() -> float:
    world = _World(_state(NODES // 10))
    world.plan()
    return percentile(world.advance(ENDS), 0.5)


def _graph(nodes: int, side_by_side: int) -> CompiledOperation:
    """Chains side by side."""
    names = [f"n{number}" for number in range(nodes)]
    upstream = [[names[number - side_by_side]] if number >= side_by_side else [] for number in range(nodes)]
    return dag("flow", *(node(job(name, name), *before) for name, before in zip(names, upstream, strict=True)))


def _state(nodes: int = NODES, *, side_by_side: int = LAYER) -> tuple[RootState, dict[str, CompiledOperation]]:
    wanted: DesiredState = desired("c" * 40, _graph(nodes, side_by_side))
    plan = plan_commit(wanted, {}, Contact("bench", "main", _START))
    state = fold_all(RootState(RootRecord("flow")), plan.facts)
    return state, {root.form: root for root in wanted.roots.values()}


@dataclass
class _World:
    """A root that is planned over and over, and the attempts that run."""

    given: tuple[RootState, dict[str, CompiledOperation]]
    now: datetime = _START
    objects: dict[Key, Observation] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.state, self.forms = self.given

    def plan(self) -> RootPlan:
        """Plan once; what is ready starts."""
        self.now += timedelta(seconds=1)
        snapshot = Snapshot(self.now, dict(self.objects), frozenset(self.objects)) if self.objects else None
        view = View(self.state, self.forms, self.now, Identity("bench", "project"), snapshot)
        plan = calmly(plan_alone, view)  # as the daemon does
        intents = admit(plan.ready, (), Limits(), self.now).intents
        self.state = fold_all(plan.state, intents)
        self._follow(intents)
        return plan

    def _follow(self, intents: tuple[Intended, ...]) -> None:
        facts: list[Fact] = []
        for effect in effects(self.state, self.now):
            if effect.key in self.objects:
                self.objects.pop(effect.key)
                facts.append(Cleaned("flow", effect.key, self.now))
        self.state = fold_all(self.state, facts)
        for intent in intents:
            self.objects[intent.key] = Observation(intent.key, Phase.RUNNING, started_at=self.now)

    def advance(self, ends: int) -> list[float]:
        """Seconds of each plan when one more of the attempts has ended."""
        self.plan()
        taken: list[float] = []
        for _ in range(ends):
            key = next(iter(self.objects))
            self.objects[key] = replace(
                self.objects[key], phase=Phase.ENDED, ended_at=self.now, exit_code=0, reason=StopReason.EXITED
            )
            with _timed(taken):
                self.plan()
        return taken


@contextmanager
def _timed(into: list[float]) -> Iterator[None]:
    gc.collect()
    begun = time.process_time()
    yield
    into.append(time.process_time() - begun)


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
