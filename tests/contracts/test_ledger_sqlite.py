from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from reconciler.ledger.sqlite import SqliteLedger
from tests.contracts.ledger import LedgerContract

pytestmark = [pytest.mark.unit, pytest.mark.anyio]


class SqliteStore:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._ledger: SqliteLedger | None = None

    async def open(self) -> SqliteLedger:
        await self.close()
        self._ledger = await SqliteLedger.open(self._path, "test", "project")
        return self._ledger

    async def close(self) -> None:
        if self._ledger is not None:
            await self._ledger.close()


class TestSqliteLedger(LedgerContract):
    @pytest.fixture
    async def store(self, tmp_path: Path) -> AsyncIterator[SqliteStore]:
        store = SqliteStore(tmp_path / "state" / "ledger.db")
        yield store
        await store.close()
