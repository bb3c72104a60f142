"""A ledger in PostgreSQL: one connection, its transactions, and the fence that keeps out who was the daemon before.

Each opening gets the next number of the ledger (`meta.fence`), and every transaction that writes begins with a look at
it, under a lock of that row: so writers take turns, and whoever opened earlier writes nothing any more. Loaded only
where a ledger is in PostgreSQL. This module must never fold or decide.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, TypeVar

import anyio
import psycopg
import sqlalchemy as sa
from anyio import to_thread
from sqlalchemy.pool import StaticPool

from reconciler.errors import Transient, Unusable
from reconciler.ledger import opening, postgres_session, rows, schema
from reconciler.ledger.database import BEGIN, InDoubt, Severed, Where
from reconciler.ledger.mirror import Mirror
from reconciler.ledger.postgres_faults import is_lost, meaning, words
from reconciler.ledger.postgres_session import Held, Server, Session
from reconciler.ledger.sql import SqlLedger
from reconciler.telemetry import log

__all__ = ["PostgresDatabase", "is_there", "open_postgres"]

T = TypeVar("T")

_FIRST_LOOK, _QUIET, _LONGEST_LOOK = 0.02, 0.2, 1.0
_READING = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_WRITING = "BEGIN ISOLATION LEVEL READ COMMITTED"
"""Each statement sees what was committed before it began, so that what comes after the fence sees all of its time."""


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
            database.demand_fit(connection)
            identity = opening.prepare(connection, database.where, instance, project)
            fence = _take(connection, database.where, term)
            newest = rows.sequence(connection)
        database.taken(identity.ident, fence)
    except BaseException:
        database.close()
        raise
    return SqlLedger(database, identity, Mirror(newest) if alone else None)


def _take(connection: sa.Connection, where: Where, term: int | None) -> int:
    """The number of this opening: it shuts out all earlier ones."""
    table = schema.meta
    row = connection.execute(sa.select(table.c.term, table.c.fence).with_for_update()).one()
    if term is not None and term < row.term:
        raise Unusable(
            f"a later leader has opened the state in {where.name} (term {row.term}, this one is of term {term}); "
            "this daemon must not go on"
        )
    fence = int(row.fence) + 1
    connection.execute(sa.update(table).values(fence=fence, term=max(row.term, term or 0)))
    return fence


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


class PostgresDatabase:
    """A `Database` on a server.

    Attributes:
        where: its URL.
        beat: well below the silence after which the server takes the lock back.
        engine: over one connection, and another one when that is lost.
    """

    def __init__(self, server: Server, instance: str, *, elected: bool) -> None:
        """`elected`: an election says who may open it, so that no lock is taken."""
        self._server = server
        self._instance = instance
        self._elected = elected
        self._session: Session | None = None
        self._ident = ""
        self._fence: int | None = None
        self._newest = 0
        self.where = Where(postgres_session.name_of(server.url), "another database or schema")
        self.beat: float | None = server.silence / 6
        self.engine = sa.create_engine(
            "postgresql+psycopg://",
            creator=self._connect,
            poolclass=StaticPool,
            use_native_hstore=False,
        )
        sa.event.listen(self.engine, "begin", _begin)

    def taken(self, ident: str, fence: int) -> None:
        """From now on every transaction that writes carries the number `fence`."""
        self._ident, self._fence = ident, fence

    def demand_fit(self, connection: sa.Connection) -> None:
        """Make sure that a ledger can be kept here, and that no other one is opened at the same time.

        Raises:
            Unusable: it cannot be kept here.
        """
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")  # a migration takes as long as it takes
        found = connection.execute(_FIT).one()
        if found.encoding != "UTF8":
            raise Unusable(
                f"the database of the state in {self.where.name} holds text as {found.encoding}; "
                "make it with the encoding UTF8"
            )
        if found.schema is None:
            raise Unusable(f"there is no schema for the state in {self.where.name}: make the one of `search_path`")
        if found.fsync == "off":
            log.warning("the server of the ledger runs without fsync: what it promised may be lost when it crashes")
        connection.execute(_ONE_AT_A_TIME)

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """See `Database`."""
        with self._transaction(_READING) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """See `Database`."""
        with self._transaction(_WRITING) as connection:
            if self._fence is not None:
                row = connection.execute(_FENCE).one_or_none()
                self._demand_ours(tuple(row) if row else None)
            yield connection

    def touch(self, connection: sa.Connection) -> None:
        """Write a row as it is."""
        connection.execute(_TOUCH)

    def promised(self, sequence: int) -> None:
        """See `Database`."""
        self._newest = sequence

    def check(self) -> None:
        """See `Database`."""
        with self.reading() as connection:
            row = connection.execute(_WHOSE).one_or_none()
            self._demand_ours(tuple(row) if row else None)

    def close(self) -> None:
        """End the session."""
        self.engine.dispose()

    def _connect(self) -> psycopg.Connection[Any]:
        connection, session = postgres_session.connect(self._server, self._instance)
        try:
            if self._session is not None:
                # It may still be committing what nobody waits for any more: the truth is known once it is gone.
                postgres_session.end(connection, self._session)
            self._hold(connection)
        except BaseException:
            connection.close()
            raise
        self._session = session
        return connection

    def _hold(self, connection: psycopg.Connection[Any]) -> None:
        """Take the lock, and make sure that nobody had it since this handle lost it."""
        held = None
        if not self._elected:
            try:
                postgres_session.lock(connection, self.where.name)
            except Held as error:
                held = error
        if self._fence is not None:
            try:
                row = connection.execute("SELECT ident, fence, sequence FROM meta WHERE id = 1").fetchone()
            except psycopg.errors.UndefinedTable:
                row = None
            self._demand_ours(row)
        if held is not None:
            raise held

    def _demand_ours(self, row: tuple[Any, ...] | None) -> None:
        ident, fence, sequence = row or ("", 0, 0)
        if ident != self._ident:
            raise Unusable(f"the state in {self.where.name} is gone, or another one is in its place; start again")
        if fence != self._fence:
            raise Unusable(f"another daemon has taken the state in {self.where.name}; this one writes nothing any more")
        if sequence < self._newest:
            raise Unusable(
                f"the state in {self.where.name} has lost what was recorded after fact {sequence}, up to "
                f"{self._newest}: a copy was put back, or its server is another one now; start again"
            )

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sa.Connection]:
        committing = False
        try:
            with self.engine.connect().execution_options(**{BEGIN: begin}) as connection:
                transaction = connection.begin()
                try:
                    yield connection
                    committing = begin == _WRITING
                    transaction.commit()
                except BaseException as error:
                    _let_go(connection, transaction, error)
                    raise
        except sa.exc.DBAPIError as error:
            raise self._meaning(error, committing=committing) from error.orig

    def _meaning(self, error: sa.exc.DBAPIError, *, committing: bool) -> BaseException:
        if not (error.connection_invalidated or is_lost(error.orig)):
            return meaning(error.orig, self.where.name) or error
        said = words(error.orig) if isinstance(error.orig, psycopg.Error) else "the connection was lost"
        kind = InDoubt if committing else Severed
        return kind(f"cannot reach the state in {self.where.name}: {said}")


def _let_go(connection: sa.Connection, transaction: sa.RootTransaction, error: BaseException) -> None:
    """Roll back; a connection that is lost is not used again, whether or not the driver knows that it is."""
    if isinstance(error, sa.exc.DBAPIError) and is_lost(error.orig) and not connection.invalidated:
        connection.invalidate()
    with suppress(sa.exc.DBAPIError):
        transaction.rollback()


def _begin(connection: sa.Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get(BEGIN, _WRITING))


_meta = schema.meta.c
_FENCE = sa.select(_meta.ident, _meta.fence, _meta.sequence).where(_meta.id == 1).with_for_update()
_WHOSE = sa.select(_meta.ident, _meta.fence, _meta.sequence).where(_meta.id == 1)
_TOUCH = sa.update(schema.meta).values(created=_meta.created)
_FIT = sa.text(
    "SELECT current_setting('server_encoding') AS encoding, current_setting('fsync') AS fsync, "
    "current_schema() AS schema"
)
_ONE_AT_A_TIME = sa.text(
    "SELECT pg_advisory_xact_lock((1886156142::bigint << 32) | oid::bigint) "
    "FROM pg_namespace WHERE nspname = current_schema()"
)
