"""What only a file can do: be refused, be full, be damaged, be held by another."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
import sqlalchemy as sa

from planner import keys
from planner.model import facts as f
from planner.model.events import Subscription
from planner.model.questions import Cached, Recorded, Reusable
from planner.model.records import RunRecord
from planner.model.schedule import Cursor
from planner.model.status import RunStatus
from planner.query import read_search
from reconciler import codec
from reconciler.errors import Transient, Unusable
from reconciler.ledger import migrations, pages, reads, resting, schema, sqlite_faults, sweeping
from reconciler.ledger.sql import SqlLedger
from reconciler.ledger.sqlite import SqliteDatabase, open_sqlite
from reconciler.ports import Awake, Find, Rest, RunQuery
from reconciler.ports_sweep import Bounds, Stage, Sweep
from tests.contracts.ledger import AT, advanced, intended, opened, succeeded

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

G1 = keys.generation("train", 1)


@pytest.fixture
def anyio_backend():
    return "asyncio"


async def fill(path: Path, *, project: str = "project") -> str:
    ledger = await open_sqlite(path, "test", project)
    await ledger.record([advanced(G1), opened(G1)])
    await ledger.close()
    return ledger.ident


# -- the file


async def test_only_the_owner_may_read_it(tmp_path):
    path = tmp_path / "state" / "ledger.db"
    ledger = await open_sqlite(path, "test", "project")
    await ledger.record([opened(G1)])
    modes = {item.name: item.stat().st_mode & 0o777 for item in path.parent.iterdir()}
    await ledger.close()
    assert set(modes.values()) == {0o600}
    assert path.parent.stat().st_mode & 0o777 == 0o700


async def test_a_file_that_others_could_read_is_closed_to_them(tmp_path):
    path = tmp_path / "ledger.db"
    await fill(path)
    path.chmod(0o644)
    await (await open_sqlite(path, "test", "project")).close()
    assert path.stat().st_mode & 0o777 == 0o600


async def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Unusable, match=r"cannot keep state in .*ledger.db.*choose another state folder"):
        await open_sqlite(tmp_path / "file" / "ledger.db", "test", "project")


async def test_two_new_ledgers_have_different_ids(tmp_path):
    assert await fill(tmp_path / "a.db") != await fill(tmp_path / "b.db")


async def test_the_project_is_fixed_by_the_first_contact(tmp_path):
    await fill(tmp_path / "a.db", project="first")
    ledger = await open_sqlite(tmp_path / "a.db", "test", "second")
    assert (await ledger.project()).name == "first"
    assert await ledger.runs(RunQuery(short=G1.short_id("test", "first")))
    await ledger.close()


async def test_the_settings_make_commits_durable(tmp_path):
    ledger = await open_sqlite(tmp_path / "a.db", "test", "project")
    with ledger.database.engine.connect() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")
        }
    await ledger.close()
    assert found == {"journal_mode": "wal", "synchronous": 2}


async def test_a_closed_ledger_refuses(tmp_path):
    ledger = await open_sqlite(tmp_path / "a.db", "test", "project")
    await ledger.close()
    await ledger.close()
    with pytest.raises(Unusable, match="was closed"):
        await ledger.sequence()


# -- what is refused


def change(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(statement)
    connection.close()


async def test_a_newer_schema_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "a.db"
    await fill(path)
    change(path, "UPDATE alembic_version SET version_num = '9999'")
    before = path.read_bytes()
    with pytest.raises(Unusable, match=r"written by a newer Plumbline .*9999.*use that version"):
        await open_sqlite(path, "test", "project")
    assert path.read_bytes() == before


async def test_another_instance_is_refused(tmp_path):
    await fill(tmp_path / "a.db")
    with pytest.raises(Unusable, match="belongs to the instance 'test', not 'prod'"):
        await open_sqlite(tmp_path / "a.db", "prod", "project")


async def test_another_database_is_refused(tmp_path):
    change(tmp_path / "a.db", "CREATE TABLE shop (id)")
    with pytest.raises(Unusable, match="is no Plumbline state"):
        await open_sqlite(tmp_path / "a.db", "test", "project")


@pytest.mark.parametrize("content", [b"hello " * 500, b"SQLite format 3\x00" + b"\xff" * 8000], ids=["text", "header"])
async def test_a_damaged_file_is_refused(tmp_path, content):
    (tmp_path / "a.db").write_bytes(content)
    with pytest.raises(Unusable, match="damaged or no Plumbline state"):
        await open_sqlite(tmp_path / "a.db", "test", "project")


async def test_damage_within_is_said_and_the_handle_dropped(tmp_path):
    path = tmp_path / "a.db"
    await fill(path)
    content = bytearray(path.read_bytes())
    connection = sqlite3.connect(path)
    damaged = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'roots'").fetchone()[0]
    connection.close()
    content[(damaged - 1) * 4096 : (damaged - 1) * 4096 + 200] = b"\xa5" * 200
    path.write_bytes(content)
    ledger = await open_sqlite(path, "test", "project")
    for _ in range(2):
        with pytest.raises(Unusable, match="damaged"):
            await ledger.root("train")
    await ledger.close()


# -- what passes


async def test_a_full_disk_records_nothing_and_passes(tmp_path):
    ledger = await open_sqlite(tmp_path / "a.db", "test", "project")
    await ledger.record([opened(G1)])
    limit = await bounded(ledger, 0)
    with pytest.raises(Transient, match=r"no space left for the state in .*; nothing was recorded"):
        await ledger.record([advanced(G1)], {"d1:big": "x" * 1_000_000})
    assert await ledger.sequence() == 1
    assert (await ledger.root("train")).record.applied is None
    await bounded(ledger, limit)
    assert await ledger.record([advanced(G1)], {"d1:big": "x" * 1_000_000}) == 2
    await ledger.close()


async def bounded(ledger: SqlLedger, pages: int) -> int:
    """Let the file have `pages` pages, at least those it has; returns what it could have before."""
    with ledger.database.engine.connect() as connection:
        before = connection.exec_driver_sql("PRAGMA max_page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {max(pages, 1)}")
    return int(before)


async def test_a_file_that_turns_read_only_passes(tmp_path):
    ledger = await open_sqlite(tmp_path / "a.db", "test", "project")
    with ledger.database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA query_only = ON")
    with pytest.raises(Transient, match="read-only"):
        await ledger.record([opened(G1)])
    assert await ledger.sequence() == 0
    with ledger.database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA query_only = OFF")
    assert await ledger.record([opened(G1)]) == 1
    await ledger.close()


async def test_a_busy_file_can_be_read_and_passes(tmp_path):
    path = tmp_path / "a.db"
    ledger = await open_sqlite(path, "test", "project", patience=0.01)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Transient, match="busy: another process"):
        await ledger.record([opened(G1)])
    assert await ledger.sequence() == 0
    other.execute("ROLLBACK")
    other.close()
    assert await ledger.record([opened(G1)]) == 1
    await ledger.close()


async def test_an_error_of_ours_is_no_fault_of_the_disk(tmp_path):
    ledger = await open_sqlite(tmp_path / "a.db", "test", "project")
    with ledger.database.engine.connect() as connection:
        connection.exec_driver_sql("DROP TABLE answers")
        connection.commit()
    with pytest.raises(sa.exc.OperationalError):
        await ledger.answer("q1")
    assert await ledger.sequence() == 0
    await ledger.close()


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (sqlite3.SQLITE_FULL, Transient),
        (sqlite3.SQLITE_READONLY_DBMOVED, Transient),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, Transient),
        (sqlite3.SQLITE_LOCKED, Transient),
        (sqlite3.SQLITE_CANTOPEN, Transient),
        (sqlite3.SQLITE_NOMEM, Transient),
        (sqlite3.SQLITE_PERM, Unusable),
        (sqlite3.SQLITE_IOERR_FSYNC, Unusable),
        (sqlite3.SQLITE_IOERR_WRITE, Unusable),
        (sqlite3.SQLITE_CORRUPT_VTAB, Unusable),
        (sqlite3.SQLITE_NOTADB, Unusable),
        (sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, type(None)),
        (sqlite3.SQLITE_ERROR, type(None)),
    ],
)
def test_every_error_has_a_meaning(code, kind):
    error = sqlite3.OperationalError("something")
    error.sqlite_errorcode = code
    found = sqlite_faults.meaning(error, Path("/state/ledger.db"))
    assert type(found) is kind
    if found is not None:
        assert re.fullmatch(r"[a-z].* /state/ledger\.db\b.*", found.message)
        assert not found.message.endswith(".")


# -- the event loop


async def test_calls_from_many_tasks_take_turns(tmp_path):
    ledger = await open_sqlite(tmp_path / "a.db", "test", "project")
    async with anyio.create_task_group() as tasks:
        for number in range(40):
            tasks.start_soon(ledger.record, [opened(keys.request("train", f"r{number}"))])
            tasks.start_soon(ledger.root, "train")
    assert [number for number, _ in await ledger.facts()] == list(range(1, 41))
    await ledger.close()


async def test_a_cancelled_record_is_whole(tmp_path):
    ledger = await open_sqlite(tmp_path / "a.db", "test", "project")
    for number in range(10):
        facts = [opened(keys.request("train", f"r{number}-{part}")) for part in range(20)]
        with anyio.move_on_after(0.0005 * number):
            await ledger.record(facts)
    assert await ledger.sequence() % 20 == 0
    assert len(await ledger.runs(RunQuery(limit=1000))) == await ledger.sequence()
    await ledger.close()


# -- the schema


def objects(path: Path) -> dict[str, str]:
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    connection.close()
    return {name: re.sub(r"\s+", " ", sql).replace("( ", "(").replace(" )", ")") for name, sql in rows}


async def test_a_new_file_has_the_schema_that_migrations_lead_to(tmp_path):
    await fill(tmp_path / "fresh.db")
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'migrated.db'}")
    with engine.begin() as connection:
        migrations.upgrade(connection)
    engine.dispose()
    assert objects(tmp_path / "fresh.db") == objects(tmp_path / "migrated.db")


def test_the_revisions_are_those_of_the_migrations():
    from alembic.script import ScriptDirectory

    engine = sa.create_engine("sqlite://")
    with engine.connect() as connection:
        scripts = ScriptDirectory.from_config(migrations.configuration(connection))
        assert tuple(script.revision for script in scripts.walk_revisions())[::-1] == schema.REVISIONS
    engine.dispose()


async def test_an_older_file_is_migrated_in_the_transaction_that_opens_it(tmp_path, monkeypatch):
    path = tmp_path / "a.db"
    ident = await fill(path)
    ran = []

    def upgrade(connection: sa.Connection) -> None:
        ran.append(connection.in_transaction())
        connection.exec_driver_sql("CREATE TABLE later (id)")
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")

    monkeypatch.setattr(schema, "REVISIONS", (*schema.REVISIONS, "9999"))
    monkeypatch.setattr(migrations, "upgrade", upgrade)
    ledger = await open_sqlite(path, "test", "project")
    assert (ran, ledger.ident, await ledger.sequence()) == ([True], ident, 2)
    await ledger.close()
    assert "later" in objects(path)


async def test_a_file_of_the_first_schema_can_pin(tmp_path):
    path = tmp_path / "a.db"
    await fill(path)
    with contextlib.closing(sqlite3.connect(path)) as old, old:
        old.execute("DROP TABLE pins")
        old.execute("DROP TABLE events")
        old.execute("DROP TABLE pulls")
        old.execute("DROP TABLE notices")
        _drop_work(old)
        old.execute("UPDATE alembic_version SET version_num = '0001'")
    ledger = await open_sqlite(path, "test", "project")
    pin = f.Pinned("hub:train", "sha256:1", "hub:train/train.yaml", AT)
    await ledger.record([pin], {"sha256:1": "content"})
    assert await ledger.pins() == {"hub:train": pin}
    await ledger.close()


_FENCE = (("meta", "term"), ("meta", "fence"))


def _drop_work(old: sqlite3.Connection) -> None:
    """Make a file one of before the cache."""
    for index in ("runs_work", "runs_work_pending", "runs_owed"):
        old.execute(f"DROP INDEX {index}")
    for table, column in (
        ("runs", "work"),
        ("runs", "owed"),
        *(("roots", one) for one in ("listens", "edition", "due")),
        *_FENCE,
    ):
        old.execute(f"ALTER TABLE {table} DROP COLUMN {column}")


async def test_results_of_before_the_cache_are_found_by_it(tmp_path):
    path, key = tmp_path / "a.db", keys.request("train", "r1")
    ledger = await open_sqlite(path, "test", "project")
    opened = f.Opened("train", key, "job", "c1", 1, "", "", AT)
    settled = f.Settled("train", key, RunStatus.SUCCEEDED, "", AT)
    await ledger.record([opened, f.Bound("train", key, "d1:a", "d1:b", AT), settled])
    await ledger.close()
    with contextlib.closing(sqlite3.connect(path)) as old, old:
        _drop_work(old)
        old.execute("DROP TABLE events")
        old.execute("DROP TABLE pulls")
        old.execute("DROP TABLE notices")
        old.execute("UPDATE alembic_version SET version_num = '0002'")
    ledger = await open_sqlite(path, "test", "project")
    assert [run.key for run in (await ledger.ask([Cached("d1:a")]))[Cached("d1:a")]] == [key]
    await ledger.close()


async def test_nothing_of_an_older_file_rests_before_it_was_planned(tmp_path):
    path = tmp_path / "a.db"
    ledger = await open_sqlite(path, "test", "project")
    subscription = Subscription("runs.other", ("run_status_failed",))
    await ledger.record([f.CursorMoved("train", Cursor("d1:a", AT), AT), f.Listened("train", (subscription,), AT)])
    await ledger.close()
    with contextlib.closing(sqlite3.connect(path)) as old, old:
        old.execute("DROP TABLE pulls")
        for table, column in (*(("roots", one) for one in ("listens", "edition", "due")), *_FENCE):
            old.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        old.execute("UPDATE alembic_version SET version_num = '0006'")
    ledger = await open_sqlite(path, "test", "project")
    record = (await ledger.roots())["train"]
    assert await ledger.awake("one") == Awake({"train": record}, {}, {})
    await ledger.rest([Rest(record, AT)], "one")
    assert await ledger.awake("one") == Awake({}, {"train": record}, {"train": AT})
    await ledger.close()


async def test_what_an_older_version_wrote_in_other_words_rests_as_well(tmp_path):
    ledger = await open_sqlite(tmp_path / "a.db", "test", "project")
    await ledger.record([f.CursorMoved("train", Cursor("d1:a", AT), AT)])
    record = (await ledger.roots())["train"]
    with ledger.database.engine.begin() as connection:
        connection.execute(sa.update(schema.roots).values(body=codec.encode(record).replace(",", ", ")))
    await ledger.rest([Rest(record, AT)], "one")
    assert (await ledger.awake("one")).due == {"train": AT}
    await ledger.close()


async def test_a_migration_that_fails_changes_nothing(tmp_path, monkeypatch):
    path = tmp_path / "a.db"
    await fill(path)

    def upgrade(connection: sa.Connection) -> None:
        connection.exec_driver_sql("CREATE TABLE later (id)")
        raise RuntimeError("no")

    monkeypatch.setattr(schema, "REVISIONS", (*schema.REVISIONS, "9999"))
    monkeypatch.setattr(migrations, "upgrade", upgrade)
    with pytest.raises(RuntimeError):
        await open_sqlite(path, "test", "project")
    assert "later" not in objects(path)


# -- the cost of reading


_QUESTIONS = [Reusable("train", "d1:a"), Reusable("train", "d1:b"), Cached("d1:a"), Cached("d1:c"), Recorded((G1,))]

_QUERIES = [
    RunQuery(),
    RunQuery(root="train"),
    RunQuery(live=True),
    RunQuery(root="train", live=True),
    RunQuery(root="train", live=False),
    RunQuery(short="r-abc"),
    RunQuery(keys=(G1,)),
]


_FINDS = [
    "name: train",
    "name: train, created_at: 2026-11-23, status: ~failed, runtime: job",
    f"pipeline: {G1} OR inputs.x: nil, tags: nil",
    f"controller: {G1}, id: _any_ OR pipeline: nil",
]


async def test_no_question_reads_whole_tables(tmp_path):
    """Every statement of every read but those on tables as small as the answer goes by an index."""
    path = tmp_path / "a.db"
    await fill(path)
    engine = SqliteDatabase(path, 1.0).engine
    asked: list[tuple[str, object]] = []
    sa.event.listen(
        engine, "before_cursor_execute", lambda c, cursor, sql, args, context, many: asked.append((sql, args))
    )
    with engine.connect() as connection:
        reads.root(connection, "train")
        reads.ask(connection, _QUESTIONS)
        for query in _QUERIES:
            reads.runs(connection, query)
        for text in _FINDS:
            find = Find(read_search(text, "", AT))
            page = pages.Reader(find, ("test", "project")).page(connection, None)
            pages.Reader(replace(find, root="train", live=True), ("test", "project")).page(connection, page[-1][0])
        reads.blob(connection, "d1:a")
        reads.commit(connection, "c1")
        reads.open_commits(connection)
        reads.statuses(connection, "c1")
        reads.unposted(connection, 10)
        reads.answer(connection, "q1")
        reads.facts(connection, None, 5, 10)
        reads.facts(connection, "train", 5, 10)
        sweep = Sweep(remove=False)
        for stage in (stage for stage in Stage if stage is not Stage.DONE):
            sweep.stage, sweep.place = stage, "5"
            sweeping.step(connection, Bounds(AT, AT), sweep)
        resting.awake(connection, "one")
        reads.states(connection, ["train", "nobody"])
        statements = [(sql, args) for sql, args in asked if sql.startswith("SELECT")]
        plans = {
            sql: [row[-1] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", args)]
            for sql, args in statements
        }
    engine.dispose()
    assert len(plans) >= 15
    for sql, plan in plans.items():
        assert not [step for step in plan if re.match(r"SCAN \w+$", step)], (sql, plan)


async def test_a_long_history_does_not_slow_planning(tmp_path):
    """Rows read for one root: the same after 20 ticks and after 2,000, counted in steps of SQLite's machine."""
    path = tmp_path / "a.db"
    ledger = await open_sqlite(path, "test", "project")
    await ledger.record([advanced(G1), opened(G1), intended(G1.at_attempt(1))])
    (live,) = await ledger.runs(RunQuery(keys=(G1,)))
    steps = []
    for count in (20, 2000):
        with ledger.database.engine.begin() as connection:
            connection.execute(sa.insert(schema.runs).prefix_with("OR REPLACE"), [_old(live, n) for n in range(count)])
        steps.append(await _steps(ledger))
    await ledger.close()
    assert steps[1] < 1.5 * steps[0]


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
        "own": True,
        "opened": 1000 + number,
        "opened_at": "",
        "body": codec.encode(run),
    }


async def _steps(ledger: SqlLedger) -> int:
    raw = ledger.database.engine.raw_connection()
    counted = 0

    def count() -> int:
        nonlocal counted
        counted += 1
        return 0

    raw.driver_connection.set_progress_handler(count, 1)
    await ledger.root("train")
    await ledger.ask(_QUESTIONS)
    await ledger.runs(RunQuery(root="train", limit=5))
    await ledger.runs(RunQuery(live=True))
    await ledger.record([f.CursorMoved("train", f.Cursor("d1:s", AT), AT)])
    raw.driver_connection.set_progress_handler(None, 1)
    raw.close()
    return counted


async def test_a_thousand_facts_in_one_transaction(tmp_path):
    ledger = await open_sqlite(tmp_path / "a.db", "test", "project")
    facts = [opened(keys.request("train", f"r{number}")) for number in range(1200)]
    assert await ledger.record(facts) == 1200
    assert len((await ledger.root("train")).runs) == 1200
    ends = [fact for number in range(600) for fact in succeeded(keys.request("train", f"r{number}"))]
    await ledger.record(ends)
    assert len((await ledger.root("train")).record.open) == 600
    await ledger.close()
