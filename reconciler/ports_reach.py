"""An ability of backends beside the port: to lead to a service that does not answer on this machine itself."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from planner.keys import Key

__all__ = ["Reach", "Reaching", "Stream"]


class Stream(Protocol):
    """A connection, as anyio has them: what is sent waits until the other side takes it."""

    async def receive(self) -> bytes:
        """Some bytes, as soon as there are any.

        Raises:
            anyio.EndOfStream: nothing more comes.
            anyio.BrokenResourceError: the connection was cut.
        """
        ...

    async def send(self, item: bytes, /) -> None:
        """Send all of `item`.

        Raises:
            anyio.BrokenResourceError: the connection was cut.
        """
        ...

    async def send_eof(self) -> None:
        """Say that nothing more is sent; what comes can still be received."""
        ...

    async def aclose(self) -> None:
        """Let go of it."""
        ...


class Reach(Protocol):
    """The ways to services."""

    async def outside(self, key: Key) -> str:
        """URL at which the service of an attempt is reached from outside; "" where it has none.

        Raises:
            Transient: that cannot be told now.
            Refused: the configuration or a right is missing.
        """
        ...

    async def connect(self, key: Key, port: int) -> Stream:
        """A connection to a program of an attempt that is ready, on a port that its spec declares.

        Raises:
            Transient: none is ready, or it does not answer.
            Refused: the configuration or a right is missing.
        """
        ...


@runtime_checkable
class Reaching(Protocol):
    """A backend whose services are reached through it."""

    @property
    def reach(self) -> Reach:
        """The ways."""
        ...
