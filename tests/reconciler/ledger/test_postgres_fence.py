"""One daemon at a time, and a connection that may go at any moment: what was promised is there, once."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from types import SimpleNamespace
from typing import Any

import anyio
import anyio.lowlevel
import psycopg
import pytest
import sqlalchemy as sa

from planner import keys
from planner.model import facts as f
from planner.model.people import ProjectRecord
from planner.model.retention import Removed
from reconciler.errors import Transient, Unusable
from reconciler.ledger import postgres_database
from reconciler.ledger.memory import MemoryLedger
from reconciler.ledger.postgres import open_postgres
from reconciler.ledger.postgres_session import Server
from reconciler.ledger.sql import SqlLedger
from reconciler.ledger.state import MemoryState
from reconciler.ports import RunQuery
from tests.contracts.ledger import AT, advanced, ended, everything, intended, opened, succeeded
from tests.postgres import PostgresServer
from tests.reconciler.ledger.cutter import Cut, Cutter
from tests.reconciler.ledger.histories import Historian

pytestmark = [pytest.mark.process, pytest.mark.anyio]

G1 = keys.generation("train", 1)
Opens = Callable[..., Awaitable[SqlLedger]]


@pytest.fixture
async def opens() -> AsyncIterator[Opens]:
    """Opens ledgers that are closed at the end."""
    made: list[SqlLedger] = []

    async def open_it(url: str, *, term: int | None = None, alone: bool = True, **more: float) -> SqlLedger:
        server = Server(url, **{"wait": 0.0, **more})  # type: ignore[arg-type]
        made.append(await open_postgres(server, "test", "project", term=term, alone=alone))
        return made[-1]

    yield open_it
    for ledger in made:
        await ledger.close()


def cut_off(url: str) -> int:
    """End all sessions of a database, and wait until they are gone; returns how many there were."""
    with psycopg.connect(url, autocommit=True) as connection:
        count = 0
        while True:
            found = connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
            ).fetchall()
            if not found:
                return count
            count = max(count, len(found))


def sessions(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchone()
        return int(row[0]) if row else 0


# -- who has it


async def test_a_second_daemon_is_told_who_has_it(opens, database):
    first = await opens(database)
    with pytest.raises(Unusable, match=r"another daemon has the state in .*plumbline pid \d+ on .*since 20.*stop it"):
        await opens(database)
    assert await first.record([opened(G1)]) == 1
    await first.close()
    second = await opens(database, wait=10.0)
    assert await second.sequence() == 1


async def test_a_second_daemon_may_wait_until_the_first_ends(opens, database):
    first = await opens(database)
    found: list[int] = []

    async def wait() -> None:
        found.append(await (await opens(database, wait=60.0)).record([opened(keys.generation("train", 2))]))

    async with anyio.create_task_group() as group:
        group.start_soon(wait)
        await anyio.wait_all_tasks_blocked()
        assert await first.record([opened(G1)]) == 1
        assert found == []
        await first.close()
    assert found == [2]


async def test_who_lost_the_lock_writes_nothing_after_another_began(opens, database):
    first = await opens(database)
    await first.record([opened(G1)])
    assert cut_off(database) == 1
    second = await opens(database, wait=10.0)
    for _ in range(2):
        with pytest.raises(Unusable, match=r"another daemon has taken .*; this one writes nothing any more"):
            await first.record([advanced(G1)])
    with pytest.raises(Unusable):
        await first.root("train")
    assert await second.record([advanced(G1)]) == 2
    assert [number for number, _ in await second.facts()] == [1, 2]


async def test_who_does_nothing_finds_out_too(opens, database):
    first = await opens(database)
    first.database.beat = 0.001
    cut_off(database)
    second = await opens(database, wait=10.0)
    with anyio.fail_after(30), pytest.raises(Unusable, match="another daemon has taken"):
        await first.keep()
    assert await second.sequence() == 0


async def test_a_lost_connection_is_made_again_where_nobody_took_over(opens, database):
    ledger = await opens(database)
    for number in range(1, 4):
        cut_off(database)
        assert await ledger.record([opened(keys.generation("train", number))]) == number
        cut_off(database)
        assert await ledger.facts(after=number) == []
    assert sessions(database) == 1


async def test_a_session_that_says_nothing_is_taken_back(opens, database):
    first = await opens(database, silence=0.2, wait=30.0)
    second = await opens(database, wait=30.0)
    assert await second.record([opened(G1)]) == 1
    with pytest.raises(Unusable, match="another daemon has taken"):
        await first.record([opened(G1)])


async def test_a_session_that_is_kept_says_something_now_and_then(opens, database):
    ledger = await opens(database)
    assert 0 < ledger.database.beat < 60 / 2
    ledger.database.beat = 0.001
    heard: set[object] = set()
    async with anyio.create_task_group() as group:
        group.start_soon(ledger.keep)
        while len(heard) < 5:
            heard.add(last_heard(database))
            await anyio.lowlevel.checkpoint()
        group.cancel_scope.cancel()


def last_heard(url: str) -> object:
    with psycopg.connect(url) as connection:
        return connection.execute(
            "SELECT max(state_change) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchone()


@pytest.mark.parametrize("later", [2, 1], ids=["the next leader", "the same leader, started again"])
async def test_an_elected_leader_shuts_out_those_before(opens, database, later):
    first = await opens(database, term=1)
    await first.record([opened(G1)])
    second = await opens(database, term=later)
    with pytest.raises(Unusable, match="another daemon has taken"):
        await first.record([advanced(G1)])
    assert await second.record([advanced(G1)]) == 2


async def test_a_leader_of_an_earlier_term_does_not_get_in(opens, database):
    second = await opens(database, term=2)
    with pytest.raises(Unusable, match=r"a later leader has opened .*\(term 2, this one is of term 1\)"):
        await opens(database, term=1)
    assert await second.record([opened(G1)]) == 1


async def test_a_leader_in_the_middle_of_a_transaction_is_waited_for(opens, database):
    """Whoever takes over sees all of what was promised before."""
    first = await opens(database, term=1)
    begun, go_on = threading.Event(), threading.Event()

    def pause(*_: Any) -> None:
        begun.set()
        assert go_on.wait(30)

    sa.event.listen(first.database.engine, "commit", pause)
    found: list[int] = []

    async def take_over() -> None:
        found.append(await (await opens(database, term=2, wait=30.0)).sequence())

    async with anyio.create_task_group() as group:
        group.start_soon(first.record, [opened(G1)])
        await anyio.to_thread.run_sync(begun.wait)
        group.start_soon(take_over)
        await anyio.wait_all_tasks_blocked()
        go_on.set()
    assert found == [1]


async def test_who_is_stopped_in_the_middle_of_a_transaction_holds_nobody_up(opens, database):
    first = await opens(database, silence=0.3, wait=30.0)
    stopped, go_on = threading.Event(), threading.Event()

    def stop(*_: Any) -> None:
        if not stopped.is_set():
            stopped.set()
            assert go_on.wait(60)

    sa.event.listen(first.database.engine, "commit", stop)

    async def record() -> None:
        with pytest.raises(Unusable, match="another daemon has taken"):
            await first.record([opened(G1)])

    async with anyio.create_task_group() as group:
        group.start_soon(record)
        await anyio.to_thread.run_sync(stopped.wait)
        second = await opens(database, wait=60.0)
        assert await second.record([opened(keys.generation("train", 2))]) == 1
        go_on.set()
    assert [run.key.generation for run in await second.runs(RunQuery())] == [2]


# -- what is in its place


async def test_a_ledger_that_lost_facts_is_noticed(opens, database):
    """A replica that had not got all took over, or a backup was put back."""
    ledger = await opens(database)
    await ledger.record([opened(G1)])
    await ledger.record([advanced(G1)])
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("UPDATE meta SET sequence = 1")
    with pytest.raises(Unusable, match="has lost what was recorded after fact 1, up to 2"):
        await ledger.record([intended(G1.at_attempt(1))])


async def test_another_ledger_in_its_place_is_noticed(opens, postgres, database):
    ledger = await opens(database)
    name = database.partition("@/")[2].partition("?")[0]
    postgres.drop(name)
    with pytest.raises(Transient, match="does not exist"):
        await ledger.record([opened(G1)])
    postgres.run(f"CREATE DATABASE {name}")
    with pytest.raises(Unusable, match="is gone, or another one is in its place"):
        await ledger.record([opened(G1)])
    await (await opens(database)).close()


# -- a connection that goes


@pytest.fixture
def between(postgres: PostgresServer, database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cutter]:
    folder = tmp_path_factory.mktemp("cut")
    cutter = Cutter(folder, postgres.folder)
    cutter.url = f"{database.partition('?')[0]}?host={folder}"  # type: ignore[attr-defined]
    yield cutter
    cutter.close()


async def test_cut_off_at_any_statement_all_is_recorded_once(opens, database):
    """Whatever was sent before the connection went: on the next one the same is done from its beginning."""
    ledger = await opens(database)
    twin = MemoryLedger(MemoryState(ident=ledger.ident, instance="test", project=ProjectRecord("project")))
    count = 0
    cut_at = -1

    def cut(*_: Any) -> None:
        nonlocal count
        if count == cut_at:
            cut_off(database)
        count += 1

    sa.event.listen(ledger.database.engine, "before_cursor_execute", cut)
    for at in range(30):
        facts = [opened(keys.request("train", f"r{at}")), *succeeded(keys.request("train", f"r{at}"))]
        count, cut_at = 0, at
        assert await ledger.record(facts, {f"d1:{at}": "{}"}) == await twin.record(facts, {f"d1:{at}": "{}"})
        if count <= at:
            break
    assert 5 < at < 29
    cut_at = -1
    assert await everything(ledger) == await everything(twin)


@pytest.mark.parametrize("how", [Cut.BEFORE, Cut.HALF_OPEN, Cut.AFTER])
@pytest.mark.parametrize("elected", [False, True], ids=["lock", "elected"])
async def test_cut_off_at_a_commit_all_is_recorded_once(opens, between, how, elected):
    ledger = await opens(between.url, term=1 if elected else None)
    twin = MemoryLedger(MemoryState(ident=ledger.ident, instance="test", project=ProjectRecord("project")))
    historian = Historian(5)
    for number in range(12):
        facts = historian.transaction()
        if number % 2:
            between.cut = how
        assert await ledger.record(facts) == await twin.record(facts)
    assert between.cuts == 6
    assert await everything(ledger) == await everything(twin)


@pytest.mark.parametrize("how", [Cut.BEFORE, Cut.AFTER])
async def test_what_may_be_done_twice_is_tried_again(opens, between, how):
    ledger = await opens(between.url)
    key = keys.request("train", "r1")
    await ledger.record([opened(key), *succeeded(key), opened(G1), *succeeded(G1)])
    between.cut = how
    removed = Removed(AT, "count: 1", 1, AT)
    with pytest.raises(Transient, match="cannot reach the state in"):
        await ledger.forget("train", [key], removed)
    await ledger.forget("train", [key], removed)
    assert [run.key for run in await ledger.runs(RunQuery())] == [G1]
    assert (await ledger.root("train")).record.removed.count == 1
    assert await ledger.record([advanced(G1)]) == 11


@pytest.mark.parametrize("how", [Cut.BEFORE, Cut.AFTER])
async def test_a_record_waits_for_the_server_to_say_what_became_of_it(opens, postgres, between, how, monkeypatch):
    ledger = await opens(between.url)
    monkeypatch.setattr("reconciler.ledger.sql._FIRST_WAIT", 0.01)
    between.cut = how
    seen: list[int] = []
    held = threading.Event()
    real = psycopg.connect

    def away(*words: Any, **more: Any) -> Any:
        if not held.is_set():
            raise psycopg.OperationalError("the server is away")
        return real(*words, **more)

    monkeypatch.setattr(psycopg, "connect", away)

    async def record() -> None:
        seen.append(await ledger.record([opened(G1)]))

    async def told(ledger: SqlLedger) -> str:
        """What reading says: that the server is away, and nothing old."""
        while True:
            try:
                await ledger.facts()
            except Transient as error:
                return error.message

    async with anyio.create_task_group() as group:
        group.start_soon(record)
        await anyio.to_thread.run_sync(between.happened.wait)
        assert "the server is away" in await told(ledger)
        with pytest.raises(Transient, match="the server is away"):
            # Nobody else has to wait.
            await ledger.record([opened(keys.generation("train", 2))])
        assert seen == []
        held.set()
    assert seen == [1]
    assert [number for number, _ in await ledger.facts()] == [1]


async def test_who_does_not_wait_for_that_leaves_no_doubt_behind(opens, between, monkeypatch):
    ledger = await opens(between.url)
    real, away = psycopg.connect, [True]

    def connect(*words: Any, **more: Any) -> Any:
        if away[0]:
            raise psycopg.OperationalError("the server is away")
        return real(*words, **more)

    monkeypatch.setattr(psycopg, "connect", connect)
    between.cut = Cut.AFTER
    with anyio.move_on_after(0.3):
        await ledger.record([opened(G1)])
    away[0] = False
    assert await ledger.record([advanced(G1), intended(G1.at_attempt(1))]) == 3
    assert [number for number, _ in await ledger.facts()] == [1, 2, 3]
    assert set((await ledger.root("train")).runs) == {G1}
    assert await ledger.record([ended(G1.at_attempt(1)), f.Cleaned("train", G1.at_attempt(1), AT)]) == 5


async def test_a_server_that_does_not_even_answer_is_asked_by_one_at_a_time(opens, database, monkeypatch):
    """Each try takes as long as its time-out: those that wait behind it are told what it found."""
    ledger = await opens(database)
    cut_off(database)
    clock, tries = [0.0], []

    def connect(*_: Any, **__: Any) -> None:
        tries.append(clock[0])
        clock[0] += 10.0
        raise psycopg.OperationalError("timeout expired")

    with monkeypatch.context() as patched:
        patched.setattr(psycopg, "connect", connect)
        patched.setattr(postgres_database, "time", SimpleNamespace(monotonic=lambda: clock[0]))
        for _ in range(5):
            with pytest.raises(Transient, match="timeout expired"):
                await ledger.facts()
        assert tries == [0.0]
        clock[0] += 10.0
        with pytest.raises(Transient, match="timeout expired"):
            await ledger.record([opened(G1)])
        assert tries == [0.0, 20.0]
        clock[0] += 10.0
        patched.undo()
    assert await ledger.record([opened(G1)]) == 1


async def test_a_server_that_starts_again_is_found_again(opens):
    server = PostgresServer()
    try:
        server.start()
        ledger = await opens(server.url(server.make()))
        assert await ledger.record([opened(G1)]) == 1
        server.stop()
        with pytest.raises(Transient, match="cannot reach the state in"):
            await ledger.record([advanced(G1)])
        with pytest.raises(Transient):
            await ledger.facts()
        server.start()
        assert await ledger.record([advanced(G1)]) == 2
        await ledger.close()
    finally:
        server.remove()
