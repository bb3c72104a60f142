"""Which roots rest, so that a start of the daemon need not plan them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from reconciler.ledger.columns import TEXT

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the columns. Nothing is known to rest; who listens is read from the record while that is so."""
    op.add_column("roots", sa.Column("listens", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("roots", sa.Column("edition", TEXT))
    op.add_column("roots", sa.Column("due", TEXT))
