"""What tests of more than one part of the reconciler stand on."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from reconciler.ledger.memory import MemoryLedger
from reconciler.ledger.sqlite import open_sqlite
from reconciler.ports import Ledger


@pytest.fixture(params=["memory", "sqlite"])
async def ledger(request, tmp_path) -> AsyncIterator[Ledger]:
    made = MemoryLedger() if request.param == "memory" else await open_sqlite(tmp_path / "ledger.db", "test", "p")
    yield made
    await made.close()
