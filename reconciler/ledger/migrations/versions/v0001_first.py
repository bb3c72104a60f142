"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from reconciler.ledger.columns import NUMBER, TEXT, only

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make all tables."""
    _make_log()
    _make_runs()
    _make_commits()
    _make_indexes()


def _text(name: str, *, key: bool = False) -> sa.Column[str]:
    return sa.Column(name, TEXT, primary_key=key, nullable=False)


def _number(name: str, *, key: bool = False) -> sa.Column[int]:
    return sa.Column(name, NUMBER, primary_key=key, autoincrement=False, nullable=False)


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False)


def _make_log() -> None:
    op.create_table(
        "meta",
        _number("id", key=True),
        _text("ident"),
        _text("instance"),
        _text("project"),
        _number("sequence"),
        _text("created"),
    )
    op.create_table(
        "facts",
        _number("seq", key=True),
        _text("at"),
        _text("root"),
        _text("type"),
        sa.Column("run", TEXT),
        _text("body"),
    )
    op.create_table("blobs", _text("digest", key=True), _text("text"))


def _make_runs() -> None:
    op.create_table("roots", _text("name", key=True), _text("body"))
    op.create_table(
        "runs",
        _text("key", key=True),
        _text("root"),
        _text("top"),
        _text("short"),
        _text("kind"),
        _text("status"),
        _flag("final"),
        _flag("pending"),
        _text("digest"),
        _flag("own"),
        _number("opened"),
        _text("opened_at"),
        sa.Column("finished_at", TEXT),
        _text("body"),
    )
    op.create_table("claims", _text("key", key=True), _text("root"), _text("queue"), _text("body"))


def _make_commits() -> None:
    op.create_table("commits", _text("ident", key=True), _number("planned"), _flag("closed"), _text("body"))
    op.create_table(
        "statuses",
        _text("commit", key=True),
        _text("context", key=True),
        _text("root"),
        _flag("final"),
        _flag("posted"),
        _number("said"),
        _text("body"),
    )
    op.create_table("project", _number("id", key=True), _text("body"))
    op.create_table("answers", _text("ident", key=True), _text("body"))


def _make_indexes() -> None:
    op.create_index("facts_root", "facts", ["root", "seq"])
    op.create_index("runs_top", "runs", ["root", "top"])
    op.create_index("runs_opened", "runs", ["opened"])
    op.create_index("runs_root", "runs", ["root", "opened"])
    op.create_index("runs_short", "runs", ["short"])
    op.create_index("runs_live", "runs", ["opened"], **only("final = 0", "NOT final"))
    op.create_index("runs_root_live", "runs", ["root", "final", "opened"], **only("final = 0", "NOT final"))
    op.create_index("runs_root_pending", "runs", ["root", "pending"], **only("pending = 1", "pending"))
    result = only("own = 1 AND status = 'succeeded'", "own AND status = 'succeeded'")
    op.create_index("runs_result", "runs", ["root", "digest", "opened"], **result)
    op.create_index("claims_root", "claims", ["root"])
    op.create_index("commits_open", "commits", ["planned"], **only("closed = 0", "NOT closed"))
    op.create_index("statuses_unposted", "statuses", ["said"], **only("posted = 0", "NOT posted"))
