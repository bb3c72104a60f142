"""Copies of other repositories that nothing uses any more: which they are, and their removal.

When a copy was used last is the time of its lock file. One that has gathered very many commits goes as well, as git
gives no part of it back: what is wanted of it then is fetched anew.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import anyio.to_thread

from reconciler.errors import Transient
from reconciler.source import hold

__all__ = ["old", "removed"]

_MOST_COMMITS = 1000


def old(clones: Path, before: datetime) -> Iterator[Path]:
    """Copies below `clones` that may go."""
    try:
        folders = list(clones.iterdir())
    except FileNotFoundError:
        return
    for folder in folders:
        try:
            used = (folder / "git.lock").stat().st_mtime
        except OSError:
            continue
        if used < before.timestamp() or _commits(folder) > _MOST_COMMITS:
            yield folder


def _commits(folder: Path) -> int:
    refs = folder / "mirror.git"
    try:
        packed = (refs / "packed-refs").read_bytes().count(b" refs/plumbline/clones/")
    except OSError:
        packed = 0
    return packed + sum(len(files) for _, _, files in os.walk(refs / "refs/plumbline/clones"))


async def removed(folder: Path) -> bool:
    """Remove a copy that nobody of this process uses; False while git of a daemon that was killed still does.

    Raises:
        Transient: it cannot be removed whole.
    """
    try:
        held = await hold.take(folder / "git.lock", 0)
    except Transient:
        return False
    try:
        left = await anyio.to_thread.run_sync(_remove, folder)
    finally:
        os.close(held)
    if left:
        raise Transient(f"{folder} cannot be removed whole")
    return True


def _remove(folder: Path) -> bool:
    shutil.rmtree(folder, ignore_errors=True)
    return folder.exists()
