"""Running seeds: which kind of history each is, its invariants, and its lines for people."""

from __future__ import annotations

import random
import traceback
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

import structlog
import trio
from trio.testing import MockClock

from tests.simulation.history import History
from tests.simulation.invariants import (
    approvals,
    backfills,
    cache,
    cluster,
    crashes,
    events,
    hooks,
    i01_one_record,
    i02_one_start,
    i03_only_observation,
    i06_expansion,
    i07_states,
    i08_fold,
    i09_graph,
    i10_retries,
    i11_limits,
    i12_stops,
    i13_recorded,
    i14_ticks,
    i18_reads,
    i25_fixed_point,
    i26_confluence,
    i29_twin,
    joins,
    lifetimes,
    liveness,
    retention,
    rounds,
    statuses,
)
from tests.simulation.invariants.sweeping import swept
from tests.simulation.moves import play
from tests.simulation.shorts import SHORTS
from tests.simulation.world import LIMITS, Plan, Play, simulate

__all__ = [
    "INVARIANTS",
    "THE_WORLD",
    "Outcome",
    "history_of",
    "plan_of",
    "plan_of_days",
    "plan_of_sweeps",
    "run",
    "run_short",
    "shows",
    "violations",
]

_MODULES = (
    i01_one_record,
    i02_one_start,
    i03_only_observation,
    liveness,
    i06_expansion,
    i07_states,
    i08_fold,
    i09_graph,
    i10_retries,
    i11_limits,
    i12_stops,
    i13_recorded,
    approvals,
    cache,
    hooks,
    events,
    i14_ticks,
    i18_reads,
    i25_fixed_point,
    i26_confluence,
    cluster,
    crashes,
    statuses,
    retention,
    backfills,
    joins,
    lifetimes,
    rounds,
)
INVARIANTS: dict[str, Callable[[History], list[str]]] = {module.NAME: module.check for module in _MODULES}
"""What every history must keep, by name."""


THE_WORLD = "the world"
"""What a history breaks that cannot be told to its end."""


@dataclass(slots=True)
class Outcome:
    """What came of a seed: violations by invariant, and how often everything happened."""

    seed: int
    violations: dict[str, list[str]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)


def plan_of(seed: int) -> Plan:
    """The kind of history that a seed is: every third has a twin, others a wall clock that jumps or many services."""
    if seed % 3 == 2:
        return Plan(seed, paced=True, moves=5)
    return Plan(seed, turns_clock=seed % 5 == 4, crowded=seed % 5 in {1, 3}, moves=34)


def plan_of_sweeps(seed: int) -> Plan:
    """A history of people who sweep: every third has a twin."""
    paced = seed % 3 == 2
    return Plan(seed, paced=paced, turns_clock=seed % 5 == 4 and not paced, moves=4 if paced else 20, sweeps=True)


def plan_of_days(seed: int) -> Plan:
    """A history of 24 days; in three of four the wall clock jumps both ways, by up to a day and an hour."""
    return Plan(seed, turns_clock=seed % 4 != 3, days=24, moves=400)


def run(seed: int, plan: Plan | None = None) -> Outcome:
    """Run a seed, and check every invariant; a history that cannot be told to its end breaks one too."""
    return _guarded(seed, lambda: _run(plan or plan_of(seed)))


def run_short(name: str) -> Outcome:
    """Run a history of `tests.simulation.shorts`, as `run` does."""

    def work() -> Outcome:
        history = history_of(Plan(0, faults=False), SHORTS[name])
        return Outcome(0, violations(history), history.counts)

    return _guarded(0, work)


def shows(violations: Collection[str], expected: Collection[str]) -> bool:
    """Whether one of the `expected` invariants is broken by what was planned: where something crashed, nobody knows."""
    return bool(set(violations) & set(expected)) and not set(violations) & {THE_WORLD, crashes.NAME}


def _guarded(seed: int, work: Callable[[], Outcome]) -> Outcome:
    try:
        return work()
    except Exception:  # noqa: BLE001 -- whatever breaks the world is what this looks for
        return Outcome(seed, {THE_WORLD: [traceback.format_exc()]})


def _run(plan: Plan) -> Outcome:
    seed, history = plan.seed, history_of(plan)
    outcome = Outcome(seed, counts=history.counts)
    outcome.violations.update(violations(history))
    if plan.sweeps:
        history.counts.update(swept(history))
    if plan.paced:
        twin = history_of(replace(plan, faults=False))
        found = i29_twin.check(history, twin)
        if found:
            outcome.violations[i29_twin.NAME] = found
    return outcome


def violations(history: History) -> dict[str, list[str]]:
    """What `history` broke, by the name of the invariant."""
    found = {name: check(history) for name, check in INVARIANTS.items()}
    return {name: words for name, words in found.items() if words}


def history_of(plan: Plan, script: Play = play) -> History:
    """Run the history of `plan` in virtual time. The same plan gives the same history, in any process."""
    history = History(plan.seed, LIMITS)
    _listen(history)
    _make_scheduling_deterministic(plan.seed)
    try:
        trio.run(simulate, plan, history, script, clock=MockClock(autojump_threshold=0))
    finally:
        structlog.reset_defaults()
    return history


def _listen(history: History) -> None:
    """Have what the daemon logs end up in the history; a crash of a reconcile is a violation."""

    def take(_: object, __: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
        if event.get("exc_info"):
            event = structlog.processors.format_exc_info(_, __, event)
            history.crashes.append(f"{event.get('name')}: {event['exception']}")
        raise structlog.DropEvent

    structlog.configure(processors=[take], cache_logger_on_first_use=False)


def _make_scheduling_deterministic(seed: int) -> None:
    """Tasks that could run next do so in an order drawn from the seed."""
    scheduler = trio._core._run
    scheduler._ALLOW_DETERMINISTIC_SCHEDULING = True  # type: ignore[misc]
    scheduler._r = random.Random(seed)  # type: ignore[misc]
