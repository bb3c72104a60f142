"""The simulation: seeded worlds in virtual time. No history breaks an invariant, and every lie was told."""

from __future__ import annotations

import pytest

from tests.simulation.forge import FORGE_LIES
from tests.simulation.lies import LIES
from tests.simulation.processes import Ran, replay_command, start

pytestmark = pytest.mark.simulation

SEEDS = 300
LONG = 4
"""Histories of 24 days."""
SWEEPS = 60
"""Histories of people who sweep."""
TRIALS = [f"{search}Search-trials" for search in ("Mapping", "Grid", "Random", "Hyperband", "Hyperopt", "Iterative")]
TRIALS += [
    "trials-without-rungs-to-wait-for",
    "trials-failed",
    "trials-of-steps",
    "trials-below-a-node",
    "trials-asked-with-others-pending",
]
"""What trials of these histories must show."""
LEAST = 100
"""How often each lie must be told over all seeds: a lie that is hardly told proves nothing."""


def test_no_history_breaks_an_invariant_and_every_lie_is_told(record_property):
    half = SEEDS // 2
    ran = Ran()
    for running in [start(["--seeds", f"0:{half}"]), start(["--seeds", f"{half}:{SEEDS}"])]:
        ran.add(running.wait())
    record_property(
        "simulation", f"{len(ran.seeds)} seeds; " + " ".join(f"{k}={v}" for k, v in sorted(ran.counts.items()))
    )

    assert sorted(ran.seeds) == list(range(SEEDS))
    assert {replay_command(seed): found for seed, found in ran.violations.items()} == {}
    assert {lie: ran.counts[lie] for lie in (*LIES, *FORGE_LIES) if ran.counts[lie] < LEAST} == {}


def test_no_history_of_people_who_sweep_breaks_an_invariant(record_property):
    half = SWEEPS // 2
    ran = Ran()
    for running in [start(["--sweeps", "--seeds", f"0:{half}"]), start(["--sweeps", "--seeds", f"{half}:{SWEEPS}"])]:
        ran.add(running.wait())
    told = {name: count for name, count in sorted(ran.counts.items()) if "trials" in name}
    record_property("simulation", f"{SWEEPS} histories of sweeps; " + " ".join(f"{k}={v}" for k, v in told.items()))

    assert sorted(ran.seeds) == list(range(SWEEPS))
    assert {f"{replay_command(seed)} --sweeps": found for seed, found in ran.violations.items()} == {}
    assert {name: ran.counts[name] for name in TRIALS if ran.counts[name] < LEAST} == {}
    assert ran.counts["trials-stopped-by-a-policy"]
    assert ran.counts["sweeps-ended-by-a-rule"]


def test_no_history_of_24_days_with_a_clock_that_jumps_both_ways_breaks_an_invariant(record_property):
    half = LONG // 2
    ran = Ran()
    for running in [start(["--days", "--seeds", f"0:{half}"]), start(["--days", "--seeds", f"{half}:{LONG}"])]:
        ran.add(running.wait())
    record_property("simulation", f"{LONG} histories of 24 days, turn-clock={ran.counts['turn-clock']}")

    assert sorted(ran.seeds) == list(range(LONG))
    assert {f"{replay_command(seed)} --days": found for seed, found in ran.violations.items()} == {}
    assert ran.counts["turn-clock"] > LONG
