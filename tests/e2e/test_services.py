"""Services through the whole stack: an address that stays, readiness, healing, and the new one before the old goes."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.e2e.harness import Place, is_alive, job, kill, service, until
from tests.ports import free_port

pytestmark = pytest.mark.process

ANSWER = """\
import os, pathlib, socket, sys
gate = pathlib.Path(os.environ["PLACE"], "open-" + sys.argv[1])
while not gate.exists():
    import time
    time.sleep(0.02)
with socket.create_server(("127.0.0.1", int(os.environ["PLUMBLINE_PORT"]))) as server:
    while True:
        link, _ = server.accept()
        with link:
            link.sendall(sys.argv[1].encode())
"""
"""Answers with its version, once it may."""


def answering(place: Place, version: str, port: int) -> str:
    program = place.base / "answer.py"
    program.write_text(ANSWER)
    probe = {"tcpSocket": {"port": port}, "periodSeconds": 1}
    return service("serve", f"exec python -I -S {program} {version}", [port], probe)


def gate(place: Place, version: str) -> Path:
    return place.base / f"open-{version}"


def asked(place: Place) -> str:
    """What the service answers where the daemon says that it is; "" where nobody does."""
    ports = place.operation("serve")["ports"]
    (address,) = place.get("/v1/open", run="serve")["urls"]
    port = int(address.rstrip("/").rpartition(":")[2])
    assert port in ports.values()
    return answer_of(port)


def answer_of(port: int) -> str:
    try:
        with socket.create_connection(("127.0.0.1", port), 5.0) as link:
            return link.recv(100).decode()
    except OSError:
        return ""


def test_readiness_decides(place: Place) -> None:
    commit = place.push({"serve.yaml": answering(place, "one", free_port())})
    place.start()
    until(lambda: place.state_of("serve") == "warning", "it is up, and not ready")
    assert place.commit_view(commit)["state"] == "pending"
    gate(place, "one").touch()
    assert place.settled(commit)["state"] == "success"
    assert place.state_of("serve") == "ready"
    assert asked(place) == "one"


def test_the_address_stays(place: Place) -> None:
    """Over a restart of the daemon, and over the service's own end; also where the declared port is taken."""
    gate(place, "one").touch()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        declared = taken.getsockname()[1]
        place.settled_start({"serve.yaml": answering(place, "one", declared)})
        (leased,) = place.operation("serve")["ports"].values()
        assert leased != declared
    assert answer_of(leased) == "one"
    (pid,) = place.pids("serve@")

    place.daemons[-1].kill()
    place.start()
    until(lambda: place.state_of("serve") == "ready", "it is seen again")
    assert place.pids("serve@") == [pid]
    assert asked(place) == "one"

    kill(pid)
    until(lambda: place.pids("serve@") not in ([], [pid]), "it is healed")
    until(lambda: place.state_of("serve") == "ready" and asked(place) == "one", "it answers again")
    assert list(place.operation("serve")["ports"].values()) == [leased]
    assert answer_of(leased) == "one"
    assert [key for key, _ in place.starts()] == ["serve@g1#1", "serve@g1#2"]

    with place_down(place):
        kill(place.pids("serve@")[0])
    until(lambda: len(place.starts()) == 3, "it is healed after the daemon was away")
    until(lambda: answer_of(leased) == "one", "it answers at its address")


class place_down:  # noqa: N801 -- reads as what it is
    """While the daemon is away."""

    def __init__(self, place: Place) -> None:
        self.place = place

    def __enter__(self) -> None:
        self.place.daemons[-1].kill()

    def __exit__(self, *_: object) -> None:
        self.place.start()


ROLLING = {".plumbline.yaml": "defaults: {update: rolling, progressDeadline: 3}\n"}


def test_the_old_one_stays_until_the_new_one_is_ready(place: Place) -> None:
    place.configure(grace=1)
    port = free_port()
    gate(place, "one").touch()
    place.settled_start({**ROLLING, "serve.yaml": answering(place, "one", port)})
    (old,) = place.pids("serve@g1")

    second = place.push({"serve.yaml": answering(place, "two", port)})
    until(lambda: place.pids("serve@g2"), "the new one runs")
    assert is_alive(old)
    assert asked(place) == "one"
    place.daemons[-1].kill()
    place.start()
    assert asked(place) == "one"
    gate(place, "two").touch()
    assert place.settled(second)["state"] == "success"
    until(lambda: not is_alive(old), "the old one goes")
    assert asked(place) == "two"
    assert len(place.starts()) == 2

    third = place.push({"serve.yaml": answering(place, "three", port)})
    view = place.settled(third)
    assert view["state"] == "failure"
    assert view["statuses"][1]["description"].startswith("not ready within 3 s")
    assert asked(place) == "two"
    assert place.pids("serve@g2")

    fourth = place.push({"serve.yaml": answering(place, "two", port)})
    assert place.settled(fourth)["state"] == "success"
    until(lambda: not place.pids("serve@g3"), "what never became ready goes")
    assert asked(place) == "two"


def test_one_with_a_fixed_port_is_replaced(place: Place) -> None:
    """Without a policy a service that has a port of this machine goes before the new one comes: never two at once."""
    port = free_port()
    for version in ("one", "two"):
        gate(place, version).touch()
    place.settled_start({"serve.yaml": answering(place, "one", port)})
    (old,) = place.pids("serve@g1")
    assert answer_of(port) == "one"
    commit = place.push({"serve.yaml": answering(place, "two", port), "beside.yaml": job("beside", "true")})
    assert place.settled(commit)["state"] == "success"
    assert asked(place) == "two"
    assert not is_alive(old)
    attempts = {key: place.run(key.partition("#")[0])["attemptList"][-1] for key, _ in place.starts()}
    assert attempts["serve@g1#1"]["endedAt"] <= attempts["serve@g2#1"]["startedAt"]


def test_a_service_that_fails_at_once_backs_off(place: Place) -> None:
    commit = place.push({"bad.yaml": service("bad", "exit 3")})
    place.start()
    until(lambda: len(place.starts()) == 3, "it is tried again and again")
    assert place.commit_view(commit)["state"] == "pending"
    (wait,) = until(lambda: place.operation("bad")["waits"], "it waits longer each time")
    assert wait["reason"] == "the back-off after its last end"
    assert place.run("bad@g1")["status"] not in {"failed", "succeeded"}
    place.daemons[-1].kill()
    place.start()
    until(lambda: place.operation("bad")["waits"], "it still waits")
    assert len(place.starts()) == 3
