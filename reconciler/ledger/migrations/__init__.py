"""Migrations of the ledger's schema, run by Alembic inside the transaction that opens the file.

Importing this package loads Alembic; nothing but a migration imports it.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

__all__ = ["configuration", "upgrade"]


def configuration(connection: sa.Connection) -> Config:
    """Alembic's configuration for `connection`; there is no ini file."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def upgrade(connection: sa.Connection, revision: str = "head") -> None:
    """Run every revision up to `revision` in the transaction of `connection`."""
    command.upgrade(configuration(connection), revision)
