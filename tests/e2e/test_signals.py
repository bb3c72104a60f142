"""What people and service managers send a daemon: TERM, HUP, and a second daemon."""

from __future__ import annotations

import signal
import socket
import sqlite3
from contextlib import closing

import pytest

from tests.e2e.harness import Place, job, service, until

pytestmark = pytest.mark.process

JOBS = 12
WAITS = """while [ ! -e "$PLACE/go-on" ]; do sleep 0.02; done"""


def unposted(place: Place) -> int:
    """Statuses in the ledger that the repository was not told."""
    with closing(sqlite3.connect(place.state / "ledger.sqlite")) as ledger:
        return int(ledger.execute("SELECT count(*) FROM statuses WHERE NOT posted").fetchone()[0])


def test_term_drains(place: Place) -> None:
    """In the middle of starting: what was begun is whole, nothing new begins, and what was to be said is said."""
    place.push({f"{number}.yaml": job(f"job-{number}", WAITS) for number in range(JOBS)})
    daemon = place.launch()
    until(place.starts, "the first job runs")
    assert daemon.end() == 0
    assert unposted(place) == 0
    begun = place.starts()
    until(lambda: len(place.pids("job-")) == len(begun), "what was begun runs")

    place.start()
    until(lambda: len(place.starts()) == JOBS, "the others start")
    assert place.starts()[: len(begun)] == begun, "nothing was started anew"
    assert len({key for key, _ in place.starts()}) == JOBS
    (place.base / "go-on").touch()
    until(lambda: all(place.state_of(f"job-{number}") == "succeeded" for number in range(JOBS)), "all are done")


def test_term_leaves_runs_alone(place: Place) -> None:
    commit = place.push({"slow.yaml": job("slow", WAITS), "serve.yaml": service("serve", "exec sleep 1000")})
    daemon = place.start()
    until(lambda: place.state_of("serve") == "ready" and place.state_of("slow") == "running", "both are seen")
    until(lambda: len(place.starts()) == 2, "both run")
    alive = place.starts()
    assert daemon.end() == 0
    assert unposted(place) == 0
    notes = place.notes()[commit]
    assert notes["plumbline/default/serve"] == ("success", "ready")
    assert notes["plumbline/default/slow"] == ("pending", "running")
    (place.base / "go-on").touch()
    until(lambda: not place.pids("slow@"), "the job ends without a daemon")
    assert place.pids("serve@") == [pid for key, pid in alive if key.startswith("serve@")]
    place.start()
    assert place.settled(commit)["state"] == "success"
    assert place.starts() == alive


def test_hup_changes_limits_at_once(place: Place) -> None:
    place.configure(local={"runsAtOnce": 1})
    place.push({f"{number}.yaml": job(f"job-{number}", WAITS) for number in range(3)})
    daemon = place.start()
    until(lambda: len(place.starts()) == 1, "one runs")
    until(lambda: sum(bool(item["waits"]) for item in place.get("/v1/status")["operations"]) == 2, "two wait")

    place.config.write_text("repository: {url: [\n")
    daemon.send(signal.SIGHUP)
    (said,) = until(lambda: [line for line in place.said() if "stays as it was" in line["event"]], "it is refused")
    assert f"{place.config}:" in said["reason"]
    assert len(place.starts()) == 1

    place.configure(local={"runsAtOnce": 2})
    daemon.send(signal.SIGHUP)
    until(lambda: len(place.starts()) == 2, "a second one runs")
    place.configure(local={"runsAtOnce": 3}, instance="other")
    daemon.send(signal.SIGHUP)
    until(lambda: len(place.starts()) == 3, "the third one runs")
    read = [line for line in place.said() if line["event"] == "configuration read again"]
    assert [line["needs_restart"] for line in read] == [[], ["instance"]]
    assert place.get("/v1/status")["instance"] == "default"


WRONG = {
    "http": ({"url": "http://example.com/x"}, "plain http is for loopback only"),
    "credential": ({"url": "https://u:secret@example.com/x"}, "must not hold credentials"),
    "branch": ({"url": "/r", "branch": "a..b"}, "repository.branch cannot be followed"),
    "access": ({"url": "/r", "access": {"tokenFile": "/nowhere"}}, "repository.access.tokenFile does not belong to"),
}


@pytest.mark.parametrize(("repository", "reason"), WRONG.values(), ids=WRONG.keys())
def test_hup_with_a_repository_that_cannot_be_changes_nothing(
    place: Place, repository: dict[str, str], reason: str
) -> None:
    """It would only count after a restart, and that must not fail when nobody looks."""
    daemon = place.settled_start({"a.yaml": job("a", "true")})
    right = place.settings["repository"]
    place.configure(repository=repository, local={"runsAtOnce": 1})
    daemon.send(signal.SIGHUP)
    (said,) = until(lambda: [line for line in place.said() if "stays as it was" in line["event"]], "it is refused")
    assert reason in said["reason"]
    assert "secret" not in place.log.read_text()
    place.configure(repository=right)
    daemon.send(signal.SIGHUP)
    until(lambda: [line for line in place.said() if line["event"] == "configuration read again"], "it lives")
    assert place.settled(place.push({"b.yaml": job("b", "true")}))["state"] == "success"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_a_signal_while_the_repository_is_fetched_for_the_first_time(place: Place, number: int) -> None:
    """HUP ends nothing, and the others leave no git behind."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(30)
        place.configure(repository={"url": f"http://127.0.0.1:{silent.getsockname()[1]}/x"})
        daemon = place.launch()
        with silent.accept()[0]:
            daemon.send(signal.SIGHUP)
            daemon.send(number)
            assert daemon.wait() == 0
            assert place.ours() == []
    assert [line["event"] for line in place.said()] == ["ended before it had started"]


def test_an_interrupt_ends_it_as_well(place: Place) -> None:
    daemon = place.start()
    daemon.send(signal.SIGINT)
    assert daemon.wait() == 0
