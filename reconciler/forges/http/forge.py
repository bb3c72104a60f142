"""A forge with an API: statuses and pull requests over one client. Adds nothing to its parts but that they are one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Protocol

from planner.model.commits import StatusRecord
from planner.model.pulls import Comment, Pull
from planner.outbox import Budget
from planner.render.budget import Limit
from reconciler.ports import Forge, Taken
from reconciler.ports_checked import Finding, Wanted
from reconciler.ports_checks import Checks
from reconciler.ports_merge_queue import MergeQueue
from reconciler.ports_pulls import Pulls
from reconciler.ports_remarks import Remarks

__all__ = ["HttpForge"]


class _Closable(Protocol):
    async def close(self) -> None: ...


class _Statuses(Forge, _Closable, Protocol):
    """A forge that holds connections."""


class HttpForge:
    """`Forge`, `Pulls` and `Checked`; `also` is closed with it.

    Attributes:
        checks: puts checks, where it may.
        queue: its merge queue, where it may have one.
        checked: tells what opens it, and whether that will do.
    """

    def __init__(
        self, statuses: _Statuses, pulls: Pulls, also: _Closable | None = None, remarks: Remarks | None = None
    ) -> None:
        self._statuses = statuses
        self._pulls = pulls
        self._also = also
        self.remarks = remarks
        self.checks: Checks | None = None
        self.queue: MergeQueue | None = None
        self.checked: Callable[[Wanted], Awaitable[Sequence[Finding]]] | None = None

    @property
    def budget(self) -> Budget | None:
        """See `Forge.budget`."""
        return self._statuses.budget

    async def put(self, statuses: Sequence[StatusRecord]) -> Taken:
        """See `Forge.put`."""
        return await self._statuses.put(statuses)

    async def spoke_of(self, commits: Sequence[str], context: str) -> bool:
        """See `Forge.spoke_of`."""
        return await self._statuses.spoke_of(commits, context)

    async def intact(self) -> bool:
        """See `Forge.intact`."""
        return await self._statuses.intact()

    async def lost(self, said: Sequence[StatusRecord]) -> Sequence[StatusRecord]:
        """See `Forge.lost`."""
        return await self._statuses.lost(said)

    @property
    def limit(self) -> Limit:
        """See `Pulls.limit`."""
        return self._pulls.limit

    async def pulls(self, base: str, known: Collection[str]) -> Sequence[Pull]:
        """See `Pulls.pulls`."""
        return await self._pulls.pulls(base, known)

    def ident(self, comment: Comment) -> str:
        """See `Pulls.ident`."""
        return self._pulls.ident(comment)

    async def put_comment(self, comment: Comment) -> str:
        """See `Pulls.put_comment`."""
        return await self._pulls.put_comment(comment)

    async def find_comment(self, pull: str, marker: str) -> str:
        """See `Pulls.find_comment`."""
        return await self._pulls.find_comment(pull, marker)

    async def check(self, wanted: Wanted) -> Sequence[Finding]:
        """See `Checked.check`; nothing where it cannot be asked."""
        return await self.checked(wanted) if self.checked is not None else ()

    async def close(self) -> None:
        """Let go of connections."""
        await self._statuses.close()
        if self._also is not None:
            await self._also.close()
