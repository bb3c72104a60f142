"""An ability of backends beside the port: letting go of what is kept of runs that are over."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from planner.keys import Key

__all__ = ["Keeper"]


@runtime_checkable
class Keeper(Protocol):
    """A backend that keeps files of runs which are over, and can let go of them."""

    async def forget(self, run: Key, attempts: int, sequence: int) -> None:
        """Remove logs, outputs and artifacts of `run`, whose attempts all ended and were cleaned. Twice is once.

        `sequence` is the ledger's: one that is restored from before it must not start these attempts again.

        Raises:
            Transient: something of it is left.
        """
        ...

    async def weigh(self, run: Key, attempts: int) -> int:
        """Bytes that `forget` would free."""
        ...
