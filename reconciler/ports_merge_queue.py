"""Merge queues: an ability that some forges have. One Protocol; an entry is a `planner.model.pulls.Pull` of its own.

Nothing here plans, fetches or queues: which commits a queue waits for is all that is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from planner.model.pulls import Pull

__all__ = ["MergeQueue"]


@runtime_checkable
class MergeQueue(Protocol):
    """The merge queue of a branch, where it has one."""

    async def entries(self, base: str) -> Sequence[Pull] | None:
        """What waits to be merged into branch `base`, each with the commit that would be merged.

        None where the forge has no queue, or does not show it: nothing follows from that for what was in one.

        Law: the head of an entry is a merge already, which the forge made. Its number is `QUEUED` and more, and stays
        the same as long as the entry does, but where the forge makes another entry of the same pull request. An entry
        that has no commit yet is left out.

        Raises:
            Transient: not now. `after` says how long the forge wants to be left alone.
            Refused: a person must change something first; the message says what.
        """
        ...
