"""Turns on a database: one transaction at a time, in a worker thread, and none after the database failed for good.

The event loop never waits for a disk or a server. This module must never know a table.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

import anyio
import sqlalchemy as sa
from anyio import to_thread

from reconciler.errors import Transient, Unusable
from reconciler.ledger.database import Database, InDoubt, Severed
from reconciler.telemetry import log

__all__ = ["Turns"]

P = ParamSpec("P")
T = TypeVar("T")


class Turns:
    """Whoever wants something of `database` waits for its turn.

    Attributes:
        database: used by nobody else.
        in_doubt: set where a transaction was cut off in the middle of its commit, and nobody has found out about it.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self.in_doubt: InDoubt | None = None
        self._turn = anyio.CapacityLimiter(1)
        self._broken: Unusable | None = None

    async def read(self, query: Callable[Concatenate[sa.Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `query` finds, as it is at one instant."""

        def reading() -> T:
            with self.database.reading() as connection:
                return query(connection, *args, **kwargs)

        return await self.take(reading)

    async def write(self, work: Callable[Concatenate[sa.Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do what may be done twice: when that is in doubt, it is only said to be tried again."""

        def writing() -> T:
            with self.database.writing() as connection:
                return work(connection, *args, **kwargs)

        return await self.take(writing)

    async def take(self, work: Callable[[], T]) -> T:
        """What `work` returns, in the one thread."""
        return await to_thread.run_sync(self._guarded, work, limiter=self._turn)

    async def keep(self) -> None:
        """Look from time to time whether the database is still ours. Returns at once where nobody can take it.

        Raises:
            Unusable: it is another daemon's.
        """
        while self.database.beat is not None:
            await anyio.sleep(self.database.beat)
            try:
                await self.take(self.database.check)
            except Transient as error:
                log.warning("the ledger cannot be reached", reason=error.message)

    async def close(self) -> None:
        """Let go of the database. Twice is once."""
        await to_thread.run_sync(self.database.close, limiter=self._turn)
        self._broken = Unusable(f"the state in {self.database.where.name} was closed")

    def demand_whole(self) -> None:
        """Say what happened where the database must not be used again.

        Raises:
            Unusable: it must not.
        """
        if self._broken is not None:
            raise Unusable(self._broken.message)

    def _guarded(self, work: Callable[[], T]) -> T:
        self.demand_whole()
        try:
            try:
                return work()
            except Severed:
                # The server was started again, or cut a connection that was idle for long.
                return work()
        except InDoubt as doubt:
            self.in_doubt = doubt
            raise
        except Unusable as error:
            self._broken = error
            raise
