"""The forge: where commits say how it went. One Protocol and its values; abilities beyond are ports of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from planner.model.commits import StatusRecord
from planner.outbox import Budget

__all__ = ["Forge", "Refusal", "Taken"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A status that a forge will never take, though it may take others.

    Attributes:
        status: which.
        reason: what the forge says, for people.
    """

    status: StatusRecord
    reason: str


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a batch. What is in neither list is to be given again.

    Attributes:
        taken: said, and shown.
        refused: never to be given again as it stands.
        after: seconds after which the forge wants the next; None where it does not care.
    """

    taken: tuple[StatusRecord, ...] = ()
    refused: tuple[Refusal, ...] = ()
    after: float | None = None


class Forge(Protocol):
    """Where commits say how it went."""

    @property
    def budget(self) -> Budget | None:
        """How much it is told; None for everything."""
        ...

    async def put(self, statuses: Sequence[StatusRecord]) -> Taken:
        """Say some of `statuses` from the first on: one at least. Saying what is said already changes nothing.

        Law: what needs a request each is said one a call, so that each is recorded before the next.

        Raises:
            Transient: not now; none, some or all may have been said. `after` is how long to wait, where it says so.
            Refused: a person must change something first; the message says what.
        """
        ...

    async def spoke_of(self, commits: Sequence[str], context: str) -> bool:
        """Whether something was said under `context` on one of `commits`, by whatever ledger: asked at first contact.

        Raises:
            Transient, Refused: as `put`.
        """
        ...

    async def intact(self) -> bool:
        """Whether all that this life said, or saw at its last `lost`, must still be there: a cheap look.

        Law: once False, it stays so until `lost` says what is gone. It asks nothing of a server that counts requests.

        Raises:
            Transient, Refused: as `put`.
        """
        ...

    async def lost(self, said: Sequence[StatusRecord]) -> Sequence[StatusRecord]:
        """Those of `said`, which were all taken once, that are not shown any more and could be.

        Raises:
            Transient, Refused: as `put`.
        """
        ...
