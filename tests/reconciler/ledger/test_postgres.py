"""What only a server can do: be gone, be full, be somebody else's, order text in its own way."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

import tests.postgres as servers
from planner import keys
from planner.model import facts as f
from planner.model.notices import Notice
from planner.model.questions import Cached, Reusable
from planner.model.records import RunRecord
from planner.model.status import RunStatus
from planner.query import read_search
from reconciler import codec
from reconciler.errors import Refused, Transient, Unusable
from reconciler.ledger import migrations, reads, resting, rows, schema
from reconciler.ledger.batch import touched
from reconciler.ledger.postgres import open_postgres
from reconciler.ledger.postgres_faults import is_lost, meaning
from reconciler.ledger.postgres_session import Server, name_of
from reconciler.ledger.sql import SqlLedger
from reconciler.ports import Find, RunQuery
from reconciler.ports_sweep import Bounds, Sweep
from tests.contracts.ledger import AT, advanced, asked, ended, intended, opened, succeeded
from tests.e2e.harness import may_mount, mounted

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
        with contextlib.suppress(Transient):
            await ledger.close()


def setting(ledger: SqlLedger, name: str) -> str:
    with ledger.database.reading() as connection:
        return str(connection.exec_driver_sql(f"SHOW {name}").scalar_one())


def tell(url: str, *statements: str) -> None:
    """Change a database behind the back of its ledger."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)  # type: ignore[call-overload]


def database_of(url: str) -> str:
    return url.partition("@/")[2].partition("?")[0]


# -- durability and settings


@pytest.mark.parametrize(
    ("said", "meant"), [("off", "on"), ("local", "on"), ("remote_write", "on"), ("on", "on"), ("remote_apply",) * 2]
)
async def test_a_commit_is_never_less_than_durable(opens, postgres, database, said, meant):
    name = database_of(database)
    tell(database, f"ALTER DATABASE {name} SET synchronous_commit = {said}")
    assert setting(await opens(database), "synchronous_commit") == meant


async def test_nobody_is_waited_for_without_end(opens, database):
    ledger = await opens(database, patience=3.0, statement=7.0, silence=30.0)
    found = {
        name: setting(ledger, name)
        for name in (
            "lock_timeout",
            "statement_timeout",
            "idle_in_transaction_session_timeout",
            "idle_session_timeout",
        )
    }
    assert list(found.values()) == ["3s", "7s", "30s", "30s"]


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("postgresql://ada@db.example:5433/ops?sslmode=verify-full", "postgresql://ada@db.example:5433/ops"),
        ("postgresql://ada:secret@db/ops?password=secret", "postgresql://ada@db/ops"),
        ("postgresql://one:5432,two:5433/ops?target_session_attrs=read-write", "postgresql://one:5432,two:5433/ops"),
        ("postgresql:///ops?host=/run/postgresql", "postgresql:///ops"),
    ],
)
def test_a_url_is_named_without_secrets(url, name):
    assert name_of(url) == name


@pytest.mark.parametrize(("ci", "outcome"), [("", "Skipped"), ("1", "Failed")])
def test_a_machine_without_a_server_to_test_on_says_so_and_fails_where_nobody_looks(monkeypatch, ci, outcome):
    monkeypatch.setenv("CI", ci)
    monkeypatch.setattr(servers, "programs", lambda: None)
    with pytest.raises(BaseException, match="NOTHING OF POSTGRESQL IS TESTED") as raised:
        servers.demand_programs()
    assert type(raised.value).__name__ == outcome


# -- what is refused


async def test_an_empty_database_becomes_a_ledger_once(opens, database):
    ledger = await opens(database)
    await ledger.record([advanced(G1), opened(G1)])
    await ledger.close()
    again = await opens(database)
    assert (again.ident, await again.sequence()) == (ledger.ident, 2)


async def test_another_instance_is_refused(opens, database):
    await (await opens(database)).close()
    with pytest.raises(Unusable, match=r"belongs to the instance 'test', not 'prod'.*another database or schema"):
        await open_postgres(Server(database), "prod", "project")


@pytest.mark.parametrize("table", ["shop", "alembic_version"])
async def test_a_database_of_something_else_is_refused_and_left_alone(opens, database, table):
    tell(database, f"CREATE TABLE {table} (version_num text)")
    with pytest.raises(Unusable, match="is no Plumbline state; choose another database or schema"):
        await opens(database)
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall() == [
            (table,)
        ]


