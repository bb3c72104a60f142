"""What the result of a run depends on, for the cache."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column with its indexes. Before it, everything counted: the leaf digest."""
    op.add_column("runs", sa.Column("work", sa.Text, nullable=False, server_default=""))
    op.execute("UPDATE runs SET work = digest")
    done = sa.text("own = 1 AND status = 'succeeded'")
    op.create_index("runs_work", "runs", ["work", "opened"], sqlite_where=done)
    op.create_index("runs_work_pending", "runs", ["work", "pending"], sqlite_where=sa.text("pending = 1"))
