"""A database of PostgreSQL as a ledger uses it: one connection, its transactions, and the fence.

The fence keeps out who was the daemon before: each opening gets the next number of the ledger (`meta.fence`), and every
transaction that writes begins with a look at it, under a lock of that row. So writers take turns, and whoever opened
earlier writes nothing any more. This module must never fold or decide.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.pool import StaticPool

from reconciler.errors import Transient, Unusable
from reconciler.ledger import postgres_session, schema
from reconciler.ledger.database import BEGIN, InDoubt, Severed, Where
from reconciler.ledger.postgres_faults import is_lost, meaning, words
from reconciler.ledger.postgres_session import Held, Server, Session

__all__ = ["PostgresDatabase"]

_SLOW = 1.0
"""Seconds after which not reaching the server counts as slow: it is not tried again for as long as that took."""
_READING = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_WRITING = "BEGIN ISOLATION LEVEL READ COMMITTED"
"""Each statement sees what was committed before it began, so that what comes after the fence sees all of its time."""


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
        self._not_before, self._away = 0.0, ""
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
        begun = time.monotonic()
        if begun < self._not_before:
            raise Transient(self._away)
        try:
            return self._connected()
        except Transient as error:
            # Whoever waited in the queue meanwhile need not find it out once more.
            took = time.monotonic() - begun
            if took > _SLOW:
                self._not_before, self._away = time.monotonic() + took, error.message
            raise

    def _connected(self) -> psycopg.Connection[Any]:
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
                try:
                    transaction = connection.begin()
                    yield connection
                    committing = begin == _WRITING
                    transaction.commit()
                except BaseException as error:
                    _let_go(connection, error)
                    raise
        except sa.exc.DBAPIError as error:
            raise self._meaning(error, committing=committing) from error.orig

    def _meaning(self, error: sa.exc.DBAPIError, *, committing: bool) -> BaseException:
        if not (error.connection_invalidated or is_lost(error.orig)):
            return meaning(error.orig, self.where.name) or error
        said = words(error.orig) if isinstance(error.orig, psycopg.Error) else "the connection was lost"
        kind = InDoubt if committing else Severed
        return kind(f"cannot reach the state in {self.where.name}: {said}")


def _let_go(connection: sa.Connection, error: BaseException) -> None:
    """Roll back; a connection that is lost is not used again, whether or not the driver knows that it is."""
    if isinstance(error, sa.exc.DBAPIError) and is_lost(error.orig) and not connection.invalidated:
        connection.invalidate()
    with suppress(sa.exc.DBAPIError):
        connection.rollback()


def _begin(connection: sa.Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get(BEGIN, _WRITING))


_meta = schema.meta.c
_FENCE = sa.select(_meta.ident, _meta.fence, _meta.sequence).where(_meta.id == 1).with_for_update()
_WHOSE = sa.select(_meta.ident, _meta.fence, _meta.sequence).where(_meta.id == 1)
_TOUCH = sa.update(schema.meta).values(created=_meta.created)
