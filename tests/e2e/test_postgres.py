"""A daemon whose ledger is in PostgreSQL: the same repository, the same end; whatever becomes of the server."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable, Iterator

import anyio
import pytest

from reconciler.ledger.postgres import open_postgres
from reconciler.ledger.postgres_session import Server
from tests.e2e.harness import Place, Tree, dag, job, node, service, until
from tests.postgres import PostgresServer

pytestmark = pytest.mark.process


def version(number: int) -> Tree:
    """A graph whose second node takes from its first, a job and a service."""
    first = node("first", f'echo "value={number}" >> "$PLUMBLINE_OUTPUT"', outputs=[{"name": "value", "type": "str"}])
    takes = {"value": {"ref": "ops.first", "value": "outputs.value"}}
    last = node(
        "last",
        'echo "value=got $VALUE" >> "$PLUMBLINE_OUTPUT"',
        inputs=[{"name": "value", "type": "str"}],
        outputs=[{"name": "value", "type": "str"}],
        params=takes,
        env={"VALUE": "{{ value }}"},
    )
    return {
        "flow.yaml": dag("flow", [first, last]),
        "stamp.yaml": job("stamp", f"echo {number}"),
        "serve.yaml": service("serve", "exec sleep 1000"),
    }


def started_once(place: Place) -> bool:
    return all(count == 1 for count in Counter(key for key, _ in place.starts()).values())


def said(place: Place) -> str:
    return place.log.read_text() if place.log.exists() else ""


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """A server of its own, which may be killed."""
    made = PostgresServer(durable=True)
    try:
        yield made.start()
    finally:
        made.remove()


def test_a_repository_runs_to_its_end_through_restarts_and_a_crash(place: Place, database: str) -> None:
    place.configure(ledger={"url": database})
    daemon = place.settled_start(version(1))
    (pid,) = place.pids("serve@")
    assert place.run("flow@g1/last")["outputs"] == {"value": "got 1"}
    assert daemon.end() == 0
    daemon = place.settled_start(version(2))
    assert place.pids("serve@") == [pid]
    daemon.kill()
    commit = place.push(version(3))
    place.start()
    assert place.settled(commit)["state"] == "success"
    assert place.run("flow@g3/last")["outputs"] == {"value": "got 3"}
    assert place.pids("serve@") == [pid]
    assert started_once(place)
    assert not (place.state / "ledger.sqlite").exists()
    assert place.daemons[-1].end() == 0


def test_it_goes_on_by_itself_when_the_server_is_back(place: Place, server: PostgresServer) -> None:
    place.configure(ledger={"url": server.url(server.make())})
    daemon = place.settled_start(version(1))
    for number, how in ((2, signal.SIGQUIT), (3, signal.SIGINT)):
        server.stop(how)
        commit = place.push(version(number))
        until(lambda: said(place).count("cannot reach the state in postgresql://plumbline@/ledger_0"), "it is said")
        server.start()
        assert place.settled(commit)["state"] == "success"
        assert place.run(f"flow@g{number}/last")["outputs"] == {"value": f"got {number}"}
    assert started_once(place)
    assert not daemon.ended()
    assert daemon.end() == 0


def test_a_second_daemon_names_the_first(places: Callable[..., Place], database: str) -> None:
    first = places("first", ledger={"url": database})
    first.start()
    second = places("second", ledger={"url": database, "wait": 0})
    assert second.launch().wait() == 3
    words = f"another daemon has the state in postgresql://plumbline@/{database.partition('@/')[2].partition('?')[0]}"
    assert f"plumbline: {words} (plumbline pid {first.daemons[0].pid} on " in said(second)
    assert first.answers()


def test_a_second_daemon_that_waits_takes_over(places: Callable[..., Place], database: str) -> None:
    first = places("first", ledger={"url": database})
    daemon = first.settled_start({"stamp.yaml": job("stamp", "true")})
    # The same repository, followed from another folder.
    second = places("second", ledger={"url": database, "wait": 600}, repository={"url": str(first.bare), "poll": 1})
    second.launch()
    until(lambda: "waiting for the ledger" in said(second), "it waits")
    assert not second.answers()
    daemon.kill()
    second.daemons[-1].up()
    commit = first.push({"stamp.yaml": job("stamp", "echo again")})
    assert second.settled(commit)["state"] == "success"
    assert second.starts() != []


def test_a_daemon_that_was_stopped_ends_where_another_took_over(
    place: Place, postgres: PostgresServer, database: str
) -> None:
    place.configure(ledger={"url": database})
    daemon = place.settled_start({"serve.yaml": service("serve", "exec sleep 1000")})
    name = database.partition("@/")[2].partition("?")[0]
    daemon.send(signal.SIGSTOP)
    postgres.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")

    async def take() -> int:
        other = await open_postgres(Server(database, wait=60.0), "default", "repo")
        begun = await other.sequence()
        daemon.send(signal.SIGCONT)
        await anyio.to_thread.run_sync(daemon.wait)
        assert await other.sequence() == begun
        await other.close()
        return begun

    assert anyio.run(take) > 0
    assert daemon.code == 3
    assert "plumbline: another daemon has taken the state in postgresql://plumbline@" in said(place)
    assert place.pids("serve@") != []


def test_a_password_is_nowhere_to_be_seen(place: Place, postgres: PostgresServer, database: str) -> None:
    secret = place.base / "password"
    secret.write_text("s3cr3t-w0rd\n")
    secret.chmod(0o600)
    url = database.replace("plumbline@", "keeper@")
    with postgres.with_password("keeper", "s3cr3t-w0rd"):
        place.configure(ledger={"url": url, "passwordFile": str(secret)}, logLevel="debug")
        daemon = place.settled_start(version(1))
        seen = "".join((str(place.get("/v1/status")), str(place.get("/v1/runs")), said(place)))
        daemon.end()
        secret.write_text("wr0ng-w0rd")
        place.configure(ledger={"url": url, "passwordFile": str(secret), "wait": 0})
        assert place.launch().wait() == 3
    assert 'password authentication failed for user "keeper"' in said(place)
    assert "s3cr3t" not in seen + said(place)
    assert "wr0ng" not in said(place)


def test_a_ledger_of_before_in_the_state_folder_is_not_passed_over(place: Place, database: str) -> None:
    place.settled_start({"stamp.yaml": job("stamp", "true")}).end()
    place.configure(ledger={"url": database})
    assert place.launch().wait() == 3
    assert f"the ledger of before is in {place.state}/ledger.sqlite" in said(place)
