"""The cache of exported trees: what nothing has used for long goes.

An entry is used where a run gets its copy of it (`reconciler.backends.code`), which notes the time. Looking and
taking it out of the way is one step of the event loop, as is noting that it is used: nobody gets one that is going.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import anyio.to_thread

from reconciler.backends.machine.folders import trees_cache
from reconciler.backends.machine.removal import remove_tree
from reconciler.disk import sizes
from reconciler.ports_sweep import Trimmed

__all__ = ["TreesCache"]

_GOING = ".going."


class TreesCache:
    """Law of `reconciler.ports_sweep.Cache` for the trees below the folder of the runs."""

    name = "trees"

    def __init__(self, runs: Path) -> None:
        self._folder = trees_cache(runs)

    async def trim(self, before: datetime, *, remove: bool) -> Trimmed:
        """See `Cache.trim`. What an export that was cut off has left goes as well."""
        count = size = 0
        for entry in await anyio.to_thread.run_sync(lambda: list(_entries(self._folder))):
            if not _is_old(entry, before):
                continue
            count += 1
            if remove:
                if (going := _take_away(entry, before)) is not None:
                    await anyio.to_thread.run_sync(remove_tree, going)
            else:
                size += await anyio.to_thread.run_sync(lambda: sum(sizes(entry)))  # noqa: B023 -- awaited here
        return Trimmed(count, size)


def _entries(folder: Path) -> Iterator[Path]:
    try:
        yield from folder.iterdir()
    except FileNotFoundError:
        return


def _is_old(entry: Path, before: datetime) -> bool:
    try:
        return entry.lstat().st_mtime < before.timestamp()
    except FileNotFoundError:
        return False


def _take_away(entry: Path, before: datetime) -> Path | None:
    """Rename an entry that is still old, so that nobody finds it; None where it was used meanwhile."""
    if not _is_old(entry, before):
        return None
    if entry.name.startswith(_GOING):
        return entry
    going = entry.with_name(f"{_GOING}{os.urandom(6).hex()}")
    try:
        entry.rename(going)
    except FileNotFoundError:
        return None
    return going
