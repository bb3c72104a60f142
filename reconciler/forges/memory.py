"""Forges without an outside: one that remembers, for tests, and one that says nothing."""

from __future__ import annotations

from collections.abc import Sequence

from planner.model.commits import StatusRecord
from planner.outbox import Budget
from reconciler.ports import Taken

__all__ = ["MemoryForge", "SilentForge"]


class MemoryForge:
    """Keeps what was said, by commit and context.

    Args:
        said: what is shown; another forge that shows the same may be of an earlier life of the daemon.
    """

    def __init__(self, said: dict[tuple[str, str], StatusRecord] | None = None) -> None:
        self.said = {} if said is None else said
        # What this life said or saw shown.
        self._told: dict[tuple[str, str], StatusRecord] = {}

    @property
    def budget(self) -> Budget | None:
        """See `Forge.budget`."""
        return None

    async def put(self, statuses: Sequence[StatusRecord]) -> Taken:
        """See `Forge.put`: all at once."""
        for status in statuses:
            self.said[(status.commit, status.context)] = status
            self._told[(status.commit, status.context)] = status
        return Taken(tuple(statuses))

    async def spoke_of(self, commits: Sequence[str], context: str) -> bool:
        """See `Forge.spoke_of`."""
        return any((commit, context) in self.said for commit in commits)

    async def intact(self) -> bool:
        """See `Forge.intact`."""
        return all(self.said.get(name) == status for name, status in self._told.items())

    async def lost(self, said: Sequence[StatusRecord]) -> Sequence[StatusRecord]:
        """See `Forge.lost`."""
        self._told = dict(self.said)
        shown = {name: (status.state, status.description) for name, status in self.said.items()}
        return [
            status
            for status in said
            if shown.get((status.commit, status.context)) != (status.state, status.description)
        ]


class SilentForge:
    """For `forge: none`: takes everything and says nothing."""

    @property
    def budget(self) -> Budget | None:
        """See `Forge.budget`."""
        return None

    async def put(self, statuses: Sequence[StatusRecord]) -> Taken:
        """See `Forge.put`: all at once."""
        return Taken(tuple(statuses))

    async def spoke_of(self, commits: Sequence[str], context: str) -> bool:  # noqa: ARG002 -- it shows nothing
        """See `Forge.spoke_of`."""
        return False

    async def intact(self) -> bool:
        """See `Forge.intact`."""
        return True

    async def lost(self, said: Sequence[StatusRecord]) -> Sequence[StatusRecord]:  # noqa: ARG002 -- it shows nothing
        """See `Forge.lost`."""
        return []
