"""I8: folding the whole history from nothing gives what the ledger holds."""

from __future__ import annotations

from tests.simulation.history import History
from tests.simulation.invariants.replay import replay

NAME = "I8"

_TABLES = ("project", "roots", "runs", "claims", "commits", "statuses", "answers", "pending", "under", "results")


def check(history: History) -> list[str]:
    folded = replay(history).state
    found = []
    for name in _TABLES:
        stored, again = getattr(history.state, name), getattr(folded, name)
        if stored != again:
            keys = [key for key in {*stored, *again} if stored.get(key) != again.get(key)] if name != "project" else []
            found.append(f"{name} differs from its replay: {sorted(map(str, keys))[:3]}")
    return found
