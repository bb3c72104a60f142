"""Every ledger answers alike: what a simulation proves in memory holds for a file, and for a server."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from planner.model.people import ProjectRecord
from reconciler.ledger.memory import MemoryLedger
from reconciler.ledger.postgres import open_postgres
from reconciler.ledger.postgres_session import Server
from reconciler.ledger.sql import SqlLedger
from reconciler.ledger.sqlite import open_sqlite
from reconciler.ledger.state import MemoryState
from reconciler.ports import Rest
from tests.contracts.ledger import everything
from tests.reconciler.ledger.histories import Historian

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

Opens = Callable[[bool], Awaitable[SqlLedger]]
"""Opens a new ledger; with True for a handle that need not read again what it wrote."""


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.process)])
async def opens(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Opens]:
    made: list[SqlLedger] = []
    url = request.getfixturevalue("database") if request.param == "postgres" else ""

    async def open_it(alone: bool) -> SqlLedger:
        if url:
            made.append(await open_postgres(Server(url), "test", "project", alone=alone))
        else:
            made.append(await open_sqlite(tmp_path / "ledger.db", "test", "project", alone=alone))
        return made[-1]

    yield open_it
    for ledger in made:
        await ledger.close()


def twin_of(ledger: SqlLedger) -> MemoryLedger:
    return MemoryLedger(MemoryState(ident=ledger.ident, instance="test", project=ProjectRecord("project")))


@pytest.mark.parametrize("alone", [False, True], ids=["", "alone"])
@pytest.mark.parametrize("seed", range(100, 106))
async def test_the_twins_agree(opens, seed, alone):
    ledger = await opens(alone)
    twin = twin_of(ledger)
    historian = Historian(seed)
    chance = random.Random(seed)
    for _ in range(50):
        facts = historian.transaction()
        assert await ledger.record(facts) == await twin.record(facts)
        records = list((await twin.roots()).values())
        rests = [
            Rest(one, chance.choice([None, one.cursor and one.cursor.anchor]))
            for one in records
            if chance.random() < 0.3
        ]
        for each in (ledger, twin):
            await each.rest(rests, "one")
        assert await ledger.awake("one") == await twin.awake("one")
        assert await ledger.awake("two") == await twin.awake("")
    assert await everything(ledger) == await everything(twin)


@pytest.mark.parametrize("seed", range(200, 212))
async def test_what_is_known_without_reading_is_what_is_read(opens, seed):
    ledger = await opens(True)
    twin = twin_of(ledger)
    historian = Historian(seed)
    for _ in range(80):
        facts = historian.transaction()
        assert await ledger.record(facts) == await twin.record(facts)
        for name in await twin.roots():
            known, told = await ledger.root(name), await twin.root(name)
            assert known == told
            assert list(known.runs) == list(told.runs)
        assert await ledger.claims() == await twin.claims()
        assert await ledger.project() == await twin.project()
        assert await ledger.sequence() == await twin.sequence()
