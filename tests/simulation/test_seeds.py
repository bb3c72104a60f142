"""The simulation: seeded worlds in virtual time. No history breaks an invariant, and every lie was told."""

from __future__ import annotations

import pytest

from tests.simulation.forge import FORGE_LIES
from tests.simulation.lies import LIES
from tests.simulation.processes import Ran, replay_command, start

pytestmark = pytest.mark.simulation

SEEDS = 300
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
