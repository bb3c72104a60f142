from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from reconciler.ledger.sql import SqlLedger
from reconciler.ledger.sqlite import open_sqlite
from tests.contracts.ledger import LedgerContract

pytestmark = [pytest.mark.unit, pytest.mark.anyio]


class SqliteStore:
    def __init__(self, path: Path, alone: bool) -> None:
        self._path = path
        self._alone = alone
        self._ledger: SqlLedger | None = None

    async def open(self) -> SqlLedger:
        await self.close()
        self._ledger = await open_sqlite(self._path, "test", "project", alone=self._alone)
        return self._ledger

    async def close(self) -> None:
        if self._ledger is not None:
            await self._ledger.close()


@pytest.fixture
async def store(tmp_path: Path, alone: bool) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(tmp_path / "state" / "ledger.db", alone)
    yield store
    await store.close()


@pytest.mark.parametrize("alone", [False])
class TestSqliteLedger(LedgerContract):
    pass


@pytest.mark.parametrize("alone", [True])
class TestSqliteLedgerWithoutOtherWriters(LedgerContract):
    pass
