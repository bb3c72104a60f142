"""Many scripts of faults: what a forge shows in the end is what the ledger holds, and nothing is said more than needed.

The real loop's worker, publisher, client and adapter in virtual time, before a forge whose requests fail as a seed
says; now and then the daemon is killed between a write and its record. `python -m tests.forges` runs more seeds.
"""

from __future__ import annotations

import pytest

from tests.forges.kinds import KINDS
from tests.forges.scripts import play

pytestmark = pytest.mark.simulation

SEEDS = 100


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("decade", range(SEEDS // 10))
def test_final_statuses_are_equal_whatever_goes_wrong(kind, decade):
    for seed in range(decade * 10, decade * 10 + 10):
        play(seed, kind)
