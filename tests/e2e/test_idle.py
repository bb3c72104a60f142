"""When everything is said, nothing happens: no wake-up, and a poll of what has not moved reads no spec."""

from __future__ import annotations

import re
import time

import pytest

from tests.e2e.harness import Place, health, job, service, until
from tests.ports import free_port

pytestmark = pytest.mark.process

QUIET = 4.0
"""Seconds in which nothing may happen: several polls, and more than the pause between two writes of notes."""


def reconciles(address: str) -> dict[str, float]:
    """How often each kind of name was reconciled, by the daemon's own counters."""
    _, text = health(address, "/metrics")
    found = re.findall(r'plumbline_reconcile_seconds_count\{kind="(\w+)"\} ([\d.]+)', text)
    return {kind: float(count) for kind, count in found}


def test_nothing_happens_when_everything_is_said(place: Place) -> None:
    address = f"127.0.0.1:{free_port()}"
    place.configure(api={"health": address})
    files = {f"ops/{number}.yaml": job(f"job-{number}", "true") for number in range(10)}
    place.settled_start({**files, "serve.yaml": service("serve", "exec sleep 1000")})
    assert health(address, "/readyz")[0] == 200
    before, since = reconciles(address), time.monotonic()
    assert before["root"] >= 11

    def is_quiet() -> bool:
        """Whether it was quiet for long enough; whatever happens begins the time anew."""
        nonlocal before, since
        now = reconciles(address)
        if now != before:
            before, since = now, time.monotonic()
        return time.monotonic() - since > QUIET

    seen = place.get("/v1/status")["source"]["seenAt"]
    until(is_quiet, "nothing happens any more", 3 * QUIET)
    assert place.get("/v1/status")["source"]["seenAt"] > seen, "it was polled meanwhile"
    assert place.get("/v1/status")["source"]["ageSeconds"] < 3.0
