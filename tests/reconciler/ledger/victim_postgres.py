"""Processes for `test_postgres_kill.py`: they write to a ledger on a server until somebody kills them, or it.

    victim_postgres.py write URL SILENCE   record, and say each promised sequence as a line; wait where that fails;
                                           say `unusable` and why, and end, where it fails for good

SILENCE is in seconds: a session that says nothing for so long is ended by the server.
"""

from __future__ import annotations

import sys

import anyio

from planner import keys
from reconciler.errors import Transient, Unusable
from reconciler.ledger.postgres import open_postgres
from reconciler.ledger.postgres_session import Server
from tests.contracts.ledger import intended, opened

FACTS = 5


def say(words: object) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


async def write(url: str, silence: float) -> None:
    ledger = await open_postgres(Server(url, silence=silence, wait=60.0), "test", "project")
    first = await ledger.sequence()
    while True:
        key = keys.request("train", f"s{first}")
        attempts = [intended(key.at_attempt(number)) for number in range(1, FACTS)]
        try:
            first = await ledger.record([opened(key), *attempts], {f"d1:{first}": "x" * 3000})
        except Transient:
            # As the loop of the daemon does: nothing was recorded, the same is tried again.
            await anyio.sleep(0.01)
        except Unusable as error:
            say(f"unusable {error.message}")
            return
        else:
            say(first)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["write", url, silence]:
            anyio.run(write, url, float(silence))
