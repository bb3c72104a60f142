"""The ledger of a simulated world: it remembers what retention took of it, for the invariants."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime

from planner.keys import Key
from planner.model.records import RootRecord, RunRecord
from planner.model.retention import Removed
from reconciler.ledger.memory import MemoryLedger

__all__ = ["SimLedger"]


class SimLedger(MemoryLedger):
    """`MemoryLedger` with one more listener.

    Attributes:
        removed: called with each removal: when it was, the root and its runs before, and which of their tops went.
    """

    removed: Callable[[datetime, RootRecord, tuple[RunRecord, ...], frozenset[Key]], None]

    async def forget(self, root: str, tops: Collection[Key], removed: Removed) -> int:
        state = self.snapshot()
        record = state.roots.get(root, RootRecord(root))
        had = tuple(
            sorted((run for run in state.runs.values() if run.root == root), key=lambda run: state.opened[run.key])
        )
        count = await super().forget(root, tops, removed)
        left = self.snapshot().runs
        taken = frozenset(run.key.top for run in had if run.key not in left)
        if taken:
            self.removed(removed.at, record, had, taken)
        return count
