"""Events that count once for good."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the table of events."""
    op.create_table(
        "events",
        sa.Column("ident", sa.Text, primary_key=True, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
