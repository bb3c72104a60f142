"""A ledger whose writer dies at any moment, and one that several processes write to."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from planner import keys
from reconciler.ledger.sqlite import open_sqlite
from reconciler.ports import RunQuery

pytestmark = pytest.mark.process

HOME = Path(__file__).parents[3]


def start(*words: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.reconciler.ledger.victim", *map(str, words)]
    return subprocess.Popen(command, cwd=HOME, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> list[dict[str, object]]:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return [json.loads(line) for line in out.splitlines()]


@pytest.mark.parametrize("seed", [1, 2])
def test_a_kill_in_the_middle_of_a_record_leaves_all_or_nothing(tmp_path, seed):
    found = finish(start("kills", tmp_path / "ledger.db", seed, 25))
    assert len(found) == 25
    before = 0
    for look in found:
        assert look["integrity"] == "ok"
        assert (look["gapless"], look["whole"], look["blobs"], look["folded"]) == (True, True, True, True)
        # What was promised is there; at most the transaction that was being promised is there beyond it.
        assert look["promised"] <= look["sequence"] <= look["promised"] + 5
        assert look["sequence"] > before
        before = look["sequence"]


@pytest.mark.anyio
async def test_processes_that_start_and_write_at_once_share_one_sequence(tmp_path, anyio_backend):
    path = tmp_path / "ledger.db"
    writers = [start("race", path, name, 40) for name in ("a", "b", "c")]
    said = [line for writer in writers for line in finish(writer)]
    numbers = sorted(number for line in said for number in line["numbers"])
    assert numbers == list(range(2, 241, 2))
    assert len({line["ident"] for line in said}) == 1
    ledger = await open_sqlite(path, "test", "project")
    assert len(await ledger.runs(RunQuery(limit=1000))) == 120
    assert {claim.key.run for claim in await ledger.claims()} == {
        keys.request("train", f"{name}-{number}") for name in ("a", "b", "c") for number in range(40)
    }
    await ledger.close()


@pytest.mark.anyio
async def test_after_a_failed_write_the_handle_is_not_used_again(tmp_path, anyio_backend):
    path = tmp_path / "ledger.db"
    (found,) = finish(start("full", path))
    assert len(found["said"]) == 2
    assert all("the disk under the state in" in message for message in found["said"])
    ledger = await open_sqlite(path, "test", "project")
    assert await ledger.sequence() == found["recorded"] > 0
    await ledger.close()


@pytest.fixture
def anyio_backend():
    return "asyncio"
