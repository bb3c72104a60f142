"""Abilities of backends beside the port: letting go of what is kept of runs that are over, and taking it back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Protocol, runtime_checkable

from planner.keys import Key
from planner.model.artifacts import Artifact
from reconciler.ports_backend import Order

__all__ = ["Dropper", "Keeper", "Restorer", "Settler"]


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


@runtime_checkable
class Restorer(Protocol):
    """A backend that runs read each other's artifacts of, and that can take them back from a copy."""

    async def missing(self, order: Order) -> Sequence[str]:
        """Names of the folders of other runs that `order` reads and that are not here, each once."""
        ...

    async def restore(
        self, name: str, entries: Sequence[Artifact], pieces: Callable[[Artifact], AsyncIterator[bytes]]
    ) -> None:
        """Have the run folder `name` hold `entries` under its outputs, each file with the content that `pieces` gives.

        Law: it appears whole or not at all, and one that is there already stays as it is.

        Raises:
            Transient: the disk said no, or whatever `pieces` raises.
        """
        ...


@runtime_checkable
class Settler(Protocol):
    """A backend whose logs are somewhere else while an attempt is there, and can change or go with it."""

    async def settle_log(self, key: Key) -> None:
        """Have the log of attempt `key`, which is over, be whole where it stays. Twice is once.

        Raises:
            Transient: it cannot be read now.
        """
        ...


@runtime_checkable
class Dropper(Protocol):
    """A backend that can let go of artifacts of which there is a copy, while it keeps the rest of a run."""

    async def let_go(self, run: Key, *, remove: bool) -> int:
        """Remove the artifacts of `run`, of which there is a copy; the bytes that are, or would be, free.

        Law: what the copy cannot have stays, and then nothing is removed. Twice is once.
        """
        ...
