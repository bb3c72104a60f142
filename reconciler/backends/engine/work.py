"""Whether something is to be done for a claim, and when: by its files and the list of the engine, nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from reconciler.backends.engine.replica import Replica, replicas_of, since_boot, stop_of
from reconciler.backends.engine.status import Stage, stage_of
from reconciler.backends.machine.claims import Claim

__all__ = ["has_work", "next_due"]

AGAIN = 1.0
"""Seconds between two tries to end what should have ended."""
FAR = 3600.0
"""Seconds after which whatever lives is looked at again, though nothing is due."""


def has_work(claim: Claim, listed: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether a container is not just running as it did, or something is due."""
    stop, now = stop_of(claim), time.time()
    for replica in replicas_of(claim):
        if replica.read("exit") is not None:
            continue
        said, run = listed.get(replica.called), replica.read("run")
        if said is None or run is None or stage_of(str(said.get("State", ""))) is not Stage.RUNNING:
            return True
        limit = claim.record["timeout"]
        if limit is not None and now >= run["at"] + limit:
            return True
        if stop is not None and (replica.read("term") is None or since_boot() >= stop["due"]):
            return True
    return False


def next_due(claim: Claim, asked: Callable[[Replica, Mapping[str, Any]], list[float]]) -> float:
    """When something is due, in seconds since 1970.

    Args:
        claim: of an attempt that lives.
        asked: when a replica is to be asked something, by what its start was.
    """
    now, stop = time.time(), stop_of(claim)
    times = [now + FAR]
    if stop is not None:
        left = stop["due"] - since_boot()
        times.append(now + (left if left > 0 else AGAIN))
    for replica in replicas_of(claim):
        run = replica.read("run")
        if run is None or replica.read("exit") is not None:
            continue
        times += asked(replica, run)
        steady = claim.record["steady"]
        if steady is not None and now < run["at"] + steady:
            times.append(run["at"] + steady)
        if claim.record["timeout"] is not None and stop is None:
            times.append(run["at"] + claim.record["timeout"])
    return min(times)
