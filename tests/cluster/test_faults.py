"""Whatever the API server does to the daemon, the world comes out as if it had done nothing: 30 points from seeds.

`make sieve` plays as many as one likes.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.faults.outcome import Outcome, play, reference
from tests.cluster.faults.plan import What, drawn, parse
from tests.cluster.faults.point import Shared

SEEDS = range(1, 31)
AT_ONCE = 10
NAMES = ("job", "failing", "retried", "stopped", "ticking", "three", "rolled", "removed")


@pytest.fixture
def shared(cluster: Any, tmp_path: Path) -> Iterator[Shared]:
    made = Shared(cluster, tmp_path)
    yield made
    made.close()


@pytest.mark.cluster
def test_a_bad_api_server_changes_nothing(shared):
    with ThreadPoolExecutor(AT_ONCE) as pool:
        good = {name: pool.submit(reference, shared, name, f"{name}-ref") for name in NAMES}
        wanted = {name: found.result()[0] for name, found in good.items()}
        workloads = {seed: NAMES[seed % len(NAMES)] for seed in SEEDS}
        played = {
            seed: pool.submit(play, shared, name, f"{name}-{seed}", drawn(seed), wanted[name])
            for seed, name in workloads.items()
        }
        outcomes = {seed: task.result() for seed, task in played.items()}
    wrong = [_told(seed, workloads[seed], outcome) for seed, outcome in outcomes.items() if outcome.wrong]
    assert not wrong, "\n\n".join(wrong)
    fired = {line.partition("@")[0] for outcome in outcomes.values() for line in outcome.script.fired}
    assert len(fired) > 15, f"of {len(What)} faults these alone have happened: {sorted(fired)}"


def _told(seed: int, workload: str, outcome: Outcome) -> str:
    faults = " ".join(map(str, drawn(seed)))
    lines = [f"seed {seed}: make sieve ARGS='--replay \"{workload} {faults}\"'", *outcome.script.fired, *outcome.wrong]
    return "\n  ".join(lines)


@pytest.mark.unit
def test_a_seed_is_what_it_was_and_can_be_written_down():
    assert drawn(7) == drawn(7)
    assert len({drawn(seed) for seed in range(100)}) == 100
    for seed in range(100):
        assert parse(" ".join(map(str, drawn(seed)))) == drawn(seed)
    with pytest.raises(ValueError, match="no fault"):
        parse("lost@write")
