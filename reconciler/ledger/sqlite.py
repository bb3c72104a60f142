"""A ledger in a file of SQLite: the file, the connection, its settings, transactions and errors.

A commit returns when the write-ahead log is synced (`synchronous=FULL`). This module must never know a table.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from anyio import to_thread
from sqlalchemy.pool import StaticPool

from reconciler.errors import Unusable
from reconciler.ledger import opening, rows
from reconciler.ledger.database import BEGIN, Where
from reconciler.ledger.mirror import Mirror
from reconciler.ledger.sql import SqlLedger
from reconciler.ledger.sqlite_faults import meaning

__all__ = ["SqliteDatabase", "open_sqlite"]


async def open_sqlite(
    path: Path, instance: str, project: str, *, patience: float = 5.0, alone: bool = False
) -> SqlLedger:
    """Open the ledger in the file `path`, or make it.

    Args:
        path: the file; its folder is made (0700) when missing, the file is readable by its owner only.
        instance: name of this Plumbline instance; a ledger of another one is refused.
        project: name of the project, fixed in a new ledger; in one that exists the recorded name stays.
        patience: seconds to wait for another process that writes.
        alone: whether no other process writes: what this one wrote need not be read again.

    Raises:
        Unusable: it cannot be kept there, is damaged, of a newer version or of another instance.
        Transient: another process holds it, or the disk is full.
    """
    return await to_thread.run_sync(partial(_open, path, instance, project, patience, alone=alone))


def _open(path: Path, instance: str, project: str, patience: float, *, alone: bool) -> SqlLedger:
    _make_file(path)
    database = SqliteDatabase(path, patience)
    try:
        with database.writing() as connection:
            identity = opening.prepare(connection, database.where, instance, project)
            mirror = Mirror(rows.sequence(connection)) if alone else None
    except BaseException:
        database.close()
        raise
    return SqlLedger(database, identity, mirror)


def _make_file(path: Path) -> None:
    """Make the file, readable by its owner only, and its folder where they are missing."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            # Never open an existing file beside SQLite: closing it would drop the locks of this whole process.
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
        except FileExistsError:
            if path.stat().st_mode & 0o077:
                path.chmod(0o600)
    except OSError as error:
        raise Unusable(f"cannot keep state in {path}: {error.strerror}; choose another state folder") from error


class SqliteDatabase:
    """A `Database` in a file that exists. The lock of the state folder says whose it is.

    Attributes:
        where: the file.
        beat: nobody can take it.
        engine: over one connection.
    """

    beat: float | None = None

    def __init__(self, path: Path, patience: float) -> None:
        self._path = path
        self.where = Where(str(path), "another state folder")
        self.engine = sa.create_engine(
            sa.URL.create("sqlite", database=str(path)),
            poolclass=StaticPool,
            # Transactions are ours: the driver would begin them late and never IMMEDIATE. Calls come from worker
            # threads, one at a time.
            connect_args={"check_same_thread": False, "isolation_level": None, "timeout": patience},
        )
        sa.event.listen(self.engine, "connect", _set_up)
        sa.event.listen(self.engine, "begin", _begin)

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """See `Database`."""
        with self._translated(), self._transaction("BEGIN") as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """See `Database`."""
        with self._translated(), self._transaction("BEGIN IMMEDIATE") as connection:
            yield connection

    def touch(self, connection: sa.Connection) -> None:
        """Write a page as it is."""
        connection.exec_driver_sql("PRAGMA user_version = 0")

    def promised(self, sequence: int) -> None:
        """A file loses nothing by itself."""

    def check(self) -> None:
        """The lock of the state folder lasts as long as its process."""

    def close(self) -> None:
        """Let go of the file."""
        self.engine.dispose()

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sa.Connection]:
        with self.engine.connect().execution_options(**{BEGIN: begin}) as connection, connection.begin():
            yield connection

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.DBAPIError as error:
            self._raise(error.orig if isinstance(error.orig, sqlite3.Error) else None)
            raise
        except sqlite3.Error as error:
            self._raise(error)
            raise

    def _raise(self, error: sqlite3.Error | None) -> None:
        ours = meaning(error, self._path) if error is not None else None
        if ours is not None:
            raise ours from error


def _set_up(connection: sqlite3.Connection, _: Any) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "trusted_schema=OFF", "cell_size_check=ON"):
        connection.execute(f"PRAGMA {pragma}").fetchall()


def _begin(connection: sa.Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get(BEGIN, "BEGIN"))
