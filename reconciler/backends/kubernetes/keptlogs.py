"""Logs of pods that are gone: files of this machine, named and cut as the local backend's are, and read like those.

A log is kept whole or not at all, before its pod goes. What it must never do: keep less because it is late.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import anyio
import anyio.to_thread

from reconciler.backends.kubernetes.podlogs import PodLog
from reconciler.disk import sizes
from reconciler.errors import Transient

__all__ = ["KeptLogs"]

T = TypeVar("T")

LOG_MOST = 64 << 20


class KeptLogs:
    """The folder of logs."""

    def __init__(self, root: Path, most: int = LOG_MOST) -> None:
        """Touches nothing.

        Args:
            root: holds a folder for each attempt.
            most: bytes at which a log is cut, with as many before them in a second file.
        """
        self._root = root
        self._most = most

    def folder(self, name: str) -> Path:
        """Of the attempt whose main object has this name."""
        return self._root / name

    async def has(self, name: str) -> bool:
        """Whether the logs of an attempt are kept."""
        return await self._thread(self.folder(name).is_dir)

    async def keep(self, name: str, logs: Sequence[PodLog]) -> None:
        """Have the logs of an attempt kept. Twice is once.

        Raises:
            Transient: one cannot be read now, or the disk says no.
        """
        if await self.has(name):
            return
        draft = self._root / f".{name}.{os.urandom(6).hex()}"
        await self._thread(lambda: draft.mkdir(mode=0o700, parents=True))
        try:
            for log in logs:
                path = draft / f"{log.pod}.log"
                async for piece in log.pieces(tail=None, over=_over):
                    await self._thread(lambda path=path, piece=piece: self._append(path, piece))  # type: ignore[misc]
            await self._thread(lambda: _appear(draft, self.folder(name)))
        finally:
            with anyio.CancelScope(shield=True):
                await self._thread(lambda: shutil.rmtree(draft, ignore_errors=True))

    async def forget(self, name: str) -> None:
        """Remove the logs of an attempt. Twice is once."""
        await self._thread(lambda: shutil.rmtree(self.folder(name), ignore_errors=True))

    async def weigh(self, name: str) -> int:
        """Bytes of them."""
        return await self._thread(lambda: sum(sizes(self.folder(name))))

    def _append(self, path: Path, piece: bytes) -> None:
        if path.exists() and path.stat().st_size + len(piece) > self._most:
            path.replace(path.with_name(f"{path.name}.1"))
        with path.open("ab") as file:
            file.write(piece)

    @staticmethod
    async def _thread(work: Callable[[], T]) -> T:
        try:
            return await anyio.to_thread.run_sync(work)
        except OSError as error:
            raise Transient(f"logs cannot be kept: {error.strerror or error}") from error


def _appear(draft: Path, folder: Path) -> None:
    try:
        draft.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise  # else somebody who kept it at the same time was first


async def _over() -> bool:
    return True
