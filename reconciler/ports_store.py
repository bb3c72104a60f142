"""The port of stores: where copies of artifacts are kept. The laws of all ports stand in `ports`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

__all__ = ["Store"]


class Store(Protocol):
    """Files by path, such as `default/4f2a91c0/train-g1/outputs/model.bin`, in a place that outlives the machine."""

    @property
    def url(self) -> str:
        """Where it is, as the configuration says it: without options, which may be secret."""
        ...

    async def write(self, path: str, pieces: AsyncIterator[bytes]) -> None:
        """Have the file at `path` be exactly `pieces`, whatever was there.

        Law: when it returns, the file is whole. Where it was cut off, there may be none, an older or a part of one.

        Raises:
            Transient: not now: unreachable, full, forbidden; the message says what the store said.
        """
        ...

    def read(self, path: str) -> AsyncIterator[bytes]:
        """The file at `path`.

        Raises:
            Refused: there is none.
            Transient: not now.
        """
        ...

    async def remove(self, path: str) -> None:
        """Remove the file, or the folder with all below it, at `path`; nothing there is as good.

        Raises:
            Transient: not now; some of it may be gone.
        """
        ...
