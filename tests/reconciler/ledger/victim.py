"""Processes for `test_kill.py`: they write to a ledger until somebody kills them.

    victim.py kills PATH SEED ROUNDS   fork a writer, kill it at a random moment, look at the file; ROUNDS times
    victim.py race PATH NAME COUNT     record COUNT transactions beside other processes
    victim.py full PATH                write until the file must not grow any more (RLIMIT_FSIZE)

Each says on stdout what it found, one JSON line.
"""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import sqlite3
import sys
import time
from pathlib import Path

import anyio

from planner import keys
from reconciler.errors import Unusable
from reconciler.ledger.sqlite import open_sqlite
from reconciler.ports import RunQuery
from tests.contracts.ledger import intended, opened
from tests.reconciler.ledger.histories import replay

FACTS = 5


def say(found: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(found) + "\n")


async def write_forever(path: Path, said: int) -> None:
    ledger = await open_sqlite(path, "test", "project")
    while True:
        first = await ledger.sequence()
        key = keys.request("train", f"s{first}")
        attempts = [intended(key.at_attempt(number)) for number in range(1, FACTS)]
        sequence = await ledger.record([opened(key), *attempts], {f"d1:{first}": "x" * 3000})
        os.write(said, sequence.to_bytes(8, "big"))


def kill_once(path: Path, wait: float) -> int:
    """Returns the newest sequence that the writer had been promised."""
    ours, theirs = os.pipe()
    child = os.fork()
    if not child:
        os.close(ours)
        try:
            anyio.run(write_forever, path, theirs)
        finally:
            os._exit(1)
    os.close(theirs)
    first = os.read(ours, 8)  # killed in the middle of its work, not of its start
    time.sleep(wait)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    promised = first
    while more := os.read(ours, 8):
        promised = more
    os.close(ours)
    return int.from_bytes(promised, "big")


async def look(path: Path) -> dict[str, object]:
    connection = sqlite3.connect(path)
    integrity = connection.execute("PRAGMA integrity_check").fetchone()[0]
    connection.close()
    ledger = await open_sqlite(path, "test", "project")
    history = await ledger.facts(limit=1_000_000)
    world = replay(fact for _, fact in history)
    stored = {run.key: run for run in await ledger.runs(RunQuery(limit=1_000_000))}
    sequence = await ledger.sequence()
    blobs = [await ledger.blob(f"d1:{number}") for number in range(0, sequence, FACTS)]
    found = {
        "integrity": integrity,
        "sequence": sequence,
        "gapless": [number for number, _ in history] == list(range(1, sequence + 1)),
        "whole": sequence % FACTS == 0,
        "blobs": all(blobs) and await ledger.blob(f"d1:{sequence}") is None,
        "folded": stored == world.runs and list(await ledger.claims()) == world.claims,
    }
    await ledger.close()
    return found


def kills(path: Path, seed: int, rounds: int) -> None:
    chance = random.Random(seed)
    for _ in range(rounds):
        promised = kill_once(path, chance.uniform(0, 0.02))
        say({"promised": promised, **anyio.run(look, path)})


async def race(path: Path, name: str, count: int) -> None:
    ledger = await open_sqlite(path, "test", "project", patience=60)
    numbers = []
    for number in range(count):
        key = keys.request("train", f"{name}-{number}")
        numbers.append(await ledger.record([opened(key), intended(key.at_attempt(1))]))
    say({"ident": ledger.ident, "numbers": numbers})
    await ledger.close()


async def full(path: Path) -> None:
    ledger = await open_sqlite(path, "test", "project")
    said = []
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, resource.RLIM_INFINITY))
    for number in range(400):
        try:
            await ledger.record([opened(keys.request("train", f"r{number}"))], {f"d1:{number}": "x" * 20_000})
        except Unusable as error:
            said.append(error.message)
            if len(said) == 2:
                break
            # Space is back, but what SQLite believes of the file may be wrong: still refused.
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    say({"recorded": number - len(said) + 1, "said": said})


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["kills", path, seed, rounds]:
            kills(Path(path), int(seed), int(rounds))
        case ["race", path, name, count]:
            anyio.run(race, Path(path), name, int(count))
        case ["full", path]:
            anyio.run(full, Path(path))
