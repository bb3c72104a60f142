"""Saying statuses through an API that takes them one by one: `reconciler.ports.Forge` for every forge with HTTP.

One write a call, so that whoever keeps what was said keeps each before the next: a crash says one thing twice at most.
Reads at first contact only. How one forge spells a status is its `Shape`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from planner.model.commits import StatusRecord
from planner.outbox import Budget
from reconciler.forges.http.answers import Answer, Request
from reconciler.forges.http.client import Client
from reconciler.ports import Refusal, Taken

__all__ = ["HttpStatuses", "Shape"]


class Shape(Protocol):
    """How one forge spells statuses."""

    def status(self, status: StatusRecord) -> Request:
        """The write that says it. `means` has what `refusal` tells apart."""
        ...

    def refusal(self, answer: Answer) -> str:
        """Why this forge will never take this one status, though it may take others; "" where it took it.

        Raises:
            Refused: nothing is taken until a person changes something.
            Transient: it may be taken later.
        """
        ...

    async def shows(self, client: Client, commit: str, context: str) -> bool:
        """Whether a commit has a status of `context`; False for a commit that the forge does not have.

        Raises:
            Transient, Refused: it cannot be asked.
        """
        ...


class HttpStatuses:
    """`Forge` over `client`."""

    def __init__(self, client: Client, shape: Shape, budget: Budget | None) -> None:
        self._client = client
        self._shape = shape
        self._budget = budget

    @property
    def budget(self) -> Budget | None:
        """See `Forge.budget`."""
        return self._budget

    async def put(self, statuses: Sequence[StatusRecord]) -> Taken:
        """See `Forge.put`: the first of them."""
        if not statuses:
            return Taken()
        status = statuses[0]
        refused = self._shape.refusal(await self._client.write(self._shape.status(status)))
        after = max(self._client.bucket.wait, self._client.patience.wait)
        if refused:
            return Taken(refused=(Refusal(status, refused),), after=after)
        return Taken((status,), after=after)

    async def spoke_of(self, commits: Sequence[str], context: str) -> bool:
        """See `Forge.spoke_of`: the newest first, as that is the likeliest."""
        for commit in commits:
            if await self._shape.shows(self._client, commit, context):
                return True
        return False

    async def intact(self) -> bool:
        """See `Forge.intact`: nobody can take a status back, so nothing is asked."""
        return True

    async def lost(self, said: Sequence[StatusRecord]) -> Sequence[StatusRecord]:  # noqa: ARG002 -- nothing gets lost
        """See `Forge.lost`: none."""
        return ()

    async def close(self) -> None:
        """Let go of connections."""
        await self._client.close()