async def test_a_newer_schema_is_refused(opens, database):
    await (await opens(database)).close()
    tell(database, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Unusable, match=r"written by a newer Plumbline .*9999.*use that version"):
        await opens(database)


async def test_a_database_that_does_not_hold_utf8_is_refused(opens, postgres):
    name = postgres.make("template0", "ENCODING 'SQL_ASCII' LOCALE 'C'")
    try:
        with pytest.raises(Unusable, match="holds text as SQL_ASCII; make it with the encoding UTF8"):
            await opens(postgres.url(name))
    finally:
        postgres.drop(name)


async def test_a_schema_of_its_own_is_a_ledger_of_its_own(opens, database):
    tell(database, "CREATE SCHEMA one", "CREATE SCHEMA two")
    one, two = [await opens(f"{database}&options=-csearch_path%3D{name}") for name in ("one", "two")]
    await one.record([opened(G1)])
    assert (await one.sequence(), await two.sequence()) == (1, 0)
    with pytest.raises(Unusable, match="there is no schema"):
        await opens(f"{database}&options=-csearch_path%3Dthree")


async def test_a_role_that_may_not_is_told_what_to_do(opens, postgres, database):
    postgres.run("DO $$ BEGIN CREATE ROLE guest LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
    url = database.replace("plumbline@", "guest@")
    with pytest.raises(Unusable, match=r"own the database or the schema \(permission denied for schema public\)"):
        await opens(url)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgresql://ada@/nothing?host={folder}", 'cannot reach .*role "ada" does not exist'),
        ("postgresql://plumbline@/nothing?host={folder}", 'cannot reach .*database "nothing" does not exist'),
        ("postgresql://plumbline@/nothing?host={folder}/none", "cannot reach the state in .*No such file"),
    ],
    ids=["role", "database", "server"],
)
async def test_who_cannot_be_reached_is_named(opens, postgres, url, message):
    with pytest.raises(Transient, match=message):
        await opens(url.format(folder=postgres.folder))


@pytest.mark.parametrize("url", ["postgresql://db/x?nothing=1", "postgresql://[::1/x"])
async def test_a_wrong_url_is_refused(opens, url):
    with pytest.raises(Unusable, match=r"ledger.url is wrong: "):
        await opens(url)


async def test_a_password_is_asked_for_at_each_connection_and_never_said(opens, postgres, database):
    said = ["first"]
    with postgres.with_password("clerk", "first"):
        url = database.replace("plumbline@", "clerk@")
        ledger = await open_postgres(Server(url, lambda: said[-1]), "test", "project")
        postgres.run("ALTER ROLE clerk PASSWORD 'second'")
        postgres.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'clerk'")
        with pytest.raises(Transient, match='password authentication failed for user "clerk"') as raised:
            await ledger.record([opened(G1)])
        assert "first" not in raised.value.message
        said.append("second")
        assert await ledger.record([opened(G1)]) == 1
        await ledger.close()


# -- what passes


async def test_a_busy_database_can_be_read_and_passes(opens, database):
    ledger = await opens(database, patience=0.05, alone=False)
    with psycopg.connect(database) as other:
        other.execute("SELECT * FROM meta FOR UPDATE")
        with pytest.raises(Transient, match="cannot be used now, it is busy"):
            await ledger.record([opened(G1)])
        assert await ledger.sequence() == 0
    assert await ledger.record([opened(G1)]) == 1


async def test_what_takes_too_long_is_cut_and_passes(opens, database):
    ledger = await opens(database, statement=0.05)
    with psycopg.connect(database) as other:
        other.execute("SELECT * FROM meta FOR UPDATE")
        with pytest.raises(Transient, match="took too long"):
            await ledger.record([opened(G1)])
    assert await ledger.record([opened(G1)]) == 1


async def test_a_server_that_lets_nobody_write_can_be_read_and_passes(opens, postgres, database):
    ledger = await opens(database, alone=False)
    with ledger.database.engine.connect() as connection:
        connection.exec_driver_sql("SET default_transaction_read_only = on")
        connection.commit()
    with pytest.raises(Transient, match="lets nobody write"):
        await ledger.record([opened(G1)])
    assert await ledger.sequence() == 0
    with ledger.database.engine.connect() as connection:
        connection.exec_driver_sql("SET default_transaction_read_only = off")
        connection.commit()
    assert await ledger.record([opened(G1)]) == 1


