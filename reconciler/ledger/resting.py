"""Which roots rest: noting it, and telling at a start who must be planned, inside a transaction that the caller holds.

What is noted stands beside the record of a root and goes with the next change of it (`rows`). This module must never
decide whether a root rests: that is planned.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from planner.model.records import RootRecord
from reconciler import codec
from reconciler.ledger import schema
from reconciler.ledger.batch import is_blank
from reconciler.ledger.dialects import among, listed
from reconciler.ports import Awake, Rest

__all__ = ["awake", "rest"]


def rest(connection: sa.Connection, rests: Sequence[Rest], edition: str) -> None:
    """See `reconciler.ports.Ledger.rest`."""
    rows = connection.execute(_BODIES, listed(one.record.name for one in rests))
    bodies: dict[str, str] = {row.name: row.body for row in rows}
    noted = [
        {
            "named": one.record.name,
            "by": edition,
            "at": codec.encode(one.due).strip('"') if one.due else None,
            "listening": bool(one.record.listens),  # a file of before this column was written without it
        }
        for one in rests
        if one.record.name in bodies and _says(bodies[one.record.name], one.record)
    ]
    if noted:
        connection.execute(_REST, noted)


def _says(body: str, record: RootRecord) -> bool:
    # An older version may have written the same record in other words.
    return body == codec.encode(record) or codec.decode(RootRecord, body) == record


def awake(connection: sa.Connection, edition: str) -> Awake:
    """See `reconciler.ports.Ledger.awake`."""
    pending = set(connection.execute(_PENDING).scalars())
    records: dict[str, RootRecord] = {}
    listening: dict[str, RootRecord] = {}
    due: dict[str, datetime | None] = {}
    woken: list[str] = []
    for row in connection.execute(_ROOTS, {"by": edition}):
        rests = bool(edition) and row.rests and row.name not in pending
        if rests:
            due[row.name] = codec.decode(datetime, f'"{row.due}"') if row.due else None
        if row.body is None:
            woken += [row.name] if not rests else []
            continue
        record = codec.decode(RootRecord, row.body)
        if not is_blank(record):
            (listening if rests else records)[row.name] = record
    for row in connection.execute(_BODIES, listed(woken)):
        records[row.name] = codec.decode(RootRecord, row.body)
    return Awake(records, listening, due)


_table = schema.roots.c
_RESTS = sa.func.coalesce(_table.edition == sa.bindparam("by", type_=sa.Text), sa.false())
_ROOTS = sa.select(
    _table.name,
    _table.due,
    _RESTS.label("rests"),
    # Most of them rest and listen to nothing: their records are not read.
    sa.case((sa.and_(_RESTS, sa.not_(_table.listens)), None), else_=_table.body).label("body"),
).order_by(_table.name)
_BODIES = sa.select(_table.name, _table.body).where(among(_table.name))
_PENDING = sa.select(schema.runs.c.root).distinct().where(schema.runs.c.pending)
_REST = (
    sa.update(schema.roots)
    .where(_table.name == sa.bindparam("named"))
    .values(edition=sa.bindparam("by"), due=sa.bindparam("at"), listens=sa.bindparam("listening"))
)
