"""Who may write, where a ledger is on a server."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from reconciler.ledger.columns import NUMBER

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the columns. Nobody has opened it yet by these numbers."""
    for name in ("term", "fence"):
        op.add_column("meta", sa.Column(name, NUMBER, nullable=False, server_default="0"))
