"""Kills of the daemon at 25 moments by chance of a sweep of about 60 trials: nothing is lost, doubled or tried again.

The world's time is virtual, and the ledger a real SQLite file, which each life of the daemon opens anew. Programs go on
while it is dead. `make sim-sweeps` does the same for more seeds.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import trio

from planner import canon, keys
from planner.canon import Json
from planner.model.facts import Opened
from planner.model.search import TrialState
from planner.model.status import RunStatus
from reconciler.backends.scripted import Program
from reconciler.ports import Order
from tests.simulation.history import History
from tests.simulation.invariants.sweeping import openings
from tests.simulation.on_disk import File, without_threads
from tests.simulation.programs import program
from tests.simulation.run import history_of, violations
from tests.simulation.specs import Spec
from tests.simulation.tunes import Tune
from tests.simulation.world import INSTANCE, PROJECT, Plan, Play, World

pytestmark = pytest.mark.simulation

KILLS = 25
SEEDS = range(*map(int, os.environ.get("PLUMBLINE_RESTART_SEEDS", "0:1").split(":")))
TOP = keys.generation("tune", 1)

SAME = {
    "mapping": Tune("mapping", size=60, at_once=4),
    "grid": Tune("grid", size=30, at_once=4),
    "random": Tune("random", size=60, at_once=4),
    "hyperband": Tune("hyperband", size=60, at_once=4),
    "tpe, one at a time": Tune("tpe", size=60, at_once=1),
    "bayes, one at a time": Tune("bayes", size=57, at_once=1),
}
"""Sweeps whose trials do not depend on what ends first."""
OTHERS = {
    "tpe, four at a time": Tune("tpe", size=60, at_once=4),
    "bayes, four at a time": Tune("bayes", size=57, at_once=4),
}


@dataclass(frozen=True, slots=True)
class Told:
    """What became of a sweep: its trials by name, its end, and how often the daemon was killed while it went on."""

    trials: Mapping[str, Json]
    status: RunStatus
    reason: str
    kills: int


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", SAME)
def test_a_sweep_tries_the_same_however_often_the_daemon_is_killed(name, seed, tmp_path):
    undisturbed = run(SAME[name], seed, tmp_path / "one.sqlite", kills=0)
    disturbed = run(SAME[name], seed, tmp_path / "two.sqlite", kills=KILLS)

    assert len(undisturbed.trials) in range(60, 80)
    assert disturbed.kills == KILLS
    assert disturbed.trials == undisturbed.trials
    assert (disturbed.status, disturbed.reason) == (undisturbed.status, undisturbed.reason)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", OTHERS)
def test_no_trial_is_lost_doubled_or_suggested_again(name, seed, tmp_path):
    told = run(OTHERS[name], seed, tmp_path / "one.sqlite", kills=KILLS)

    assert told.kills == KILLS
    assert sorted(told.trials) == [f"{number:04d}" for number in range(60)]
    assert len({canon.digest(params) for params in told.trials.values()}) == 60
    assert told.status is RunStatus.SUCCEEDED


def run(tune: Tune, seed: int, path: Path, kills: int) -> Told:
    """Run the sweep to its end, and see that the history keeps every invariant and each trial started once."""
    file, killed = File(path, INSTANCE, PROJECT), Counter[str]()
    plan = Plan(seed, faults=False, ledger=file, programs=lambda order: _program(seed, order))
    with without_threads():
        history = history_of(plan, _killing(tune, seed, kills, killed))
    file.close()
    assert violations(history) == {}
    trials = _trials(history)
    starts = Counter(start.key for start in history.starts)
    assert set(starts) == {TOP.child(name).at_attempt(1) for name in trials}, "each started"
    assert max(starts.values()) == 1
    _came_in(history)
    top = history.state.runs[TOP]
    return Told(trials, top.status, top.reason, killed["kills"])


def _program(seed: int, order: Order) -> Program:
    return program(seed, order, paced=True)


def _killing(tune: Tune, seed: int, kills: int, killed: Counter[str]) -> Play:
    chance = random.Random(f"kills of {seed}")
    calmly = 2.0 if tune.at_once == 1 else 0.5

    async def script(world: World) -> None:
        world.quiet = True  # it rises a second after it was killed
        world.remote.push({"README.md": None, "tune.yaml": (Spec("tune", "matrix", tune=tune),)})
        await world.up.wait()
        assert world.core is not None
        world.core.queue.add("source")
        for _ in range(kills):
            await trio.sleep(chance.uniform(0.0, calmly))
            await world.up.wait()
            life = world.life
            assert life is not None
            life.dies_at = life.awaits + chance.randrange(1, 40)
            while not life.dead:  # noqa: ASYNC110 -- virtual time: nothing is polled
                await trio.sleep(0.05)
            killed["kills"] += not _is_over(world)
        while not _is_over(world):  # noqa: ASYNC110 -- virtual time
            await trio.sleep(30.0)

    return script


def _is_over(world: World) -> bool:
    run = world.ledger.snapshot().runs.get(TOP)
    return run is not None and run.status.final


def _trials(history: History) -> Mapping[str, Json]:
    opened = [fact for fact in history.facts() if isinstance(fact, Opened) and fact.suggestion is not None]
    assert max(Counter(fact.key for fact in opened).values()) == 1, "none was opened twice"
    return {fact.key.place[-1]: dict(fact.suggestion.params) for fact in opened if fact.suggestion is not None}


def _came_in(history: History) -> None:
    """The sweep was asked with all kinds of answers known, or it proves little."""
    states = {trial.state for one in openings(history) for trial in one.before}
    assert {TrialState.DONE, TrialState.FAILED} <= states
