"""What was said on pull requests."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from reconciler.ledger.columns import NAME, TEXT

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "pulls",
        sa.Column("number", NAME, primary_key=True, nullable=False),
        sa.Column("body", TEXT, nullable=False),
    )
