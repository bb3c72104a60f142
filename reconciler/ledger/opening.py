"""Opening a ledger file: the file itself, SQLite's settings, and the schema.

A file of an older version is migrated in one transaction; a file of a newer one is refused, so that a downgrade
never writes what it does not understand. Alembic is loaded only for a migration: it costs more than the whole
rest of the start.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import StaticPool

from planner.model.people import ProjectRecord
from reconciler import codec
from reconciler.errors import Unusable
from reconciler.ledger import schema

__all__ = ["BEGIN", "Identity", "connect", "make_file", "prepare"]

BEGIN = "plumbline_begin"
"""Execution option: the statement that begins a transaction; `BEGIN IMMEDIATE` for one that will write."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose ledger a file is: its random id, and the instance and project that it was made for."""

    ident: str
    instance: str
    project: str


def make_file(path: Path) -> None:
    """Make the file, readable by its owner only, and its folder where they are missing.

    Raises:
        Unusable: neither can be made.
    """
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


def connect(path: Path, patience: float) -> sa.Engine:
    """An engine over one connection to `path`, which waits up to `patience` seconds for other writers."""
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(path)),
        poolclass=StaticPool,
        # Transactions are ours: the driver would begin them late and never IMMEDIATE. Calls come from worker
        # threads, one at a time.
        connect_args={"check_same_thread": False, "isolation_level": None, "timeout": patience},
    )
    sa.event.listen(engine, "connect", _set_up)
    sa.event.listen(engine, "begin", _begin)
    return engine


def _set_up(connection: sqlite3.Connection, _: Any) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "trusted_schema=OFF", "cell_size_check=ON"):
        connection.execute(f"PRAGMA {pragma}").fetchall()


def _begin(connection: sa.Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get(BEGIN, "BEGIN"))


def prepare(connection: sa.Connection, path: Path, instance: str, project: str) -> Identity:
    """Bring the schema up to date inside the caller's transaction; a fresh file becomes a ledger of this instance.

    Raises:
        Unusable: the file is something else, of a newer version, or of another instance.
    """
    tables = set(connection.execute(_TABLES).scalars())
    if not tables:
        _create(connection, instance, project)
    elif "alembic_version" not in tables:
        raise Unusable(f"{path} is no Plumbline state; choose another state folder")
    else:
        _bring_up(connection, path)
    row = connection.execute(sa.select(schema.meta)).one()
    if row.instance != instance:
        raise Unusable(
            f"the state in {path} belongs to the instance {row.instance!r}, not {instance!r}; "
            "set that instance, or choose another state folder"
        )
    return Identity(row.ident, row.instance, row.project)


def _create(connection: sa.Connection, instance: str, project: str) -> None:
    schema.metadata.create_all(connection, checkfirst=False)
    connection.execute(_VERSION_TABLE)
    connection.execute(sa.text("INSERT INTO alembic_version VALUES (:head)"), {"head": schema.REVISIONS[-1]})
    made = {
        "id": 1,
        "ident": secrets.token_hex(8),
        "instance": instance,
        "project": project,
        "sequence": 0,
        "created": codec.encode(datetime.now(UTC)).strip('"'),
    }
    connection.execute(sa.insert(schema.meta), made)
    connection.execute(sa.insert(schema.project), {"id": 1, "body": codec.encode(ProjectRecord(name=project))})


def _bring_up(connection: sa.Connection, path: Path) -> None:
    found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    if found == schema.REVISIONS[-1]:
        return
    if found not in schema.REVISIONS:
        raise Unusable(
            f"the state in {path} was written by a newer Plumbline (schema {found}, this one knows up to "
            f"{schema.REVISIONS[-1]}); use that version, or a backup from before the upgrade"
        )
    from reconciler.ledger import migrations  # noqa: PLC0415  slow to load, rarely needed

    migrations.upgrade(connection)


_TABLES = sa.text("SELECT name FROM sqlite_master WHERE type = 'table'")
_VERSION_TABLE = sa.text(
    "CREATE TABLE alembic_version "
    "(version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
)
