"""One at a time for a claim, over all daemons of this machine: a lock on its folder, which ends with its holder."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import AsyncIterator
from pathlib import Path

import anyio

__all__ = ["turn"]

EACH = 0.02
"""Seconds between two tries."""


@contextlib.asynccontextmanager
async def turn(folder: Path, patience: float) -> AsyncIterator[bool]:
    """Hold the lock of a claim; false where somebody else held it for `patience` seconds, and then it is not held."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with anyio.move_on_after(patience):
            while not _taken(handle):  # noqa: ASYNC110 -- another process may hold it
                await anyio.sleep(EACH)
        yield _taken(handle)
    finally:
        os.close(handle)


def _taken(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