async def test_a_server_without_a_connection_left_passes(opens, postgres, database):
    postgres.run("DROP ROLE IF EXISTS many")
    postgres.run("CREATE ROLE many LOGIN SUPERUSER")
    name = database_of(database)
    tell(database, "ALTER ROLE many NOSUPERUSER CONNECTION LIMIT 0", f"GRANT ALL ON DATABASE {name} TO many")
    with pytest.raises(Transient, match='too many connections for role "many"'):
        await opens(database.replace("plumbline@", "many@"))


@pytest.mark.skipif(not may_mount(), reason="needs CAP_SYS_ADMIN, to mount a small file system")
async def test_a_full_disk_records_nothing_and_passes(opens, postgres):
    small = postgres.folder / "small"
    with mounted(small, "size=24m"):
        owner = postgres.folder.stat()
        os.chown(small, owner.st_uid, owner.st_gid)
        postgres.run(f"CREATE TABLESPACE small LOCATION '{small}'")
        name = postgres.make(more="TABLESPACE small")
        try:
            ledger = await opens(postgres.url(name))
            await ledger.record([opened(G1)])
            filler = fill(small)
            with pytest.raises(Transient, match="its server has no space left; nothing was recorded"):
                await ledger.record([advanced(G1)], {"d1:big": os.urandom(2_000_000).hex()})
            assert await ledger.sequence() == 1
            assert (await ledger.root("train")).record.applied is None
            assert [run.key for run in await ledger.runs(RunQuery())] == [G1]
            filler.unlink()
            assert await ledger.record([advanced(G1)], {"d1:big": os.urandom(2_000_000).hex()}) == 2
            await ledger.close()
        finally:
            postgres.drop(name)
            postgres.run("DROP TABLESPACE small")


