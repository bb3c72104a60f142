"""Forges without an outside: one that remembers, for tests, and one that says nothing."""

from __future__ import annotations

from collections.abc import Sequence

from planner.model.commits import StatusRecord

__all__ = ["MemoryForge", "SilentForge"]


class MemoryForge:
    """Keeps what was said, by commit and context, and every word in order."""

    def __init__(self) -> None:
        self.said: dict[tuple[str, str], StatusRecord] = {}
        self.history: list[StatusRecord] = []

    async def put(self, statuses: Sequence[StatusRecord]) -> None:
        """See `Forge.put`."""
        for status in statuses:
            before = self.said.get((status.commit, status.context))
            if before is None or (before.state, before.description) != (status.state, status.description):
                self.history.append(status)
            self.said[(status.commit, status.context)] = status

    async def intact(self) -> bool:
        """See `Forge.intact`."""
        return all((status.commit, status.context) in self.said for status in self.history)


class SilentForge:
    """For `forge: none`: takes everything and says nothing."""

    async def put(self, statuses: Sequence[StatusRecord]) -> None:
        """See `Forge.put`."""

    async def intact(self) -> bool:
        """See `Forge.intact`."""
        return True
