"""The database under a ledger: what `reconciler.ledger.sql` asks of SQLite and of PostgreSQL. A Protocol and values.

This module must never know a table, nor which database it is.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

import sqlalchemy as sa

from reconciler.errors import Transient, Unusable

__all__ = ["BEGIN", "Database", "EarlierTerm", "InDoubt", "Severed", "Where"]

BEGIN = "plumbline_begin"
"""Execution option: the statement that begins a transaction."""


@dataclass(frozen=True, slots=True)
class Where:
    """The words for a place that holds a ledger.

    Attributes:
        name: where it is; a path, or a URL without its secrets.
        other: what a person may choose instead.
    """

    name: str
    other: str


class Severed(Transient):
    """The connection was lost before anything was committed: on another one the same may be tried at once."""


class InDoubt(Transient):
    """The connection was lost while a transaction was being committed: nobody knows whether it was.

    Attributes:
        sequence: of its newest fact, if it was.
        newest: the newest sequence that there was; None until somebody found out.
    """

    sequence: int = 0
    newest: int | None = None


class EarlierTerm(Unusable):
    """A leader of a later term has opened it: whoever was elected before that must not.

    Attributes:
        seen: the term of that leader.
    """

    def __init__(self, message: str, seen: int) -> None:
        super().__init__(message)
        self.seen = seen


class Database(Protocol):
    """One connection, used by one thread at a time.

    Law: a transaction of `writing` is on disk when its context ends without an exception; after any exception but
    `InDoubt` nothing of it is. Those that write take turns. All that fails is raised as an error of ours, but for
    mistakes of ours.
    """

    @property
    def where(self) -> Where:
        """Where it is."""
        ...

    @property
    def beat(self) -> float | None:
        """Seconds between two calls of `check` that keep it ours; None where nobody can take it."""
        ...

    def reading(self) -> AbstractContextManager[sa.Connection]:
        """A transaction that sees everything as it is at one instant.

        Raises:
            Transient: not now.
            Unusable: this handle must not be used again.
        """
        ...

    def writing(self) -> AbstractContextManager[sa.Connection]:
        """A transaction that may write.

        Raises:
            Transient: not now; nothing was written.
            InDoubt: it may or may not have been committed.
            Unusable: this handle must not be used again; what was committed is seen by the next one.
        """
        ...

    def touch(self, connection: sa.Connection) -> None:
        """Write something that changes nothing, so that whoever asks finds out that nothing can be written."""
        ...

    def promised(self, sequence: int) -> None:
        """Note what was recorded: a database that has less of it later has lost it."""
        ...

    def check(self) -> None:
        """Find out whether it is still ours.

        Raises:
            Transient: nobody can tell now.
            Unusable: it is not.
        """
        ...

    def close(self) -> None:
        """Let go of it. Twice is once."""
        ...
