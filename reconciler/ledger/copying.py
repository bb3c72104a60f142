"""Copying a ledger, row by row, into a database that has none. Both are of this version.

The copy is one transaction of the target: it has all of it or nothing. This module must never fold a fact, and never
write to where it reads.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from reconciler.errors import Unusable
from reconciler.ledger import opening, schema
from reconciler.ledger.database import Where

__all__ = ["Copied", "copy"]

_PART = 500
"""Rows in memory at once."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What is in the target now.

    Attributes:
        ident: of the ledger, which stays what it was: what runs is known by it.
        project: its project.
        rows: how many there are of each table.
        before: whether it was there already, of an earlier copy.
    """

    ident: str
    project: str
    rows: dict[str, int]
    before: bool = False


def copy(source: sa.Connection, target: sa.Connection, where: Where) -> Copied:
    """Copy what `source` has, inside the transactions of the caller.

    Args:
        source: a ledger.
        target: what is empty, or has this very ledger by an earlier copy.
        where: the words for the target.

    Raises:
        Unusable: there is something else, or the copy does not have what the source has.
    """
    whose = source.execute(sa.select(schema.meta)).one()
    tables = {table.name: _count(source, table) for table in schema.metadata.sorted_tables}
    if opening.is_made(target):
        _demand_same(target, where, whose)
        return Copied(whose.ident, whose.project, tables, before=True)
    opening.make_empty(target)
    for table in schema.metadata.sorted_tables:
        _copy(source, target, table)
        if (found := _count(target, table)) != tables[table.name]:
            raise Unusable(f"{where.name} has {found} rows of {table.name}, and there are {tables[table.name]}")
    # Leaders and openings are counted by the server that they are of.
    target.execute(sa.update(schema.meta).values(term=0, fence=0))
    return Copied(whose.ident, whose.project, tables)


def _demand_same(target: sa.Connection, where: Where, whose: sa.Row[tuple[object, ...]]) -> None:
    words = f"{where.name} is not empty: choose {where.other}"
    if not opening.is_ledger(target):
        raise Unusable(words)
    there = target.execute(sa.select(schema.meta)).one()
    if there.ident != whose.ident:
        raise Unusable(f"{words}; it has another ledger, {there.ident}, of the project {there.project}")
    if there.sequence != whose.sequence:
        raise Unusable(
            f"{where.name} has this ledger already, and has gone on without it ({there.sequence} facts there, "
            f"{whose.sequence} here): leave the file where it is, or move it away yourself"
        )


def _copy(source: sa.Connection, target: sa.Connection, table: sa.Table) -> None:
    found = source.execution_options(yield_per=_PART).execute(sa.select(table)).mappings()
    for part in found.partitions():
        target.execute(sa.insert(table), [dict(row) for row in part])


def _count(connection: sa.Connection, table: sa.Table) -> int:
    return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
