"""Notices that are owed, and that were sent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from reconciler.ledger.columns import NUMBER, TEXT, only

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the table of notices."""
    op.create_table(
        "notices",
        sa.Column("ident", TEXT, primary_key=True, nullable=False),
        sa.Column("connection", TEXT, nullable=False),
        sa.Column("noticed", NUMBER, nullable=False),
        sa.Column("sent", sa.Boolean, nullable=False),
        sa.Column("body", TEXT, nullable=False),
    )
    op.create_index("notices_unsent", "notices", ["connection", "noticed"], **only("sent = 0", "NOT sent"))
