"""The ledger of a simulated world: it remembers what retention took of it, for the invariants."""

from __future__ import annotations

from collections.abc import Callable, Collection

from planner.keys import Key
from planner.model.records import RootRecord
from planner.model.retention import Removed
from reconciler.ledger.memory import MemoryLedger
from tests.simulation.history import Removal

__all__ = ["SimLedger"]


class SimLedger(MemoryLedger):
    """`MemoryLedger` with one more listener.

    Attributes:
        removed: called with each removal.
    """

    removed: Callable[[Removal], None]

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
            self.removed(Removal(removed.at, record, had, taken))
        return count
