from __future__ import annotations

import pytest

from reconciler.ledger.memory import MemoryLedger
from reconciler.ledger.state import MemoryState
from tests.contracts.ledger import LedgerContract

pytestmark = [pytest.mark.unit, pytest.mark.anyio]


class MemoryStore:
    """Survives its ledgers as a file would."""

    def __init__(self, *, through_codec: bool) -> None:
        self._ledger = MemoryLedger(MemoryState(), through_codec=through_codec)
        self._through_codec = through_codec

    async def open(self) -> MemoryLedger:
        await self._ledger.close()
        self._ledger = MemoryLedger(self._ledger.snapshot(), through_codec=self._through_codec)
        return self._ledger


class TestMemoryLedger(LedgerContract):
    @pytest.fixture
    def store(self):
        return MemoryStore(through_codec=False)


class TestMemoryLedgerThroughCodec(LedgerContract):
    @pytest.fixture
    def store(self):
        return MemoryStore(through_codec=True)
