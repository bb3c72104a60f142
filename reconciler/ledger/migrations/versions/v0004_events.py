"""Events that count once for good."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from reconciler.ledger.columns import TEXT

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the table of events."""
    op.create_table(
        "events",
        sa.Column("ident", TEXT, primary_key=True, nullable=False),
        sa.Column("body", TEXT, nullable=False),
    )
