"""I8: folding the whole history from nothing gives what the ledger holds, but for the runs that retention took."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from planner.keys import Key
from reconciler.ledger.state import MemoryState
from tests.simulation.history import History
from tests.simulation.invariants.replay import replay

NAME = "I8"

_TABLES = ("project", "roots", "runs", "claims", "commits", "statuses", "answers", "pending", "under", "results")


def check(history: History) -> list[str]:
    folded = replay(history).state
    found = []
    taken = frozenset(history.stored.forgotten)
    for name in _TABLES:
        stored, again = _table(history.stored, name, taken), _table(folded, name, taken)
        if stored != again:
            keys = [key for key in {*stored, *again} if stored.get(key) != again.get(key)] if name != "project" else []
            found.append(f"{name} differs from its replay: {sorted(map(str, keys))[:3]}")
    return found


def _table(state: MemoryState, name: str, taken: Collection[Key]) -> Any:
    """A table without what was taken; keys of an index in no order, which is that of the facts of a transaction."""
    table = getattr(state, name)
    match name:
        case "results":
            left = {digest: frozenset(keys).difference(taken) for digest, keys in table.items()}
            return {digest: keys for digest, keys in left.items() if keys}
        case "runs" | "under":
            return {key: value for key, value in table.items() if key not in taken}
        case "roots":
            return {key: replace(record, removed=None) for key, record in table.items()}
        case _:
            return table
