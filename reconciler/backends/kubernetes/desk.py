"""What pods are answered with, and where what they bring is kept: files of this machine, by attempt.

Decides nothing about who may ask. What it must never do: keep a piece that leaves a gap, or read what a pod named.
"""

from __future__ import annotations

import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import anyio.to_thread

from planner.model.gang import CodeTree
from reconciler.backends import code
from reconciler.backends.code import Trees
from reconciler.errors import Transient

__all__ = ["Desk"]

T = TypeVar("T")

MOST_METRICS = 64 << 20
METRICS, OUTPUT = "metrics", "output"


class Desk:
    """Archives of code by content, and what attempts left by the name of their object."""

    def __init__(self, folder: Path, trees: Trees) -> None:
        """Touches nothing.

        Args:
            folder: of the backend, on this machine.
            trees: where code comes from.
        """
        self._trees = trees
        self._cache = folder / "trees"
        self._left = folder / "left"

    async def code(self, tree: CodeTree) -> Path:
        """See `reconciler.ports_pods.Desk.code`. Made once, and then a file like any other."""
        await self._thread(lambda: self._cache.mkdir(mode=0o700, parents=True, exist_ok=True))
        (content,) = await code.fetch(self._trees, (tree,), self._cache)
        name = Path(tree.target).name or Path(tree.source).name
        archive = content.with_name(f"content-{name}.tar" if tree.is_file else "content.tar")
        if not await self._thread(archive.exists):
            await self._thread(lambda: _archive(content, name, archive))
        return archive

    async def take_metrics(self, name: str, offset: int, data: bytes) -> int:
        """Append to the metrics of an attempt; see `reconciler.ports_pods.Desk.take_metrics`."""
        return await self._thread(lambda: _append(self._left / name / METRICS, offset, data))

    async def take_end(self, name: str, output: bytes) -> None:
        """Keep the output file of an attempt, unless it is kept."""
        await self._thread(lambda: _once(self._left / name / OUTPUT, output))

    async def output(self, name: str) -> bytes | None:
        """The output file of an attempt; None where nobody brought it."""
        return await self._thread(lambda: _read(self._left / name / OUTPUT))

    def metrics(self, name: str) -> Path:
        """The metrics of an attempt, as far as they were brought."""
        return self._left / name / METRICS

    async def forget(self, name: str) -> None:
        """Remove what an attempt left. Twice is once."""
        await self._thread(lambda: shutil.rmtree(self._left / name, ignore_errors=True))

    @staticmethod
    async def _thread(work: Callable[[], T]) -> T:
        try:
            return await anyio.to_thread.run_sync(work)
        except OSError as error:
            raise Transient(f"what pods bring cannot be kept: {error.strerror or error}") from error


def _archive(content: Path, name: str, archive: Path) -> None:
    """A folder with what is below it, a file by its name."""
    fresh = archive.with_name(f".{archive.name}.{os.urandom(6).hex()}")
    try:
        with tarfile.open(fresh, "w", format=tarfile.PAX_FORMAT) as made:
            if content.is_file():
                made.add(content, name, filter=_plain)
            else:
                for path in sorted(content.iterdir()):
                    made.add(path, path.name, filter=_plain)
        fresh.replace(archive)
    finally:
        fresh.unlink(missing_ok=True)


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Nothing of this machine: no owner, no time, one of two modes."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mtime = 0
    member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
    return member


def _append(path: Path, offset: int, data: bytes) -> int:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        size = os.fstat(fd).st_size
        if offset > size:
            return size
        fresh = data[size - offset :][: max(0, MOST_METRICS - size)]
        written = os.pwrite(fd, fresh, size) if fresh else 0
        return size + written
    finally:
        os.close(fd)


def _once(path: Path, data: bytes) -> None:
    if path.exists():
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.urandom(6).hex()}")
    fresh.write_bytes(data)
    fresh.replace(path)


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
