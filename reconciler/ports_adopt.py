"""An ability of backends beside the port: to tell what another ledger left under our name, and to remove it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

__all__ = ["Adopting", "Adoption", "Left"]


@dataclass(frozen=True, slots=True)
class Left:
    """An attempt of another ledger.

    Attributes:
        ledger: the id of that ledger; "" where it cannot be read.
        attempt: the key of the attempt; "" likewise.
        place: kind, namespace and name of its object.
        state: `running`, `ended`, `cleaned` (only its name is left) or `ending`.
    """

    ledger: str
    attempt: str
    place: str
    state: str


class Adoption(Protocol):
    """What is there of others."""

    async def left(self) -> Sequence[Left]:
        """All of it, by place.

        Raises:
            Transient: that cannot be told now.
        """
        ...

    async def remove(self, told: Sequence[Left]) -> None:
        """Begin to end and remove those of `told` that are there and still not ours; again is as good as once.

        Law: nothing of our own ledger is touched. Returns before they are gone: `left` says when.

        Raises:
            Transient: not all of it, now.
        """
        ...


@runtime_checkable
class Adopting(Protocol):
    """A backend that others may have left something on."""

    @property
    def adoption(self) -> Adoption:
        """Who looks and removes."""
        ...
