"""Notices that are owed, and that were sent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the table of notices."""
    op.create_table(
        "notices",
        sa.Column("ident", sa.Text, primary_key=True, nullable=False),
        sa.Column("connection", sa.Text, nullable=False),
        sa.Column("noticed", sa.Integer, nullable=False),
        sa.Column("sent", sa.Boolean, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index("notices_unsent", "notices", ["connection", "noticed"], sqlite_where=sa.text("sent = 0"))
