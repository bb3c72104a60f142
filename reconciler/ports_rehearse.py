"""An ability of backends beside the port: to say what would become of an order, without anything being made."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from planner.model.plan import Rehearsed
from reconciler.ports_backend import Order

__all__ = ["Rehearsal", "Rehearsing"]


class Rehearsal(Protocol):
    """Asks as if."""

    async def of(self, order: Order) -> Rehearsed:
        """What would become of `order`.

        Law: nothing is made, changed or kept, here or there.

        Raises:
            Transient: that cannot be asked now.
        """
        ...


@runtime_checkable
class Rehearsing(Protocol):
    """A backend whose surroundings can be asked."""

    @property
    def rehearsal(self) -> Rehearsal:
        """Who asks."""
        ...