def fill(folder: Path) -> Path:
    """Take all that is left; returns the file that has it."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 4096)
    return filler


async def test_a_name_that_no_index_takes_is_refused_and_nothing_recorded(opens, database):
    ledger = await opens(database)
    # No two parts alike, or PostgreSQL would press it until it fits.
    deep = G1
    for number in range(60):
        deep = deep.child("".join(f"{(number * 977 + part * 7919) % 1_000_003:x}" for part in range(25)))
    assert len(str(deep)) > 2704
    with pytest.raises(Refused, match="a name is too long for the state in"):
        await ledger.record([opened(G1), opened(deep)])
    assert await ledger.record([opened(G1)]) == 1


class _Diagnosed(psycopg.Error):
    def __init__(self, state: str | None) -> None:
        super().__init__("something")
        self.sqlstate = state


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("53100", Transient),
        ("53200", Transient),
        ("53300", Transient),
        ("55P03", Transient),
        ("57014", Transient),
        ("25006", Transient),
        ("40001", Transient),
        ("54000", Refused),
        ("42501", Unusable),
        ("58030", Unusable),
        ("XX001", Unusable),
        ("23505", type(None)),
        ("42P01", type(None)),
        ("XX000", type(None)),
    ],
)
def test_every_error_has_a_meaning(state, kind):
    found = meaning(_Diagnosed(state), "postgresql://db/x")
    assert type(found) is kind
    if found is not None:
        assert "postgresql://db/x" in found.message
        assert found.message[0].islower()
        assert not found.message.endswith(".")


@pytest.mark.parametrize("state", [None, "08006", "57P01", "57P02", "57P03", "57P05", "25P03"])
def test_what_is_about_the_connection_is_tried_on_another(state):
    error = psycopg.OperationalError("something")
    error.sqlstate = state
    assert is_lost(error)
    assert isinstance(meaning(error, "x"), Transient)


# -- text


async def test_text_is_ordered_by_code_point_in_any_database(opens, postgres):
    name = postgres.make("template0", "LOCALE_PROVIDER icu ICU_LOCALE 'de-DE' LOCALE 'C.UTF-8'")
    try:
        ledger = await opens(postgres.url(name))
        names = ["b", "A", "a-1", "a_1", "a1", "B", "-", "_", "1"]
        await ledger.record([opened(keys.generation(root, 1)) for root in names])
        assert list(await ledger.roots()) == sorted(names)
        contexts = ["plumbline/ä", "plumbline/z", "plumbline", "plumbline/Z"]
        await ledger.record([f.StatusChanged("", "c1", one, f.StatusState.PENDING, "", AT) for one in contexts])
        assert [one.context for one in await ledger.statuses("c1")] == sorted(contexts)
        await ledger.close()
    finally:
        postgres.drop(name)


async def test_names_from_outside_may_hold_anything(opens, database):
    ledger = await opens(database, alone=False)
    odd = ["tr\x00ain", "tr\x01ain", "tr\x01\x01ain", "tr\x00", "tr", "\x00", "\x01\x02", "😀", "tr'ain\\"]
    await ledger.record([asked(name, f"q{name}") for name in odd], {f"d1:{name}": name for name in ("a", "b")})
    assert list(await ledger.roots()) == sorted(odd)
    assert set(await ledger.states(odd)) == set(odd)
    assert all(len(state.record.commands) == 1 for state in (await ledger.states(odd)).values())
    answers = [f.Answered(name, f"q{name}", False, f"no {name}", AT) for name in odd]
    await ledger.record(answers)
    assert [await ledger.answer(f"q{name}") for name in odd] == answers
    assert await ledger.roots() == {}
    assert [fact for _, fact in await ledger.facts("tr\x00ain")] == [asked("tr\x00ain", "qtr\x00ain"), answers[0]]


async def test_what_runs_wrote_does_not_stand_in_the_way_of_looking_into_it(opens, database):
    """PostgreSQL takes no JSON with an escaped NUL or half a pair: not even to read something else of it."""
    ledger = await opens(database)
    outputs = {"text": "\x00\ud800\u2028😀\\u0000", "loss": 0.25, "big": 10**300, "word": "1", "yes": True}
    seen = replace(ended(G1.at_attempt(1)).observation, outputs=outputs)
    await ledger.record([opened(G1), intended(G1.at_attempt(1)), f.Observed("train", seen, AT)])
    await ledger.record([f.Bound("train", G1, "d1:l", "d1:bound", AT)], {"d1:bound": "{}", "d1:loose": "{}"})
    for query, hit in {
        "outputs.loss: <0.3": True,
        "outputs.loss: <0.25": False,
        "outputs.loss: 0.25": True,
        "outputs.big: >5": True,
        "outputs.none: >5": False,
        "name: TRAIN": False,
        "name: %rai%": True,
    }.items():
        found = await ledger.find(Find(read_search(query, "", AT, ()), limit=10))
        assert bool(found) is hit, query
    sweep = Sweep()
    while not sweep.done:
        await ledger.sweep(Bounds(AT, AT), sweep)
    assert (await ledger.blob("d1:bound"), await ledger.blob("d1:loose")) == ("{}", None)


async def test_a_sequence_may_grow_over_four_bytes(opens, database):
    ledger = await opens(database)
    await ledger.close()
    far = 2**33
    tell(database, f"UPDATE meta SET sequence = {far}")
    ledger = await opens(database)
    assert await ledger.record([opened(G1), f.Noticed("train", _notice(), AT)]) == far + 2
    assert [number for number, _ in await ledger.facts(after=far)] == [far + 1, far + 2]
    assert [run.key for run in await ledger.runs(RunQuery(root="train"))] == [G1]
    assert await ledger.unsent(1) == [_notice()]


def _notice() -> Notice:
    return Notice("n1", "chat", "train", G1, "job", "done", "failed", "", "new", "c1", AT)


async def test_a_thousand_facts_in_one_transaction(opens, database):
    ledger = await opens(database)
    facts = [opened(keys.request("train", f"r{number}")) for number in range(1200)]
    assert await ledger.record(facts) == 1200
    assert len((await ledger.root("train")).runs) == 1200
    await ledger.record([fact for number in range(600) for fact in succeeded(keys.request("train", f"r{number}"))])
    assert len((await ledger.root("train")).record.open) == 600


# -- the schema


def shape(url: str) -> dict[str, list[tuple[object, ...]]]:
    """Every column, index and constraint."""
    with psycopg.connect(url) as connection:
        columns = connection.execute(
            "SELECT table_name, column_name, data_type, is_nullable, column_default, collation_name "
            "FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2"
        ).fetchall()
        indexes = connection.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1"
        ).fetchall()
    return {"columns": columns, "indexes": indexes}


async def test_a_new_ledger_has_the_schema_that_migrations_lead_to(opens, postgres, database):
    await (await opens(database)).close()
    name = postgres.make()
    try:
        engine = sa.create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(postgres.url(name)))
        with engine.begin() as connection:
            migrations.upgrade(connection)
        engine.dispose()
        made, migrated = shape(database), shape(postgres.url(name))
    finally:
        postgres.drop(name)
    assert made == migrated
    texts = {column[5] for column in made["columns"] if column[2] == "text"}
    assert texts == {"C"}


@pytest.mark.parametrize("revision", schema.REVISIONS[:-1])
async def test_a_ledger_of_an_older_version_is_migrated(opens, postgres, database, revision):
    engine = sa.create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(database))
    with engine.begin() as connection:
        migrations.upgrade(connection, revision)
        connection.exec_driver_sql("INSERT INTO meta VALUES (1, 'old', 'test', 'project', 0, '2026-01-01T00:00:00Z')")
        connection.exec_driver_sql("""INSERT INTO project VALUES (1, '{"name":"project"}')""")
    engine.dispose()
    ledger = await opens(database)
    assert (ledger.ident, await ledger.record([advanced(G1), opened(G1), *succeeded(G1)])) == ("old", 6)


async def test_a_migration_that_fails_changes_nothing(opens, database, monkeypatch):
    await (await opens(database)).close()
    before = shape(database)

    def upgrade(connection: sa.Connection) -> None:
        connection.exec_driver_sql("CREATE TABLE later (id text)")
        raise RuntimeError("no")

    with monkeypatch.context() as patched:
        patched.setattr(schema, "REVISIONS", (*schema.REVISIONS, "9999"))
        patched.setattr(migrations, "upgrade", upgrade)
        with pytest.raises(RuntimeError):
            await opens(database)
    assert shape(database) == before
    assert await (await opens(database)).sequence() == 0


async def test_a_long_history_does_not_slow_planning(opens, database):
    """Rows that the server reads for the questions of planning: the same with 20 runs that are over and with 3,000."""
    ledger = await opens(database)
    await ledger.record([advanced(G1), opened(G1), intended(G1.at_attempt(1))])
    (live,) = await ledger.runs(RunQuery(keys=(G1,)))
    read = []
    for first, last in ((0, 20), (20, 3000)):
        for _ in range(10):
            rows_read(ledger)  # so often that a plan is kept for each question, if the server may
        with ledger.database.writing() as connection:
            connection.execute(sa.insert(schema.runs), [_old(live, number) for number in range(first, last)])
        read.append(rows_read(ledger))
    # Of few rows the server reads all: an index would cost more.
    assert read[1] < 200
    assert read[0] > 20


def rows_read(ledger: SqlLedger) -> int:
    with ledger.database.reading() as connection:
        # What was read before, and not reported yet, is counted too.
        before = connection.exec_driver_sql(_READ).scalar_one()
        reads.root(connection, "train")
        reads.states(connection, ["train", "nobody"])
        reads.ask(connection, [Reusable("train", "d1:a"), Reusable("train", "d1:b"), Cached("d1:a"), Cached("d1:b")])
        reads.runs(connection, RunQuery(root="train", limit=5))
        reads.runs(connection, RunQuery(live=True))
        reads.runs(connection, RunQuery(short="r-abc"))
        reads.runs(connection, RunQuery(keys=(G1,)))
        reads.runs(connection, RunQuery(owed=True))
        reads.open_commits(connection)
        reads.unposted(connection, 10)
        resting.awake(connection, "one")
        rows.load(connection, touched([ended(G1.at_attempt(1))]), None)
        return int(connection.exec_driver_sql(_READ).scalar_one() - before)


_READ = "SELECT coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0) FROM pg_stat_xact_user_tables"


def _old(live: RunRecord, number: int) -> dict[str, object]:
    run = replace(live, key=keys.request("train", f"r{number}"), attempts=(), status=RunStatus.SUCCEEDED, digest="d1:a")
    return {
        "key": str(run.key),
        "root": "train",
        "top": str(run.key),
        "short": run.key.short_id("test", "project"),
        "kind": "job",
        "status": "succeeded",
        "final": True,
        "pending": False,
        "digest": "d1:a",
        "work": "d1:a",
        "own": True,
        "opened": 1000 + number,
        "opened_at": "",
        "body": codec.encode(run),
    }
