from __future__ import annotations

import pytest

from planner import keys
from reconciler.errors import Unusable
from reconciler.ledger.memory import MemoryLedger
from tests.contracts.ledger import everything, opened

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

G1, G2 = keys.generation("train", 1), keys.generation("train", 2)


class CrashError(Exception):
    pass


async def crash(facts):
    raise CrashError


async def test_a_snapshot_is_not_changed_by_what_follows():
    ledger = MemoryLedger()
    await ledger.record([opened(G1)])
    before = await everything(ledger)
    kept = ledger.snapshot()
    await ledger.record([opened(G2)], {"d1:x": "{}"})
    ledger.restore(kept)
    assert await everything(ledger) == before
    # Nor is it used up: what follows a restore leaves it as it was.
    await ledger.record([opened(G2)])
    ledger.restore(kept)
    assert await everything(ledger) == before


@pytest.mark.parametrize(("point", "recorded"), [("before", 0), ("after", 1)])
async def test_a_crash_around_a_record(point, recorded):
    ledger = MemoryLedger()
    setattr(ledger, point, crash)
    with pytest.raises(CrashError):
        await ledger.record([opened(G1)])
    assert await ledger.sequence() == recorded


async def test_a_closed_ledger_refuses_until_it_is_restored():
    ledger = MemoryLedger()
    await ledger.record([opened(G1)])
    kept = ledger.snapshot()
    await ledger.close()
    with pytest.raises(Unusable):
        await ledger.sequence()
    ledger.restore(kept)
    assert await ledger.sequence() == 1
