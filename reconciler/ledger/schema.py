"""The tables of the ledger, and the revisions that led to them.

Facts are the truth and are only ever appended. Every other table holds what they fold to (`planner.fold`), as text
of `reconciler.codec` beside the columns that some query needs; a column and its twin in the text are written
together, and the column decides. Numbers named after an event (`opened`, `said`, `planned`) are the sequence of the
fact that caused it: an order without ties that no clock can disturb.

The same tables are made in SQLite and in PostgreSQL. This module must never open a database. A change of a table is a
new revision in `migrations/versions`, a test compares the two.
"""

from __future__ import annotations

import sqlalchemy as sa

from reconciler.ledger.columns import NAME, NUMBER, TEXT, only

__all__ = [
    "OWN_SUCCESS",
    "REVISIONS",
    "answers",
    "blobs",
    "claims",
    "commits",
    "events",
    "facts",
    "meta",
    "metadata",
    "notices",
    "pins",
    "project",
    "pulls",
    "roots",
    "runs",
    "statuses",
]

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009")
"""Every revision of the schema, oldest first. The last is what this version reads and writes."""

metadata = sa.MetaData()

meta = sa.Table(
    "meta",
    metadata,
    sa.Column("id", NUMBER, primary_key=True, autoincrement=False),  # always 1: there is one row
    sa.Column("ident", NAME, nullable=False),
    sa.Column("instance", NAME, nullable=False),
    sa.Column("project", NAME, nullable=False),
    sa.Column("sequence", NUMBER, nullable=False),
    sa.Column("created", TEXT, nullable=False),
    sa.Column("term", NUMBER, nullable=False, server_default="0"),  # of the newest elected leader
    sa.Column("fence", NUMBER, nullable=False, server_default="0"),  # of the newest opening on a server
)

facts = sa.Table(
    "facts",
    metadata,
    sa.Column("seq", NUMBER, primary_key=True, autoincrement=False),
    sa.Column("at", TEXT, nullable=False),
    sa.Column("root", NAME, nullable=False),
    sa.Column("type", TEXT, nullable=False),
    sa.Column("run", NAME),
    sa.Column("body", TEXT, nullable=False),
    sa.Index("facts_root", "root", "seq"),
)

roots = sa.Table(
    "roots",
    metadata,
    sa.Column("name", NAME, primary_key=True),
    sa.Column("body", TEXT, nullable=False),
    sa.Column("listens", sa.Boolean, nullable=False, server_default=sa.false()),  # it is started by events
    sa.Column("edition", TEXT),  # of what found out that it rests; NULL as soon as `body` changes
    sa.Column("due", TEXT),  # when one that rests must be planned next; NULL for never by itself
)

runs = sa.Table(
    "runs",
    metadata,
    sa.Column("key", NAME, primary_key=True),
    sa.Column("root", NAME, nullable=False),
    sa.Column("top", NAME, nullable=False),
    sa.Column("short", TEXT, nullable=False),
    sa.Column("kind", TEXT, nullable=False),
    sa.Column("status", TEXT, nullable=False),
    sa.Column("final", sa.Boolean, nullable=False),
    sa.Column("pending", sa.Boolean, nullable=False),  # an attempt may be alive or is not cleaned
    sa.Column("digest", TEXT, nullable=False),
    sa.Column("own", sa.Boolean, nullable=False),  # its result is its own, not carried over or cached
    sa.Column("opened", NUMBER, nullable=False),
    sa.Column("opened_at", TEXT, nullable=False),
    sa.Column("finished_at", TEXT),
    sa.Column("body", TEXT, nullable=False),
    sa.Column("work", TEXT, nullable=False, server_default=""),  # what its result depends on, for the cache
    sa.Column(
        "owed", sa.Boolean, nullable=False, server_default=sa.false()
    ),  # its copy in the store is still to be made
)

OWN_SUCCESS = sa.and_(runs.c.own, runs.c.status == sa.literal_column("'succeeded'"))
"""Runs whose result may be used again. Spelled as the index below, or no database would use it."""
_OWN_SUCCESS = only("own = 1 AND status = 'succeeded'", "own AND status = 'succeeded'")

