"""A daemon that dies, stops and goes on, or loses its server, at any moment: facts are there whole, once, in order."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from reconciler.ledger.postgres import open_postgres
from reconciler.ledger.postgres_session import Server
from reconciler.ports import RunQuery
from tests.postgres import PostgresServer
from tests.reconciler.ledger.histories import replay
from tests.reconciler.ledger.victim_postgres import FACTS

pytestmark = [pytest.mark.process, pytest.mark.anyio]

HOME = Path(__file__).parents[3]
PATIENCE = 60.0
ROUNDS = 5


class Writer:
    """A process that records without end, and what it was promised."""

    def __init__(self, url: str, silence: float = 60.0) -> None:
        command = [sys.executable, "-m", "tests.reconciler.ledger.victim_postgres", "write", url, str(silence)]
        self.process = subprocess.Popen(command, cwd=HOME, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.promised = 0
        self.said = ""
        self.heard = threading.Condition()
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self.heard:
                if line.strip().isdigit():
                    self.promised = int(line)
                elif line.startswith("unusable"):
                    self.said = line.strip()
                self.heard.notify_all()

    def wait_beyond(self, sequence: int) -> None:
        with self.heard:
            assert self.heard.wait_for(lambda: self.promised > sequence, PATIENCE), self.said

    def kill(self) -> int:
        """Returns the newest sequence that it was promised."""
        self.process.kill()
        self.process.wait(PATIENCE)
        self.reader.join(PATIENCE)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return self.promised

    def end(self) -> str:
        """What it said at its end."""
        assert self.process.wait(PATIENCE) == 0
        self.kill()
        return self.said


@pytest.fixture
def durable() -> Iterator[PostgresServer]:
    """A server that waits for its disk, and may be killed."""
    server = PostgresServer(durable=True)
    try:
        yield server.start()
    finally:
        server.remove()


async def is_whole(url: str, promised: int) -> int:
    """Make sure that all is there that was promised, nothing in parts, as the facts say; returns the sequence."""
    ledger = await open_postgres(Server(url, wait=PATIENCE), "test", "project")
    history = await ledger.facts(limit=1_000_000)
    sequence = await ledger.sequence()
    world = replay(fact for _, fact in history)
    assert [number for number, _ in history] == list(range(1, sequence + 1))
    assert sequence % FACTS == 0
    assert promised <= sequence <= promised + FACTS
    assert {run.key: run for run in await ledger.runs(RunQuery(limit=1_000_000))} == world.runs
    assert list(await ledger.claims()) == world.claims
    assert all([await ledger.blob(f"d1:{number}") for number in range(0, sequence, FACTS)])
    assert await ledger.blob(f"d1:{sequence}") is None
    await ledger.close()
    return sequence


async def test_a_kill_in_the_middle_of_a_record_leaves_all_or_nothing(postgres, database):
    chance, sequence = random.Random(1), 0
    for _ in range(ROUNDS):
        writer = Writer(database)
        writer.wait_beyond(sequence)
        await anyio.sleep(chance.uniform(0, 0.02))  # the moment of the crash: nothing is waited for
        sequence = await is_whole(database, writer.kill())


async def test_who_writes_goes_on_by_itself_after_the_server_was_killed(durable):
    url = durable.url(durable.make())
    writer, chance = Writer(url), random.Random(2)
    for _ in range(ROUNDS):
        writer.wait_beyond(writer.promised)
        await anyio.sleep(chance.uniform(0, 0.02))  # the moment of the crash: nothing is waited for
        durable.stop(signal.SIGQUIT)
        before = writer.promised
        durable.start()
        writer.wait_beyond(before)
    await is_whole(url, writer.kill())
    assert writer.said == ""


@pytest.mark.parametrize("how", ["silence", "terminated"])
async def test_who_was_stopped_and_goes_on_writes_nothing_after_another_began(postgres, database, how):
    """The invariant of two daemons: one that believes to lead, and does not."""
    first = Writer(database, silence=1.0 if how == "silence" else 60.0)
    first.wait_beyond(0)
    os.kill(first.process.pid, signal.SIGSTOP)
    promised = first.promised
    if how == "terminated":
        name = database.partition("@/")[2].partition("?")[0]
        postgres.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    second = await open_postgres(Server(database, wait=PATIENCE), "test", "project")
    begun = await second.sequence()
    assert begun >= promised
    os.kill(first.process.pid, signal.SIGCONT)
    assert "another daemon has taken the state in" in first.end()
    assert await second.sequence() == begun
    await second.close()
    assert await is_whole(database, first.promised) == begun
