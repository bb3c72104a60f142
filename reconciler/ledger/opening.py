"""Opening a ledger: whose it is, and its schema, inside the caller's transaction, on whichever database.

A ledger of an older version is migrated in one transaction; one of a newer version is refused, so that a downgrade
never writes what it does not understand. Alembic is loaded only for a migration: it costs more than the whole rest of
the start.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from planner.model.people import ProjectRecord
from reconciler import codec
from reconciler.errors import Unusable
from reconciler.ledger import schema
from reconciler.ledger.database import Where

__all__ = ["Identity", "is_ledger", "is_made", "make_empty", "prepare"]


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose ledger it is: its random id, and the instance and project that it was made for."""

    ident: str
    instance: str
    project: str


def is_made(connection: sa.Connection) -> bool:
    """Whether there is something already where the ledger is to be."""
    return bool(_tables(connection))


def is_ledger(connection: sa.Connection) -> bool:
    """Whether what is there is a ledger of this version."""
    if not _tables(connection) >= _LEAST:
        return False
    return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar() == schema.REVISIONS[-1]


def make_empty(connection: sa.Connection) -> None:
    """Make the tables of a ledger, without whose it is: whoever calls this puts that in."""
    schema.metadata.create_all(connection, checkfirst=False)
    connection.execute(_VERSION_TABLE)
    connection.execute(sa.text("INSERT INTO alembic_version VALUES (:head)"), {"head": schema.REVISIONS[-1]})


def prepare(connection: sa.Connection, where: Where, instance: str, project: str) -> Identity:
    """Bring the schema up to date inside the caller's transaction; what is empty becomes a ledger of this instance.

    Raises:
        Unusable: it is something else, of a newer version, or of another instance.
    """
    tables = _tables(connection)
    if not tables:
        _create(connection, instance, project)
    elif not tables >= _LEAST:
        raise Unusable(f"{where.name} is no Plumbline state; choose {where.other}")
    else:
        _bring_up(connection, where)
    row = connection.execute(sa.select(schema.meta)).one()
    if row.instance != instance:
        raise Unusable(
            f"the state in {where.name} belongs to the instance {row.instance!r}, not {instance!r}; "
            f"set that instance, or choose {where.other}"
        )
    return Identity(row.ident, row.instance, row.project)


def _tables(connection: sa.Connection) -> set[str]:
    return set(connection.execute(_TABLES[connection.dialect.name]).scalars())


def _create(connection: sa.Connection, instance: str, project: str) -> None:
    make_empty(connection)
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


def _bring_up(connection: sa.Connection, where: Where) -> None:
    found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    if found == schema.REVISIONS[-1]:
        return
    if found not in schema.REVISIONS:
        raise Unusable(
            f"the state in {where.name} was written by a newer Plumbline (schema {found}, this one knows up to "
            f"{schema.REVISIONS[-1]}); use that version, or a backup from before the upgrade"
        )
    from reconciler.ledger import migrations  # noqa: PLC0415  slow to load, rarely needed

    migrations.upgrade(connection)


_LEAST = frozenset({"alembic_version", "meta", "facts"})
"""Tables that a ledger of any version has."""
_TABLES: Mapping[str, sa.TextClause] = {
    "sqlite": sa.text("SELECT name FROM sqlite_master WHERE type = 'table'"),
    "postgresql": sa.text("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"),
}
_VERSION_TABLE = sa.text(
    "CREATE TABLE alembic_version "
    "(version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
)
