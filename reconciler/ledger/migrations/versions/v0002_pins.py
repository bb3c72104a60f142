"""What references out of the repository led to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from reconciler.ledger.columns import TEXT

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table of pins."""
    op.create_table(
        "pins",
        sa.Column("ref", TEXT, primary_key=True, nullable=False),
        sa.Column("body", TEXT, nullable=False),
    )