sa.Index("runs_top", runs.c.root, runs.c.top)
sa.Index("runs_opened", runs.c.opened)
sa.Index("runs_root", runs.c.root, runs.c.opened)
sa.Index("runs_short", runs.c.short)
# SQLite, which knows no figures of these tables, takes the index with most equal columns: hence the flags in them.
sa.Index("runs_live", runs.c.opened, **only("final = 0", "NOT final"))
sa.Index("runs_root_live", runs.c.root, runs.c.final, runs.c.opened, **only("final = 0", "NOT final"))
sa.Index("runs_root_pending", runs.c.root, runs.c.pending, **only("pending = 1", "pending"))
sa.Index("runs_result", runs.c.root, runs.c.digest, runs.c.opened, **_OWN_SUCCESS)
sa.Index("runs_work", runs.c.work, runs.c.opened, **_OWN_SUCCESS)
sa.Index("runs_owed", runs.c.opened, **only("owed = 1", "owed"))
sa.Index("runs_work_pending", runs.c.work, runs.c.pending, **only("pending = 1", "pending"))

claims = sa.Table(
    "claims",
    metadata,
    sa.Column("key", NAME, primary_key=True),
    sa.Column("root", NAME, nullable=False),
    sa.Column("queue", NAME, nullable=False),
    sa.Column("body", TEXT, nullable=False),
    sa.Index("claims_root", "root"),
)

commits = sa.Table(
    "commits",
    metadata,
    sa.Column("ident", NAME, primary_key=True),
    sa.Column("planned", NUMBER, nullable=False),
    sa.Column("closed", sa.Boolean, nullable=False),
    sa.Column("body", TEXT, nullable=False),
)

sa.Index("commits_open", commits.c.planned, **only("closed = 0", "NOT closed"))

statuses = sa.Table(
    "statuses",
    metadata,
    sa.Column("commit", NAME, primary_key=True),
    sa.Column("context", NAME, primary_key=True),
    sa.Column("root", NAME, nullable=False),
    sa.Column("final", sa.Boolean, nullable=False),
    sa.Column("posted", sa.Boolean, nullable=False),
    sa.Column("said", NUMBER, nullable=False),
    sa.Column("body", TEXT, nullable=False),
)

sa.Index("statuses_unposted", statuses.c.said, **only("posted = 0", "NOT posted"))

project = sa.Table(
    "project",
    metadata,
    sa.Column("id", NUMBER, primary_key=True, autoincrement=False),  # always 1
    sa.Column("body", TEXT, nullable=False),
)

answers = sa.Table(
    "answers",
    metadata,
    sa.Column("ident", NAME, primary_key=True),
    sa.Column("body", TEXT, nullable=False),
)

blobs = sa.Table(
    "blobs",
    metadata,
    sa.Column("digest", TEXT, primary_key=True),
    sa.Column("text", NAME, nullable=False),
)

pins = sa.Table(
    "pins",
    metadata,
    sa.Column("ref", NAME, primary_key=True),
    sa.Column("body", TEXT, nullable=False),
)

pulls = sa.Table(
    "pulls",
    metadata,
    sa.Column("number", NAME, primary_key=True),
    sa.Column("body", TEXT, nullable=False),
)

events = sa.Table(
    "events",
    metadata,
    sa.Column("ident", NAME, primary_key=True),
    sa.Column("body", TEXT, nullable=False),
)

notices = sa.Table(
    "notices",
    metadata,
    sa.Column("ident", NAME, primary_key=True),
    sa.Column("connection", NAME, nullable=False),
    sa.Column("noticed", NUMBER, nullable=False),
    sa.Column("sent", sa.Boolean, nullable=False),
    sa.Column("body", TEXT, nullable=False),
)

sa.Index("notices_unsent", notices.c.connection, notices.c.noticed, **only("sent = 0", "NOT sent"))
