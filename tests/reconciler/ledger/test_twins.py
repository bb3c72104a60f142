"""SQLite and memory answer alike: what a simulation proves holds for the file."""

from __future__ import annotations

import pytest

from planner.model.people import ProjectRecord
from reconciler.ledger.memory import MemoryLedger
from reconciler.ledger.sqlite import SqliteLedger
from reconciler.ledger.state import MemoryState
from tests.contracts.ledger import everything
from tests.reconciler.ledger.histories import Historian

pytestmark = [pytest.mark.unit, pytest.mark.anyio]


@pytest.mark.parametrize("seed", range(100, 106))
async def test_the_twins_agree(tmp_path, seed):
    file = await SqliteLedger.open(tmp_path / "ledger.db", "test", "project")
    twin = MemoryLedger(MemoryState(ident=file.ident, instance="test", project=ProjectRecord("project")))
    historian = Historian(seed)
    for _ in range(50):
        facts = historian.transaction()
        assert await file.record(facts) == await twin.record(facts)
    try:
        assert await everything(file) == await everything(twin)
    finally:
        await file.close()
