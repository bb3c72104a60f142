"""The port of backends: where attempts run, and what they leave. The laws of all ports stand in `ports`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from planner.canon import Json
from planner.keys import Key
from planner.model.artifacts import Artifact
from planner.model.metric import Metric, Progress
from planner.model.run import BoundRun, Leases, Snapshot, Stamp

__all__ = ["Backend", "Content", "Ensured", "Order"]


class Ensured(StrEnum):
    """What `ensure` found and did."""

    CREATED = "created"
    CORRECTED = "corrected"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Order:
    """What `ensure` is to make: attempt `key` of `run`, with what it holds and whose it is."""

    key: Key
    run: BoundRun
    leases: Leases
    stamp: Stamp


@dataclass(frozen=True, slots=True)
class Content:
    """An artifact that is read.

    Attributes:
        kind: `file`, or `folder` for a tar archive of it.
        size: bytes of a file; None for a folder.
        pieces: of the file, or of the archive; fewer bytes than `size` where it was cut meanwhile.
    """

    kind: str
    size: int | None
    pieces: AsyncIterator[bytes]


class Backend(Protocol):
    """Where attempts run. One object per attempt key, ever."""

    async def ensure(self, order: Order) -> Ensured:
        """Make the object of `order.key`, or leave it as it is when it was ever made or its key was stopped.

        Law: of any number of calls with one key, also from two processes and across crashes, at most one starts
        a program. A call after `stop` of the same key starts nothing. Returns when the object is durable.

        Raises:
            Refused: it can never run here, or ran before and was forgotten since; the message says why.
            Transient: it could not be made now.
        """
        ...

    async def stop(self, key: Key, grace: float) -> None:
        """Begin to end attempt `key`: TERM, `grace` seconds, KILL, over its whole process tree.

        Law: returns when the request is durable, not when it ended. A key that was never made is made as
        stopped, so that a late `ensure` starts nothing. Its end is seen by `observe` as ended.
        """
        ...

    def knows(self, order: Order) -> Mapping[str, Json]:
        """What templates may ask of `globals` that only this backend knows: ports, base_url, artifact paths."""
        ...

    async def clean(self, key: Key) -> None:
        """Forget an ended attempt: `observe` no longer lists it. Its name stays taken; logs and outputs stay."""
        ...

    async def observe(self, keys: Collection[Key] | None = None) -> Snapshot:
        """Look at attempts `keys`, or at all that are not cleaned.

        Raises:
            Transient: it could not look whole; a partial answer is never given.
        """
        ...

    def changes(self) -> AsyncIterator[Key]:
        """Keys of attempts that may have changed; hints, which may be lost, doubled or out of order."""
        ...

    def logs(self, key: Key, *, follow: bool = False, tail: int | None = None) -> AsyncIterator[bytes]:
        """Captured output of attempt `key`, in chunks; with `follow` until it ended."""
        ...

    def metrics(self, key: Key) -> AsyncIterator[Sequence[Metric]]:
        """What attempt `key` wrote of metrics so far, in pieces, each replica's in its order; bad lines left out."""
        ...

    async def progress(self, keys: Collection[Key]) -> Mapping[Key, Mapping[str, Progress]]:
        """What attempts `keys`, which run, have reported of metrics so far; those that have reported nothing left out.

        Law: it costs next to nothing for an attempt that has reported nothing since the last call, and then its value
        is the same object. What is not asked for any more is forgotten. A large file may be told of some calls later.

        Raises:
            Transient: it cannot be looked at now.
        """
        ...

    async def artifacts(self, key: Key, path: str = "") -> Sequence[Artifact]:
        """What is at `path` below the outputs of the run of attempt `key`: a file, or all that is below a folder.

        Raises:
            Refused: there is nothing.
        """
        ...

    async def artifact(self, key: Key, path: str) -> Content:
        """The content at `path` below the outputs of the run of attempt `key`.

        Raises:
            Refused: there is nothing.
        """
        ...

    async def close(self) -> None:
        """Let go of watches and connections. What runs goes on."""
        ...
