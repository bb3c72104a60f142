"""The tables of the ledger, and the revisions that led to them.

Facts are the truth and are only ever appended. Every other table holds what they fold to (`planner.fold`), as text
of `reconciler.codec` beside the columns that some query needs; a column and its twin in the text are written
together, and the column decides. Numbers named after an event (`opened`, `said`, `planned`) are the sequence of the
fact that caused it: an order without ties that no clock can disturb.

This module must never open a database. A change of a table is a new revision in `migrations/versions`, a test
compares the two.
"""

from __future__ import annotations

import sqlalchemy as sa

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
    "roots",
    "runs",
    "statuses",
]

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007")
"""Every revision of the schema, oldest first. The last is what this version reads and writes."""

metadata = sa.MetaData()

meta = sa.Table(
    "meta",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),  # always 1: there is one row
    sa.Column("ident", sa.Text, nullable=False),
    sa.Column("instance", sa.Text, nullable=False),
    sa.Column("project", sa.Text, nullable=False),
    sa.Column("sequence", sa.Integer, nullable=False),
    sa.Column("created", sa.Text, nullable=False),
)

facts = sa.Table(
    "facts",
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("root", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("run", sa.Text),
    sa.Column("body", sa.Text, nullable=False),
    sa.Index("facts_root", "root", "seq"),
)

roots = sa.Table(
    "roots",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("listens", sa.Boolean, nullable=False, server_default=sa.false()),  # it is started by events
    sa.Column("edition", sa.Text),  # of what found out that it rests; NULL as soon as `body` changes
    sa.Column("due", sa.Text),  # when one that rests must be planned next; NULL for never by itself
)

runs = sa.Table(
    "runs",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("root", sa.Text, nullable=False),
    sa.Column("top", sa.Text, nullable=False),
    sa.Column("short", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("final", sa.Boolean, nullable=False),
    sa.Column("pending", sa.Boolean, nullable=False),  # an attempt may be alive or is not cleaned
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("own", sa.Boolean, nullable=False),  # its result is its own, not carried over or cached
    sa.Column("opened", sa.Integer, nullable=False),
    sa.Column("opened_at", sa.Text, nullable=False),
    sa.Column("finished_at", sa.Text),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("work", sa.Text, nullable=False, server_default=""),  # what its result depends on, for the cache
    sa.Column(
        "owed", sa.Boolean, nullable=False, server_default=sa.false()
    ),  # its copy in the store is still to be made
)

OWN_SUCCESS = sa.and_(runs.c.own, runs.c.status == sa.literal_column("'succeeded'"))
"""Runs whose result may be used again. Spelled as the index below, or SQLite would not use it."""

sa.Index("runs_top", runs.c.root, runs.c.top)
sa.Index("runs_opened", runs.c.opened)
sa.Index("runs_root", runs.c.root, runs.c.opened)
sa.Index("runs_short", runs.c.short)
# SQLite, which knows no figures of these tables, takes the index with most equal columns: hence the flags in them.
sa.Index("runs_live", runs.c.opened, sqlite_where=sa.not_(runs.c.final))
sa.Index("runs_root_live", runs.c.root, runs.c.final, runs.c.opened, sqlite_where=sa.not_(runs.c.final))
sa.Index("runs_root_pending", runs.c.root, runs.c.pending, sqlite_where=sa.text("pending = 1"))
sa.Index("runs_result", runs.c.root, runs.c.digest, runs.c.opened, sqlite_where=OWN_SUCCESS)
sa.Index("runs_work", runs.c.work, runs.c.opened, sqlite_where=OWN_SUCCESS)
sa.Index("runs_owed", runs.c.opened, sqlite_where=sa.text("owed = 1"))
sa.Index("runs_work_pending", runs.c.work, runs.c.pending, sqlite_where=sa.text("pending = 1"))

claims = sa.Table(
    "claims",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("root", sa.Text, nullable=False),
    sa.Column("queue", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Index("claims_root", "root"),
)

commits = sa.Table(
    "commits",
    metadata,
    sa.Column("ident", sa.Text, primary_key=True),
    sa.Column("planned", sa.Integer, nullable=False),
    sa.Column("closed", sa.Boolean, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
)

sa.Index("commits_open", commits.c.planned, sqlite_where=sa.not_(commits.c.closed))

statuses = sa.Table(
    "statuses",
    metadata,
    sa.Column("commit", sa.Text, primary_key=True),
    sa.Column("context", sa.Text, primary_key=True),
    sa.Column("root", sa.Text, nullable=False),
    sa.Column("final", sa.Boolean, nullable=False),
    sa.Column("posted", sa.Boolean, nullable=False),
    sa.Column("said", sa.Integer, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
)

sa.Index("statuses_unposted", statuses.c.said, sqlite_where=sa.not_(statuses.c.posted))

project = sa.Table(
    "project",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),  # always 1
    sa.Column("body", sa.Text, nullable=False),
)

answers = sa.Table(
    "answers",
    metadata,
    sa.Column("ident", sa.Text, primary_key=True),
    sa.Column("body", sa.Text, nullable=False),
)

blobs = sa.Table(
    "blobs",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("text", sa.Text, nullable=False),
)

pins = sa.Table(
    "pins",
    metadata,
    sa.Column("ref", sa.Text, primary_key=True),
    sa.Column("body", sa.Text, nullable=False),
)

events = sa.Table(
    "events",
    metadata,
    sa.Column("ident", sa.Text, primary_key=True),
    sa.Column("body", sa.Text, nullable=False),
)

notices = sa.Table(
    "notices",
    metadata,
    sa.Column("ident", sa.Text, primary_key=True),
    sa.Column("connection", sa.Text, nullable=False),
    sa.Column("noticed", sa.Integer, nullable=False),
    sa.Column("sent", sa.Boolean, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
)

sa.Index("notices_unsent", notices.c.connection, notices.c.noticed, sqlite_where=sa.not_(notices.c.sent))
