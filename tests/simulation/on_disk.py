"""A simulated world whose daemons keep their ledger in a real SQLite file: each life opens it anew, as a process does.

The database works in the task that asks, and not in a thread: virtual time would run on while it works.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from unittest import mock

from planner.keys import Key
from planner.model.facts import Fact
from planner.model.retention import Removed
from reconciler.ledger import sqlite, turns
from reconciler.ledger.sql import SqlLedger
from tests.simulation.ledger import SimLedger

__all__ = ["File", "without_threads"]

T = TypeVar("T")


class File:
    """The ledger's file; called with the world's own ledger, which the invariants read, it gives the one of a life."""

    def __init__(self, path: Path, instance: str, project: str) -> None:
        self._path = path
        self._names = instance, project
        self._open: SqlLedger | None = None

    def __call__(self, shadow: SimLedger) -> _OnDisk:
        """Open it for a new life: that of the one before is dead, and its handle with it."""
        self.close()
        self._open = sqlite._open(self._path, *self._names, 5.0, alone=True)
        shadow._state.ident = self._open.ident
        return _OnDisk(self._open, shadow)

    def close(self) -> None:
        """What the end of a process does."""
        if self._open is not None:
            self._open.database.close()
            self._open = None


class _OnDisk:
    """Everything is read from the file; what is written goes to the world's ledger too, once it is durable."""

    def __init__(self, ledger: SqlLedger, shadow: SimLedger) -> None:
        self._ledger = ledger
        self._shadow = shadow

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    async def record(self, facts: Sequence[Fact], blobs: Mapping[str, str] | None = None) -> int:
        sequence = await self._ledger.record(facts, blobs)
        assert await self._shadow.record(facts, blobs) == sequence
        return sequence

    async def forget(self, root: str, tops: Collection[Key], removed: Removed) -> int:
        await self._shadow.forget(root, tops, removed)
        return await self._ledger.forget(root, tops, removed)


async def _here(work: Callable[..., T], *arguments: object, limiter: object = None) -> T:
    return work(*arguments)


@contextmanager
def without_threads() -> Iterator[None]:
    """A block in which a database's work is done where it is asked for."""
    with mock.patch.object(turns, "to_thread", mock.Mock(run_sync=_here)):
        yield
