"""The code of a run: trees of the repository, exported once, copied for each replica.

The cache is keyed by content, so nothing in it is ever stale, and nothing in it is ever handed to a run: a run gets
a copy that it may change. This module must never write outside of the working folder that it is given.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Protocol

import anyio
import anyio.to_thread

from planner.model.gang import CodeTree
from reconciler.errors import Refused

__all__ = ["Trees", "check", "fetch", "place"]


class Trees(Protocol):
    """Where code comes from."""

    async def export(self, tree: CodeTree, dest: Path) -> None:
        """Write the content of `tree.object_id`, without `tree.exclude`, to `dest`.

        Law: `dest` does not exist before; after it is a folder for a tree and a file for a blob. Executable bits
        are kept. Symlinks that stay inside the tree are kept, others and submodules left out.

        Raises:
            Transient: the objects cannot be read now.
            Refused: they never can.
        """
        ...


def check(trees: Sequence[CodeTree]) -> None:
    """Refuse targets that lead out of the working folder.

    Raises:
        Refused: one does.
    """
    for tree in trees:
        target = PurePosixPath(tree.target)
        if target.is_absolute() or ".." in target.parts:
            raise Refused(f"code target {tree.target!r} leads out of the working folder")


async def fetch(trees: Trees, wanted: Sequence[CodeTree], cache: Path) -> tuple[Path, ...]:
    """The exported content of each tree, from the cache or made now."""
    return tuple([await _cached(trees, tree, cache) for tree in wanted])


async def _cached(trees: Trees, tree: CodeTree, cache: Path) -> Path:
    # An id of git is of the bytes: how a file is to be written is not in it.
    content = (tree.object_id, f"{tree.is_file:d}{tree.executable:d}", *sorted(tree.exclude))
    digest = hashlib.sha256("\0".join(content).encode()).hexdigest()[:40]
    entry = cache / digest
    if not _in_use(entry):
        await _export(trees, tree, entry)
    return entry / "content"


def _in_use(entry: Path) -> bool:
    """Whether it is there; if so, it is noted that it is used now (`reconciler.backends.machine.trimming`)."""
    try:
        os.utime(entry)
    except FileNotFoundError:
        return False
    return True


async def _export(trees: Trees, tree: CodeTree, entry: Path) -> None:
    fresh = entry.with_name(f".{entry.name}.{os.urandom(6).hex()}")
    await anyio.to_thread.run_sync(fresh.mkdir, 0o700)
    try:
        await trees.export(tree, fresh / "content")
        await anyio.to_thread.run_sync(_protect, fresh)
        await anyio.to_thread.run_sync(_publish, fresh, entry)
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(lambda: shutil.rmtree(fresh, ignore_errors=True))


def _protect(fresh: Path) -> None:
    """No file of the cache can be written. Folders can, so that the cache can be emptied by whoever owns it."""
    for folder, _, files in os.walk(fresh):
        for name in files:
            path = Path(folder, name)
            if not path.is_symlink():
                path.chmod(0o500 if path.stat().st_mode & stat.S_IXUSR else 0o400)


def _publish(fresh: Path, entry: Path) -> None:
    try:
        fresh.rename(entry)
    except OSError:
        if not entry.exists():
            raise  # else another export of the same content was first


def place(content: Path, tree: CodeTree, work: Path) -> None:
    """Copy exported content to where `tree` says, below `work`.

    Raises:
        Refused: the place is taken or leads out of the working folder.
    """
    target = work / tree.target
    if content.is_file() and not tree.target:
        target = work / PurePosixPath(tree.source).name
    if not target.resolve().is_relative_to(work.resolve()):
        raise Refused(f"code target {tree.target!r} leads out of the working folder")
    try:
        if content.is_dir():
            target.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.copytree(content, target, symlinks=True, copy_function=_copy, dirs_exist_ok=True)
        else:
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _copy(str(content), str(target))
    except (shutil.Error, FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise Refused(f"code target {tree.target!r} overlaps with another one") from error


def _copy(source: str, target: str) -> str:
    """Copy a file without its protection: a run may change what is its own."""
    place = Path(target)
    if place.is_symlink():
        place.unlink()
    shutil.copyfile(source, target)
    place.chmod(0o700 if Path(source).stat().st_mode & stat.S_IXUSR else 0o600)
    return target
