"""Ticks by the real clock: each at most once, whatever happens to the daemon; and what people suspend."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from planner import keys
from tests.e2e.harness import Place, job, until

pytestmark = pytest.mark.process


def every(seconds: int, **more: object) -> dict[str, object]:
    return {"schedule": {"kind": "interval", "frequency": seconds, **more}}


def ticks(place: Place, name: str) -> list[datetime]:
    """Instants of the ticks whose programs were started, in order."""
    found = [keys.parse(key) for key, _ in place.starts()]
    return [key.tick for key in found if key.root == name and key.tick is not None]


def test_no_tick_twice_over_restarts(place: Place) -> None:
    commit = place.push({"beat.yaml": job("beat", "true", **every(1))})
    place.start()
    assert place.settled(commit)["state"] == "success"
    for lives in range(4):
        until(lambda: len(ticks(place, "beat")) > lives, "it ticks")  # noqa: B023 -- called at once
        if lives % 2:
            place.daemons[-1].kill()
        else:
            assert place.daemons[-1].end() == 0
        place.start()
    until(lambda: len(ticks(place, "beat")) >= 6, "it ticks on")
    found = sorted(ticks(place, "beat"))
    assert [tick for tick, count in Counter(found).items() if count > 1] == []
    assert found[-1] - found[0] == timedelta(seconds=len(found) - 1), "a short absence is ordinary delay"
    assert place.notes()[commit]["plumbline/default/beat"][1].startswith("scheduled, next ")


def test_what_falls_into_a_suspension_is_not_caught_up(place: Place) -> None:
    place.settled_start({"beat.yaml": job("beat", "true", **every(1))})
    until(lambda: ticks(place, "beat"), "it ticks")
    assert place.ask("suspend", "beat", **{"for": 3})["ok"]
    begun = datetime.now(UTC)
    assert place.state_of("beat") == "suspended"
    place.daemons[-1].kill()
    place.start()
    suspended = place.operation("beat")["suspended"]
    assert suspended["until"] is not None
    before = len(ticks(place, "beat"))
    until(lambda: len(ticks(place, "beat")) >= before + 2, "it goes on by itself")
    after = ticks(place, "beat")[before:]
    assert all(tick >= begun + timedelta(seconds=2) for tick in after)
    assert all(run["status"] == "succeeded" for run in place.get("/v1/runs", root="beat")["runs"] if run["finishedAt"])


def test_forbidden_ticks_become_records(place: Place) -> None:
    wait = """while [ ! -e "$PLACE/go-on" ]; do sleep 0.02; done"""
    place.settled_start({"slow.yaml": job("slow", wait, **every(1, concurrencyPolicy="forbid"))})

    def statuses() -> Counter[str]:
        return Counter(run["status"] for run in place.get("/v1/runs", root="slow")["runs"])

    until(lambda: statuses()["skipped"] >= 2, "ticks are forbidden")
    assert len(place.starts()) == 1
    place.daemons[-1].kill()
    place.start()
    (place.base / "go-on").touch()
    until(lambda: len(place.starts()) >= 2, "the next one runs")
    assert len({key for key, _ in place.starts()}) == len(place.starts())


def test_a_removed_schedule_ticks_no_more(place: Place) -> None:
    place.settled_start({"beat.yaml": job("beat", "true", **every(1)), "other.yaml": job("other", "true")})
    until(lambda: ticks(place, "beat"), "it ticks")
    place.settled(place.push({"beat.yaml": None}))
    count = len(ticks(place, "beat"))
    last = ticks(place, "beat")[-1]
    until(lambda: datetime.now(UTC) > last + timedelta(seconds=2.5), "two more ticks would have been due")
    assert len(ticks(place, "beat")) == count
