"""The ledger: facts a second and planning's reads, in SQLite against PostgreSQL, on this machine and in one run.

The server is one of the tests' own, on this disk, and waits for it as SQLite does. A long history is written into the
tables straight.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import anyio
import sqlalchemy as sa

from benchmarks.stage import Row
from planner import keys
from planner.model import facts as f
from planner.model.questions import Cached, Reusable
from planner.model.records import RunRecord
from planner.model.schedule import Cursor
from planner.model.status import RunStatus
from reconciler import codec
from reconciler.ledger import reads, resting, schema
from reconciler.ledger.postgres import open_postgres
from reconciler.ledger.postgres_session import Server
from reconciler.ledger.sql import SqlLedger
from reconciler.ledger.sqlite import open_sqlite
from reconciler.ports import RunQuery
from tests.contracts.ledger import AT, advanced, intended, opened
from tests.postgres import PostgresServer, programs

LIVE = 120
OVER = 50_000
RECORDS = 300
READS = 60
G1 = keys.generation("train", 1)

QUESTIONS = (Reusable("train", "d1:7"), Reusable("train", "d1:none"), Cached("d1:7"), Cached("d1:none"))
QUERIES = (
    RunQuery(limit=20),
    RunQuery(root="train", limit=20),
    RunQuery(root="train", live=False, limit=20),
    RunQuery(live=True, limit=200),
    RunQuery(short="r-abc"),
    RunQuery(owed=True),
)
READ = "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables"

Both = tuple[SqlLedger, SqlLedger]
"""SQLite's, and PostgreSQL's. Each step is done in one and then in the other, so that both have the same neighbours."""
Work = Callable[[SqlLedger], Awaitable[object]]


def run() -> list[Row]:
    if programs() is None:
        raise SystemExit("no PostgreSQL here: run scripts/postgres-setup, or install it")
    server = PostgresServer(durable=True)
    try:
        server.start(autovacuum="on", shared_buffers="128MB")
        with tempfile.TemporaryDirectory(prefix="plumbline-bench-") as folder:
            return anyio.run(_run, Path(folder) / "ledger.db", server, server.make())
    finally:
        server.remove()


async def _run(path: Path, server: PostgresServer, name: str) -> list[Row]:
    file = await open_sqlite(path, "bench", "project", alone=True)
    both = file, await open_postgres(Server(server.url(name)), "bench", "project")
    for ledger in both:
        await _fill(ledger)
    one = await _usual(RECORDS, both, lambda ledger: ledger.record([_moved()]))
    ten = await _usual(RECORDS, both, lambda ledger: ledger.record([_moved() for _ in range(10)]))
    short = await _usual(READS, both, _read_root), await _usual(READS, both, _ask)
    for ledger in both:
        await _lengthen(ledger)
    server.run("ANALYZE", name)  # as the server does by itself, when a tenth of a table is new
    long = await _usual(READS, both, _read_root), await _usual(READS, both, _ask)
    rows = await anyio.to_thread.run_sync(_rows_read, both[1])
    for ledger in both:
        await ledger.close()
    return [
        *_pair("a transaction of one fact", one, 6.0, lambda each: f"{1 / each:.0f} facts/s"),
        *_pair("a transaction of ten facts", ten, 5.0, lambda each: f"{10 / each:.0f} facts/s"),
        *_pair(f"a root with {LIVE} live runs", short[0], 4.0),
        *_pair(f"the same with {OVER} that are over", long[0], 4.0),
        *_pair("questions and lists of planning and people", short[1], 6.0),
        *_pair(f"the same with {OVER} that are over", long[1], 6.0),
        Row(f"PostgreSQL: rows read for all of these, of {OVER}", rows, "rows", 1500.0, "by indexes"),
    ]


def _pair(
    name: str, times: tuple[float, float], limit: float, note: Callable[[float], str] = lambda _: ""
) -> list[Row]:
    said = [Row(f"{name}, {who}", each * 1e3, "ms", None, note(each)) for who, each in zip(WHO, times, strict=True)]
    return [*said, Row(f"{name}, against each other", times[1] / times[0], "times", limit)]


WHO = ("SQLite", "PostgreSQL")


async def _fill(ledger: SqlLedger) -> None:
    await ledger.record([advanced(G1), opened(G1, "dag")])
    children = [G1.child(f"n{number}") for number in range(LIVE)]
    await ledger.record([fact for key in children for fact in (opened(key), intended(key.at_attempt(1)))])


def _moved() -> f.Fact:
    return f.CursorMoved("eval", Cursor("d1:s", AT), AT)


async def _read_root(ledger: SqlLedger) -> None:
    assert len((await ledger.states(["train"]))["train"].runs) == LIVE + 1


async def _ask(ledger: SqlLedger) -> None:
    await ledger.ask(QUESTIONS)
    for query in QUERIES:
        await ledger.runs(query)
    await ledger.open_commits()
    await ledger.unposted(100)
    await ledger.facts("train", after=10, limit=20)


async def _usual(count: int, both: Both, work: Work) -> tuple[float, float]:
    """Seconds that it takes where nothing else gets in the way: the quickest quarter is no slower."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(count):
        for ledger, spent in zip(both, times, strict=True):
            begun = time.perf_counter()
            await work(ledger)
            spent.append(time.perf_counter() - begun)
    first, second = (statistics.quantiles(spent, n=4)[0] for spent in times)
    return first, second


async def _lengthen(ledger: SqlLedger) -> None:
    """Write runs that are over, as if they had run before."""
    (live,) = await ledger.runs(RunQuery(keys=(G1.child("n0"),)))

    def write() -> None:
        with ledger.database.writing() as connection:
            for first in range(0, OVER, 5_000):
                runs = [_over(live, number) for number in range(first, first + 5_000)]
                connection.execute(sa.insert(schema.runs), runs)

    await anyio.to_thread.run_sync(write)


def _rows_read(ledger: SqlLedger) -> int:
    """Rows that the server reads for what planning and people ask."""
    with ledger.database.reading() as connection:
        # What was read before, and not reported yet, is counted too.
        before = connection.exec_driver_sql(READ).scalar_one()
        reads.states(connection, ["train"])
        reads.ask(connection, QUESTIONS)
        for query in QUERIES:
            reads.runs(connection, query)
        reads.open_commits(connection)
        reads.unposted(connection, 100)
        reads.facts(connection, "train", 10, 20)
        resting.awake(connection, "one")
        return int(connection.exec_driver_sql(READ).scalar_one() - before)


def _over(live: RunRecord, number: int) -> dict[str, object]:
    run = replace(live, key=keys.request("train", f"r{number}"), attempts=(), status=RunStatus.SUCCEEDED)
    return {
        "key": str(run.key),
        "root": "train",
        "top": str(run.key),
        "short": run.key.short_id("bench", "project"),
        "kind": "job",
        "status": "succeeded",
        "final": True,
        "pending": False,
        "digest": f"d1:{number % 5000}",
        "work": f"d1:{number % 5000}",
        "own": True,
        "opened": 1_000_000 + number,
        "opened_at": codec.encode(AT).strip('"'),
        "finished_at": codec.encode(AT).strip('"'),
        "body": codec.encode(run),
    }
