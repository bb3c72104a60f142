"""Notices of the ledger in memory."""

from __future__ import annotations

from collections.abc import Sequence

from planner.model.notices import Notice
from reconciler.ledger.batch import Batch
from reconciler.ledger.state import MemoryState

__all__ = ["owe", "unsent"]


def owe(state: MemoryState, batch: Batch) -> None:
    """Keep what is owed, each once for good, and let go of what was delivered."""
    for ident, notice in batch.notices.items():
        if ident not in state.notices:
            state.notices[ident] = notice
            state.unsent[ident] = None
    for ident in batch.delivered:
        state.unsent.pop(ident, None)


def unsent(state: MemoryState, limit: int) -> Sequence[Notice]:
    """Of each connection the `limit` oldest notices that are owed."""
    by_connection: dict[str, list[Notice]] = {}
    for ident in state.unsent:
        notice = state.notices[ident]
        by_connection.setdefault(notice.connection, []).append(notice)
    return [notice for _, owed in sorted(by_connection.items()) for notice in owed[: max(limit, 0)]]
