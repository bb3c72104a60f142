"""Runs whose copy in the store is still to be made."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from reconciler.ledger.columns import only

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the column with its index. Before it there was no store, so nothing is owed."""
    op.add_column("runs", sa.Column("owed", sa.Boolean, nullable=False, server_default=sa.false()))
    op.create_index("runs_owed", "runs", ["opened"], **only("owed = 1", "owed"))
