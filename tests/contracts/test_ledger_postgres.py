from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from reconciler.ledger.postgres import open_postgres
from reconciler.ledger.postgres_session import Server
from reconciler.ledger.sql import SqlLedger
from tests.contracts.ledger import LedgerContract
from tests.postgres import PostgresServer

pytestmark = [pytest.mark.process, pytest.mark.anyio]


class PostgresStore:
    def __init__(self, url: str, alone: bool) -> None:
        self._url = url
        self._alone = alone
        self._ledger: SqlLedger | None = None

    async def open(self) -> SqlLedger:
        await self.close()
        self._ledger = await open_postgres(Server(self._url), "test", "project", alone=self._alone)
        return self._ledger

    async def close(self) -> None:
        if self._ledger is not None:
            await self._ledger.close()


@pytest.fixture(scope="module")
def shared(postgres: PostgresServer) -> Iterator[str]:
    """A database that is emptied for each test: making one takes longer than most of them."""
    name = postgres.make()
    yield name
    postgres.drop(name)


@pytest.fixture
async def store(postgres: PostgresServer, shared: str, alone: bool) -> AsyncIterator[PostgresStore]:
    store = PostgresStore(postgres.url(shared), alone)
    yield store
    await store.close()
    postgres.empty(shared)


@pytest.mark.parametrize("alone", [False])
class TestPostgresLedger(LedgerContract):
    pass


@pytest.mark.parametrize("alone", [True])
class TestPostgresLedgerWithMirror(LedgerContract):
    pass
