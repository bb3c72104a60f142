"""Alembic's entry: runs the revisions on the connection that `migrations.upgrade` hands in."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
context.run_migrations()
