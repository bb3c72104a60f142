"""Opening a ledger in PostgreSQL: waiting for the server and for whoever has the lock, and taking the fence.

Loaded only where a ledger is in PostgreSQL. This module must never fold or decide.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import anyio
import sqlalchemy as sa
from anyio import to_thread

from reconciler.errors import Transient, Unusable
from reconciler.ledger import opening, rows, schema
from reconciler.ledger.copying import Copied, copy
from reconciler.ledger.database import Database, EarlierTerm, Where
from reconciler.ledger.mirror import Mirror
from reconciler.ledger.postgres_database import PostgresDatabase
from reconciler.ledger.postgres_session import Held, Server
from reconciler.ledger.sql import SqlLedger
from reconciler.telemetry import log

__all__ = ["copy_into", "is_there", "open_postgres"]

T = TypeVar("T")

_FIRST_LOOK, _QUIET, _LONGEST_LOOK = 0.02, 0.2, 1.0


async def open_postgres(
    server: Server, instance: str, project: str, *, term: int | None = None, alone: bool = True
) -> SqlLedger:
    """Open the ledger of a database (of the schema that its `search_path` names), or make it.

    Args:
        server: where it is.
        instance: name of this Plumbline instance; a ledger of another one is refused.
        project: name of the project, fixed in a new ledger; in one that exists the recorded name stays.
        term: number of the leader, where an election says who that is; None where a lock of the database does.
        alone: whether what this handle wrote need not be read again; nobody else writes in any case.

    Raises:
        Unusable: it cannot be kept there, is of a newer version, of another instance, or another daemon has it.
        Transient: its server cannot be reached.
    """
    return await _patiently(server, partial(_open, server, instance, project, term, alone=alone))


async def _patiently(server: Server, work: Callable[[], T]) -> T:
    """What `work` returns in a thread, once the server is there and nobody else has the lock."""
    deadline, told, looking = time.monotonic() + server.wait, "", _FIRST_LOOK
    while True:
        try:
            return await to_thread.run_sync(work)
        except Transient as error:
            if time.monotonic() >= deadline:
                raise (Unusable(error.message) if isinstance(error, Held) else error) from None
            # Whoever has just ended is gone in a moment: nobody needs to know.
            if error.message != told and looking > _QUIET:
                log.warning("waiting for the ledger", reason=error.message)
                told = error.message
        await anyio.sleep(looking)
        looking = min(2 * looking, _LONGEST_LOOK)


def _open(server: Server, instance: str, project: str, term: int | None, *, alone: bool) -> SqlLedger:
    database = PostgresDatabase(server, instance, elected=term is not None)
    try:
        with database.writing() as connection:
            _demand_fit(connection, database.where)
            identity = opening.prepare(connection, database.where, instance, project)
            fence = _take(connection, database.where, term)
            newest = rows.sequence(connection)
        database.taken(identity.ident, fence)
        database.promised(newest)
    except BaseException:
        database.close()
        raise
    return SqlLedger(database, identity, Mirror(newest) if alone else None)


def _take(connection: sa.Connection, where: Where, term: int | None) -> int:
    """The number of this opening: it shuts out all earlier ones."""
    table = schema.meta
    row = connection.execute(sa.select(table.c.term, table.c.fence).with_for_update()).one()
    if term is not None and term < row.term:
        raise EarlierTerm(
            f"a later leader has opened the state in {where.name} (term {row.term}, this one is of term {term}); "
            "this daemon must not go on",
            int(row.term),
        )
    fence = int(row.fence) + 1
    connection.execute(sa.update(table).values(fence=fence, term=max(row.term, term or 0)))
    return fence


def _demand_fit(connection: sa.Connection, where: Where) -> None:
    """Make sure that a ledger can be kept here, and that no other one is opened at the same time.

    Raises:
        Unusable: it cannot be kept here.
    """
    connection.exec_driver_sql("SET LOCAL statement_timeout = 0")  # a migration takes as long as it takes
    found = connection.execute(_FIT).one()
    if found.encoding != "UTF8":
        raise Unusable(
            f"the database of the state in {where.name} holds text as {found.encoding}; make it with the encoding UTF8"
        )
    if found.schema is None:
        raise Unusable(f"there is no schema for the state in {where.name}: make the one of `search_path`")
    if found.fsync == "off":
        log.warning("the server of the ledger runs without fsync: what it promised may be lost when it crashes")
    connection.execute(_ONE_AT_A_TIME)


async def copy_into(server: Server, instance: str, source: Database) -> Copied:
    """Copy a ledger into an empty database; where an earlier copy of it is there already, nothing is written.

    Args:
        server: where it is.
        instance: whose ledger it is.
        source: the ledger, which nobody writes to meanwhile.

    Raises:
        Unusable: it cannot be kept there, something else is there, or a daemon has it.
        Transient: its server cannot be reached, or went while it was copied: nothing is there, or all of it.
    """

    def work() -> Copied:
        database = PostgresDatabase(server, instance, elected=False)
        try:
            with source.reading() as ours, database.writing() as connection:
                _demand_fit(connection, database.where)
                return copy(ours, connection, database.where)
        finally:
            database.close()

    return await _patiently(server, work)


async def is_there(server: Server) -> bool:
    """Whether something is in the database already.

    Raises:
        Transient: its server cannot be reached.
        Unusable: the URL is wrong.
    """

    def look() -> bool:
        database = PostgresDatabase(server, "", elected=True)
        try:
            with database.reading() as connection:
                return opening.is_made(connection)
        finally:
            database.close()

    return await _patiently(server, look)


_FIT = sa.text(
    "SELECT current_setting('server_encoding') AS encoding, current_setting('fsync') AS fsync, "
    "current_schema() AS schema"
)
_ONE_AT_A_TIME = sa.text(
    "SELECT pg_advisory_xact_lock((1886156142::bigint << 32) | oid::bigint) "
    "FROM pg_namespace WHERE nspname = current_schema()"
)
