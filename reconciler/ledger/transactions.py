"""Transactions on SQLite, and SQLite's errors as ours."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from reconciler.ledger import opening
from reconciler.ledger.faults import meaning

__all__ = ["transaction", "translated"]


@contextmanager
def transaction(engine: sa.Engine, begin: str) -> Iterator[sa.Connection]:
    """One transaction: committed at the end, rolled back on any error."""
    with engine.connect().execution_options(**{opening.BEGIN: begin}) as connection, connection.begin():
        yield connection


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """SQLite's errors as ours."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        _raise(error.orig if isinstance(error.orig, sqlite3.Error) else None, path)
        raise
    except sqlite3.Error as error:
        _raise(error, path)
        raise


def _raise(error: sqlite3.Error | None, path: Path) -> None:
    ours = meaning(error, path) if error is not None else None
    if ours is not None:
        raise ours from error
