"""What programs wrote: from the engine while it has their containers, from files of ours once they are gone.

The engine keeps output and cuts it at a size; before a container is removed, what there is of it is kept beside the
state, so that it can be read as long as the run is known.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from reconciler.backends.captured import Follower, stream
from reconciler.backends.engine.client import Denied, Engine, Question
from reconciler.backends.engine.driving import Driving
from reconciler.backends.engine.replica import Replica
from reconciler.backends.engine.status import Box, Stage
from reconciler.errors import Transient

__all__ = ["Output", "Unframed"]

EACH = 0.1
"""Seconds between looks for a container that is not there yet."""
_HEAD = 8
_STDERR = 2
_BUFFER = 1 << 18


class Unframed:
    """Takes out of the engine's frames what a program wrote: eight bytes with stream and length before each piece."""

    def __init__(self) -> None:
        self._head = b""
        self._left = 0

    def read(self, piece: bytes) -> bytes:
        """What is in `piece`, however frames are cut into pieces.

        Raises:
            Transient: no frame begins where one should. Podman says so, in JSON, that a container has just gone.
        """
        found = []
        while piece:
            if not self._left:
                wanted = _HEAD - len(self._head)
                self._head, piece = self._head + piece[:wanted], piece[wanted:]
                if len(self._head) == _HEAD:
                    if self._head[0] > _STDERR or any(self._head[1:4]):
                        raise Transient("the engine broke off what a container wrote")
                    self._left, self._head = int.from_bytes(self._head[4:], "big"), b""
                continue
            found.append(piece[: self._left])
            taken = len(found[-1])
            self._left, piece = self._left - taken, piece[taken:]
        return b"".join(found)


class Output:
    """Output of the containers of one engine."""

    def __init__(self, engine: Engine, driving: Driving, cap: int) -> None:
        """`cap`: bytes that are kept of a container that goes."""
        self._engine = engine
        self._driving = driving
        self._cap = cap

    async def pieces(
        self, replica: Replica, *, follow: bool, tail: int | None, over: Callable[[], Awaitable[bool]]
    ) -> AsyncIterator[bytes]:
        """What a replica wrote so far, or with `follow` until it ends.

        A container may go while it is read. Its output was kept before: reading goes on there, after what was given.

        Args:
            replica: whose.
            follow: whether to wait for more, and for its start.
            tail: lines before the end to begin with; None for all.
            over: whether nothing more comes of the attempt.

        Raises:
            Transient: the engine is away, or the last lines were cut off.
        """
        given = 0
        try:
            async for piece in self._of_container(replica, follow=follow, tail=tail, over=over):
                given += len(piece)
                yield piece
        except _GoneError:
            pass
        except Transient:
            # Of the last lines nobody knows which were given. An engine stumbles over containers that it is removing.
            if (given and tail is not None) or not await asyncio.to_thread(Path(replica.record["log"]).exists):
                raise
        else:
            return
        async for piece in _kept(Path(replica.record["log"]), tail):
            yield piece[given:]
            given = max(0, given - len(piece))

    async def keep(self, replica: Replica, box: Box) -> None:
        """Write what the engine has of a container that goes; of one that is gone, what was kept of it stays.

        Raises:
            Transient: the engine is away.
            OSError: the disk says no.
        """
        path = Path(replica.record["log"])
        fresh = path.with_suffix(".part")
        with fresh.open("wb", _BUFFER) as file, contextlib.suppress(_GoneError):
            async for piece in self._read(box, tail=None, follow=False):
                if file.tell() + len(piece) > self._cap:
                    await asyncio.to_thread(file.write, b"\n... the rest was over the limit of logMegabytes\n")
                    break
                await asyncio.to_thread(file.write, piece)
        await asyncio.to_thread(_settle, fresh, path)

    async def kept(self, folder: Path, tail: int | None) -> AsyncIterator[bytes]:
        """What was kept of the containers of an attempt."""

        async def over() -> bool:
            return True

        def thread(work: Callable[[], Any]) -> Awaitable[Any]:
            return anyio.to_thread.run_sync(work)

        async for piece in stream(folder, tail, over, thread):
            yield piece

    async def _of_container(
        self, replica: Replica, *, follow: bool, tail: int | None, over: Callable[[], Awaitable[bool]]
    ) -> AsyncIterator[bytes]:
        """What the engine has.

        Raises:
            _GoneError: it has nothing, and nothing will come.
            Transient: it is away, or cannot say.
        """
        while True:
            ended = not follow or await over()
            box = await self._driving.look(replica.called)
            if box is not None and box.has_run:
                async for piece in self._read(box, tail=tail, follow=not ended):
                    yield piece
                return
            if ended:
                raise _GoneError
            await anyio.sleep(EACH)

    async def _read(self, box: Box, *, tail: int | None, follow: bool) -> AsyncIterator[bytes]:
        query = {
            "stdout": "true",
            "stderr": "true",
            "follow": "true" if follow and box.stage is Stage.RUNNING else "false",
            "tail": "all" if tail is None else str(tail),
        }
        frames = Unframed()
        try:
            async with self._engine.stream(Question(f"/containers/{box.id}/logs", query=query)) as pieces:
                async for piece in pieces:
                    if said := frames.read(piece):
                        yield said
        except Denied as error:
            if error.absent:
                raise _GoneError from None
            raise error.settled("its output cannot be read") from None


class _GoneError(Exception):
    """No container has the output."""


def _settle(fresh: Path, path: Path) -> None:
    """Have what was read be what is kept; nothing is what is read of a container that went, and replaces nothing."""
    if path.exists() and not fresh.stat().st_size:
        fresh.unlink()
        return
    fresh.chmod(0o600)
    fresh.replace(path)


async def _kept(path: Path, tail: int | None) -> AsyncIterator[bytes]:
    """What was kept of one container."""
    reader = await asyncio.to_thread(Follower, path, tail)
    try:
        while piece := await asyncio.to_thread(reader.read):
            yield piece
    finally:
        reader.close()
