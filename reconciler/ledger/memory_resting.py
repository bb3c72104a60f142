"""Which roots of a ledger in memory rest: as `resting` notes and tells it in tables."""

from __future__ import annotations

from collections.abc import Sequence

from planner.model.records import RootRecord
from reconciler.ledger.batch import Batch, is_blank
from reconciler.ledger.state import MemoryState
from reconciler.ports import Awake, Rest

__all__ = ["awake", "disturb", "rest"]


def rest(state: MemoryState, rests: Sequence[Rest], edition: str) -> None:
    """See `reconciler.ports.Ledger.rest`."""
    for one in rests:
        if state.roots.get(one.record.name) == one.record:
            state.resting[one.record.name] = (edition, one.due)


def awake(state: MemoryState, edition: str) -> Awake:
    """See `reconciler.ports.Ledger.awake`."""
    pending = {state.runs[key].root for key in state.pending}
    known = {name: record for name, record in sorted(state.roots.items()) if not is_blank(record)}
    due = {
        name: at
        for name, (by, at) in sorted(state.resting.items())
        if edition and by == edition and name in known and name not in pending
    }
    return Awake(
        {name: record for name, record in known.items() if name not in due},
        {name: record for name, record in known.items() if name in due and record.listens},
        due,
    )


def disturb(state: MemoryState, batch: Batch) -> None:
    """Before `batch` is stored: nothing rests that it changes."""
    for name, record in batch.roots.items():
        if record is not state.roots.get(name, RootRecord(name)):
            state.resting.pop(name, None)
    if batch.project.suspended != state.project.suspended:
        state.resting.clear()
