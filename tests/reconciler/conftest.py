"""What tests of more than one part of the reconciler stand on."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from reconciler.ledger.memory import MemoryLedger
from reconciler.ledger.postgres import open_postgres
from reconciler.ledger.postgres_session import Server
from reconciler.ledger.sqlite import open_sqlite
from reconciler.ports import Ledger


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.process)])
async def ledger(request, tmp_path) -> AsyncIterator[Ledger]:
    made: Ledger
    if request.param == "memory":
        made = MemoryLedger()
    elif request.param == "sqlite":
        made = await open_sqlite(tmp_path / "ledger.db", "test", "p")
    else:
        made = await open_postgres(Server(request.getfixturevalue("database")), "test", "p")
    yield made
    await made.close()
