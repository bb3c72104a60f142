"""SQLite and memory answer alike: what a simulation proves holds for the file."""

from __future__ import annotations

import random

import pytest

from planner.model.people import ProjectRecord
from reconciler.ledger.memory import MemoryLedger
from reconciler.ledger.sqlite import open_sqlite
from reconciler.ledger.state import MemoryState
from reconciler.ports import Rest
from tests.contracts.ledger import everything
from tests.reconciler.ledger.histories import Historian

pytestmark = [pytest.mark.unit, pytest.mark.anyio]


@pytest.mark.parametrize("alone", [False, True], ids=["", "alone"])
@pytest.mark.parametrize("seed", range(100, 106))
async def test_the_twins_agree(tmp_path, seed, alone):
    file = await open_sqlite(tmp_path / "ledger.db", "test", "project", alone=alone)
    twin = MemoryLedger(MemoryState(ident=file.ident, instance="test", project=ProjectRecord("project")))
    historian = Historian(seed)
    chance = random.Random(seed)
    try:
        for _ in range(50):
            facts = historian.transaction()
            assert await file.record(facts) == await twin.record(facts)
            records = list((await twin.roots()).values())
            rests = [
                Rest(one, chance.choice([None, one.cursor and one.cursor.anchor]))
                for one in records
                if chance.random() < 0.3
            ]
            for ledger in (file, twin):
                await ledger.rest(rests, "one")
            assert await file.awake("one") == await twin.awake("one")
            assert await file.awake("two") == await twin.awake("")
        assert await everything(file) == await everything(twin)
    finally:
        await file.close()


@pytest.mark.parametrize("seed", range(200, 212))
async def test_what_is_known_without_reading_is_what_is_read(tmp_path, seed):
    file = await open_sqlite(tmp_path / "ledger.db", "test", "project", alone=True)
    twin = MemoryLedger(MemoryState(ident=file.ident, instance="test", project=ProjectRecord("project")))
    historian = Historian(seed)
    try:
        for _ in range(80):
            facts = historian.transaction()
            assert await file.record(facts) == await twin.record(facts)
            for name in await twin.roots():
                known, told = await file.root(name), await twin.root(name)
                assert known == told
                assert list(known.runs) == list(told.runs)
            assert await file.claims() == await twin.claims()
            assert await file.project() == await twin.project()
            assert await file.sequence() == await twin.sequence()
    finally:
        await file.close()
