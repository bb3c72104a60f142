"""I8: folding the whole history from nothing gives what the ledger holds."""

from __future__ import annotations

from typing import Any

from reconciler.ledger.state import MemoryState
from tests.simulation.history import History
from tests.simulation.invariants.replay import replay

NAME = "I8"

_TABLES = ("project", "roots", "runs", "claims", "commits", "statuses", "answers", "pending", "under", "results")


def check(history: History) -> list[str]:
    folded = replay(history).state
    found = []
    for name in _TABLES:
        stored, again = _table(history.state, name), _table(folded, name)
        if stored != again:
            keys = [key for key in {*stored, *again} if stored.get(key) != again.get(key)] if name != "project" else []
            found.append(f"{name} differs from its replay: {sorted(map(str, keys))[:3]}")
    return found


def _table(state: MemoryState, name: str) -> Any:
    """A table; the keys of an index in no order, which is that of the facts of one transaction and means nothing."""
    table = getattr(state, name)
    return {key: frozenset(keys) for key, keys in table.items()} if name == "results" else table
