"""A ledger that moves to a server is the one that it was, however often the move is cut off."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest

from reconciler import ledgers
from reconciler.errors import Unusable
from reconciler.ledger import copying
from reconciler.ledger_moving import move_ledger
from reconciler.lock import locked
from reconciler.settings import DaemonSettings
from tests.contracts.ledger import everything
from tests.reconciler.ledger.histories import Historian
from tests.reconciler.test_ledgers import settings

pytestmark = [pytest.mark.process, pytest.mark.anyio]


@pytest.fixture
async def before(tmp_path: Path) -> AsyncIterator[tuple[str, dict[str, object], Historian]]:
    """What is in the file: a random history."""
    historian = Historian(7)
    ledger = await ledgers.open_ledger(settings(tmp_path), "vision")
    for _ in range(120):
        await ledger.record(historian.transaction(), {"d1:x": "é\x00\x01"})
    yield ledger.ident, await everything(ledger), historian
    await ledger.close()


@pytest.fixture
def said(tmp_path: Path, database: str) -> DaemonSettings:
    return settings(tmp_path, f"ledger: {{url: '{database}', wait: 0}}")


async def test_everything_is_there_and_goes_on(before, said):
    ident, kept, historian = before
    with pytest.raises(Unusable, match="`plumbline move-ledger` brings it there"):
        await ledgers.open_ledger(said, "other")
    moved = await move_ledger(said)
    assert (moved.copied.ident, moved.copied.project, moved.copied.before) == (ident, "vision", False)
    assert moved.copied.rows["facts"] > 100
    ledger = await ledgers.open_ledger(said, "other")
    try:
        assert ledger.ident == ident
        assert await everything(ledger) == kept
        assert await ledger.blob("d1:x") == "é\x00\x01"
        sequence = await ledger.sequence()
        assert await ledger.record(historian.transaction()) > sequence
    finally:
        await ledger.close()
    with pytest.raises(
        Unusable, match=r"there is no ledger at .*; it was moved, and is kept as .*ledger\.sqlite\.moved"
    ):
        await move_ledger(said)


async def test_what_is_cut_off_before_the_end_leaves_nothing_and_is_done_again(before, said, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(copying, "_PART", 10)
        counted = copying._count

        def falls(connection, table):
            if table.name == "runs" and connection.dialect.name == "postgresql":
                raise RuntimeError("cut off")
            return counted(connection, table)

        patch.setattr(copying, "_count", falls)
        with pytest.raises(RuntimeError, match="cut off"):
            await move_ledger(said)
    assert not await ledgers.is_known(said)
    assert not (await move_ledger(said)).copied.before


async def test_what_is_cut_off_before_the_file_is_put_aside_is_only_put_aside(before, said, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(Unusable, match=r"is copied, and .* cannot be renamed .*: No space left on device"):
            await move_ledger(said)
    assert (await move_ledger(said)).copied.before


async def test_a_copy_that_went_on_by_itself_is_never_passed_over(before, said, tmp_path, monkeypatch):
    _, _, historian = before
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", lambda *_: (_ for _ in ()).throw(OSError(5, "Input/output error")))
        with pytest.raises(Unusable):
            await move_ledger(said)
    ledger = await ledgers.open_ledger(settings(tmp_path), "vision")
    await ledger.record(historian.transaction())
    await ledger.close()
    with pytest.raises(Unusable, match="has this ledger already, and has gone on without it"):
        await move_ledger(said)


async def test_another_ledger_is_not_written_over(before, said, tmp_path, database):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    other = await ledgers.open_ledger(settings(elsewhere, f"ledger: {{url: '{database}'}}"), "sound")
    await other.close()
    with pytest.raises(Unusable, match=f"is not empty: choose another database or schema; .*{other.ident}.* sound"):
        await move_ledger(said)
    assert (said.state_folder / "ledger.sqlite").exists()


async def test_nor_anything_else(before, said, database):
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE TABLE ours (id int)")
    with pytest.raises(Unusable, match=r"is not empty: choose another database or schema$"):
        await move_ledger(said)


async def test_a_daemon_has_to_end_first(before, said):
    with locked(said.state_folder), pytest.raises(Unusable, match=r"another daemon .* stop it first"):
        await move_ledger(said)


async def test_there_must_be_something_to_move_and_somewhere_to_move_it(tmp_path, said):
    with pytest.raises(Unusable, match="there is no ledger at"):
        await move_ledger(said)
    with pytest.raises(Unusable, match="names no database"):
        await move_ledger(settings(tmp_path))
