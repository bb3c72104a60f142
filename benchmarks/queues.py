"""Queues: what a place that becomes free costs with 1,000 and with 10,000 operations waiting for it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from benchmarks.stage import Row
from planner import keys
from planner.admit import Limits, grant
from planner.desire.view import Ready
from planner.line import Line, QueueLimits
from planner.model.records import Claim
from planner.model.run import Leases

START = datetime(2026, 1, 1, tzinfo=UTC)
GPU = "nvidia.com/gpu"
ROUNDS = 300


def run() -> list[Row]:
    few, many = _round("places", 1_000), _round("places", 10_000)
    gpus = _round("gpus", 1_000)
    return [
        Row("a freed place, 1,000 waiting for one of three", few * 1e3, "ms", 0.2),
        Row("a freed place, 10,000 waiting against 1,000", many / few, "", 2.0, "looks at who fits, not at who waits"),
        Row("a freed GPU, 1,000 waiting for one of three", gpus * 1e3, "ms", 15.0, "no limit on runs: all are asked"),
    ]


def _round(kind: str, count: int) -> float:
    """Seconds for one end: the look at the line, the next one taken out of it, and its claim."""
    limits = Limits(slots={GPU: 3}, queues={"q": QueueLimits(runs=3 if kind == "places" else None)})
    line = Line(_waiting(count, 1 if kind == "gpus" else 0))
    claims: list[Claim] = []
    rounds = min(ROUNDS, count)
    started = time.perf_counter()
    for _ in range(rounds):
        claims = claims[1:] if len(claims) == 3 else claims
        for intent in grant(line, claims, limits, START).intents:
            line.put(intent.root, ())
            claims.append(Claim(intent.key, intent.root, "q", intent.requests, intent.leases))
    assert all(isinstance(claim.leases, Leases) for claim in claims)
    return (time.perf_counter() - started) / rounds


def _waiting(count: int, gpus: int) -> Iterator[Ready]:
    for number in range(count):
        key = keys.generation(f"op-{number}", 1).at_attempt(1)
        yield Ready(key, key.root, "q", {GPU: gpus}, (), START + timedelta(seconds=number))
