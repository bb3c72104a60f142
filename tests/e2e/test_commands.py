"""What people ask for holds until they or a commit say otherwise, over any restart."""

from __future__ import annotations

import pytest

from tests.e2e.harness import ApiError, Place, job, service, until

pytestmark = pytest.mark.process

SERVE = {"serve.yaml": service("serve", "exec sleep 1000")}


def restart(place: Place, how: str) -> None:
    daemon = place.daemons[-1]
    daemon.end() if how == "stopped" else daemon.kill()
    place.start()


@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_a_stopped_service_stays_down(place: Place, how: str) -> None:
    place.settled_start(SERVE)
    assert place.ask("stop", "serve")["ok"]
    until(lambda: place.state_of("serve") == "down", "it is down")
    restart(place, how)
    other = place.push({"other.yaml": job("other", "true")})
    assert place.settled(other)["state"] == "success"
    assert place.state_of("serve") == "down"
    assert place.operation("serve")["down"]["reason"] == "stopped-by-person"
    assert [key for key, _ in place.starts() if key.startswith("serve")] == ["serve@g1#1"]

    assert place.ask("retry", "serve")["ok"]
    until(lambda: place.state_of("serve") == "ready", "it is up again")
    assert [key for key, _ in place.starts() if key.startswith("serve")] == ["serve@g1#1", "serve@g1~1#1"]
    assert len(place.pids("serve@")) == 1


def test_a_stop_that_the_daemon_does_not_live_to_see(place: Place) -> None:
    """It is recorded before it is done: the next life does it, once."""
    place.configure(grace=1)
    place.settled_start({"deaf.yaml": service("deaf", "trap '' TERM; while :; do sleep 0.05; done")})
    (pid,) = place.pids("deaf@")
    assert place.ask("stop", "deaf")["ok"]
    place.daemons[-1].kill()
    assert place.pids("deaf@") in ([pid], [])
    place.start()
    until(lambda: place.state_of("deaf") == "down" and not place.pids("deaf@"), "it is stopped")
    assert len(place.starts()) == 1


def test_a_request_runs_once(place: Place) -> None:
    manual = {".plumbline.yaml": "defaults: {runPolicy: manual}\n", "asked.yaml": job("asked", "exit 3")}
    commit = place.push(manual)
    place.start()
    assert place.settled(commit)["statuses"][-1]["description"] == "waits for plumbline run asked"
    answer = place.ask("run", "asked")
    key = answer["answers"][0]["run"]["key"]
    place.daemons[-1].kill()
    place.start()
    until(lambda: (place.run(key) or {}).get("status") == "failed", "it failed")
    assert [start for start, _ in place.starts()] == [f"{key}#1"]
    assert place.ask("retry", "asked")["ok"]
    until(lambda: len(place.starts()) == 2, "it runs again")
    assert [start for start, _ in place.starts()] == [f"{key}#1", f"{key}~1#1"]


def test_a_suspended_project_starts_nothing(place: Place) -> None:
    place.settled_start(SERVE)
    assert place.ask("suspend")["ok"]
    place.push({"next.yaml": job("next", "true")})
    until(lambda: place.operation("next"), "it is planned")
    place.daemons[-1].kill()
    place.start()
    (wait,) = until(lambda: place.operation("next")["waits"], "it waits")
    assert "suspension" in wait["reason"]
    assert place.get("/v1/status")["suspended"] is not None
    assert len(place.starts()) == 1
    assert place.pids("serve@"), "what runs goes on"
    assert place.ask("unsuspend")["ok"]
    until(lambda: place.state_of("next") == "succeeded", "it runs")


def test_what_is_over_the_budget_waits_for_a_person(place: Place) -> None:
    place.configure(budgets={"starts": 2})
    commit = place.push({f"{name}.yaml": job(name, "true") for name in ("one", "two", "three")})
    place.start()
    (hold,) = until(lambda: place.get("/v1/status")["holds"], "it is held")
    assert hold["operations"] == ["one", "three", "two"]
    place.daemons[-1].kill()
    place.start()
    assert until(lambda: place.get("/v1/status")["holds"], "it is held") == [hold]
    assert place.starts() == []
    with pytest.raises(ApiError, match="there is no hold"):
        place.ask("approve", "h-00000000")
    assert place.ask("approve", hold["hold"])["ok"]
    assert place.settled(commit)["state"] == "success"
    assert len(place.starts()) == 3


def test_first_contact_can_be_held(place: Place) -> None:
    place.configure(firstSync="hold")
    commit = place.push({"one.yaml": job("one", "true")})
    place.start()
    (hold,) = until(lambda: place.get("/v1/status")["holds"], "it is held")
    restart(place, "killed")
    assert until(lambda: place.get("/v1/status")["holds"], "it is held")[0]["hold"] == hold["hold"]
    assert place.starts() == []
    assert place.ask("approve", hold["hold"], baseline=True)["ok"]
    assert place.settled(commit)["state"] == "success"
    second = place.push({"two.yaml": job("two", "true")})
    assert place.settled(second)["state"] == "success"
    assert [key for key, _ in place.starts()] == ["two@g1#1"]
