"""What the result of a run depends on, for the cache."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from reconciler.ledger.columns import TEXT, only

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column with its indexes. Before it, everything counted: the leaf digest."""
    op.add_column("runs", sa.Column("work", TEXT, nullable=False, server_default=""))
    op.execute("UPDATE runs SET work = digest")
    done = only("own = 1 AND status = 'succeeded'", "own AND status = 'succeeded'")
    op.create_index("runs_work", "runs", ["work", "opened"], **done)
    op.create_index("runs_work_pending", "runs", ["work", "pending"], **only("pending = 1", "pending"))
