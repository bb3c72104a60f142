"""An ability of backends beside the port: to answer the agent in a run's pod, and to take what it brings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol, runtime_checkable

from planner.keys import Key
from planner.model.gang import CodeTree
from reconciler.ports_backend import Order

__all__ = ["Brought", "Desk", "Part", "Wanted"]


class Part(StrEnum):
    """What an agent may ask for beside code.

    `init`: an entry of `init`, below the working folder. `earlier`: what the run has left already, below its folder of
    artifacts. `runs`: what its program reads of another run, below the folder of all runs.
    """

    INIT = "init"
    OWN = "earlier"
    RUNS = "runs"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an agent asks for, by its place in the order: the first is 0."""

    part: Part
    number: int = 0


@dataclass(frozen=True, slots=True)
class Brought:
    """A file that a run left.

    Attributes:
        path: below its `outputs`.
        modified: when it was last written, in seconds since the epoch.
        executable: whether its owner may execute it.
    """

    path: str
    modified: float
    executable: bool = False


@runtime_checkable
class Desk(Protocol):
    """A backend whose pods ask the daemon."""

    def attempt_of(self, token: str) -> Key | None:
        """The attempt whose token this is; None for one that we never made."""
        ...

    async def place(self) -> str:
        """A name of where what pods bring is kept. Another place has nothing of what was brought here.

        Raises:
            Transient: the disk says no.
        """
        ...

    async def code(self, tree: CodeTree) -> Path:
        """A tar archive of code as a run is to have it, below the place where it wants it.

        Raises:
            Transient: it cannot be read now.
            Refused: it never can.
        """
        ...

    async def bring(self, order: Order, wanted: Wanted) -> AsyncIterator[bytes]:
        """A tar archive of something that is to be in place before the program of an order starts.

        Law: it is what the order names and nothing else; where it breaks off, its end is missing.

        Raises:
            Transient: it cannot be read now.
            Refused: it never can, or the order has nothing of that number.
        """
        ...

    async def take_metrics(self, key: Key, offset: int, data: bytes, of: str = "") -> int:
        """Append to the metrics of an attempt what begins at `offset`; how many bytes of them there are now.

        With `of` it is the file of events of that metric, as the tracking library of Polyaxon writes it.

        Law: what was taken before is left out, and what leaves a gap is not taken.
        """
        ...

    async def take_artifact(self, key: Key, brought: Brought, pieces: AsyncIterator[bytes]) -> None:
        """Keep a file that the run of an attempt left.

        Law: it is there whole or not at all; a later one of its path takes its place.

        Raises:
            Transient: the disk says no.
            Refused: it has no place there.
        """
        ...

    async def take_activity(self, key: Key, at: float | None) -> None:
        """Note that a service was in use at `at`, in seconds since the epoch; None where it could not be asked."""
        ...

    async def take_end(self, key: Key, output: bytes) -> None:
        """Keep the output file of an attempt that is over. Twice is once."""
        ...
