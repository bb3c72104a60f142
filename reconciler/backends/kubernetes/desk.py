"""What pods are answered with, and where what they bring is kept: files of this machine, by attempt.

Decides nothing about who may ask. What it must never do: keep a piece that leaves a gap, or read what a pod named.
"""

from __future__ import annotations

import os
import shutil
import tarfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TypeVar

import anyio
import anyio.to_thread

from planner.keys import Key
from planner.model.artifacts import Artifact, Artifacts
from planner.model.gang import CodeTree
from planner.model.metric import Metric, Progress
from reconciler.backends import below, code, metrics
from reconciler.backends.below import Nothing
from reconciler.backends.code import Trees
from reconciler.backends.kubernetes import layout
from reconciler.backends.machine import artifacts
from reconciler.backends.machine.own import artifacts_of
from reconciler.backends.progress import Gauge, Places, told_by_lines
from reconciler.backends.traced import Traced
from reconciler.disk import sizes
from reconciler.errors import Refused, Transient
from reconciler.ports import Content
from reconciler.ports_pods import Brought

__all__ = ["Desk"]

T = TypeVar("T")

MOST_METRICS = 64 << 20
MOST_EVENTS = 4 << 20
METRICS, OUTPUT, TRACED = "metrics", "output", "traced"
_POINTS = 1000


class Desk:
    """Archives of code by content, and what attempts left by the name of their object."""

    def __init__(self, folder: Path, trees: Trees, cache: Path) -> None:
        """Touches nothing.

        Args:
            folder: where what pods bring is kept.
            trees: where code comes from.
            cache: of exported trees, with their archives.
        """
        self._trees = trees
        self._cache = cache
        self._left = folder
        self._place = ""
        self._names: Mapping[Key, str] = {}
        self._gauge = Gauge(self._places)

    async def place(self) -> str:
        """See `reconciler.ports_pods.Desk.place`: the same for everybody who uses this folder."""
        self._place = self._place or await self._thread(lambda: _named(self._left))
        return self._place

    async def code(self, tree: CodeTree) -> Path:
        """See `reconciler.ports_pods.Desk.code`. Made once, and then a file like any other."""
        await self._thread(lambda: self._cache.mkdir(mode=0o700, parents=True, exist_ok=True))
        (content,) = await code.fetch(self._trees, (tree,), self._cache)
        name = Path(tree.target).name or Path(tree.source).name
        archive = content.with_name(f"content-{name}.tar" if tree.is_file else "content.tar")
        if not await self._thread(archive.exists):
            await self._thread(lambda: _archive(content, name, archive))
        return archive

    async def take_metrics(self, name: str, offset: int, data: bytes, of: str = "") -> int:
        """Append to the metrics of an attempt; see `reconciler.ports_pods.Desk.take_metrics`."""
        home = self._left / name
        if not of:
            return await self._thread(lambda: _append(home / METRICS, offset, data, MOST_METRICS))
        path = self._traced(name).place_of(of)
        if path is None:
            raise Refused(f"{of!r} names no metric")
        return await self._thread(lambda: _append(path, offset, data, MOST_EVENTS))

    async def take_end(self, name: str, output: bytes) -> None:
        """Keep the output file of an attempt, unless it is kept."""
        await self._thread(lambda: _once(self._left / name / OUTPUT, output))

    async def output(self, name: str) -> bytes | None:
        """The output file of an attempt; None where nobody brought it."""
        return await self._thread(lambda: _read(self._left / name / OUTPUT))

    async def take_artifact(self, name: str, brought: Brought, pieces: AsyncIterator[bytes]) -> None:
        """Keep a file that a run left, whole or not at all; a later one takes its place.

        Raises:
            Refused: it has no place there.
        """
        try:
            parts = below.parts_of(brought.path)
        except Nothing as error:
            raise Refused(str(error)) from None
        if not parts:
            raise Refused("an artifact needs a name")
        home = self._left / name
        fresh = await self._thread(lambda: _fresh(home))
        try:
            async for piece in pieces:
                await self._thread(lambda piece=piece: _more(fresh, piece))  # type: ignore[misc]
            await self._thread(lambda: _settled(fresh, artifacts_of(home).joinpath("outputs", *parts), brought))
        finally:
            with anyio.CancelScope(shield=True):
                await self._thread(lambda: fresh.unlink(missing_ok=True))

    async def taken(self, name: str, attempt: int) -> Artifacts:
        """The summary of what a run had left when its attempt was over, which is noted when it is first asked for."""
        home = self._left / name

        def look() -> Artifacts:
            folder = f"{layout.RUNS}/{artifacts_of(home).parent.name}/artifacts"
            return replace(artifacts.taken(home, attempt), folder=folder)

        return await self._thread(look)

    async def artifacts(self, name: str, attempt: int, path: str) -> Sequence[Artifact]:
        """What a run left at `path`: a file, or all that is below a folder; digests are of the end of an attempt.

        Raises:
            Refused: there is nothing.
        """
        try:
            return await self._thread(lambda: artifacts.listed(self._left / name, attempt, path))
        except Nothing as error:
            raise Refused(f"the run has no such artifact: {error}") from None

    async def artifact(self, name: str, path: str) -> Content:
        """The content at `path`.

        Raises:
            Refused: there is nothing.
        """
        home = self._left / name
        try:
            entry = await self._thread(lambda: artifacts.kept_at(home, path))
        except Nothing as error:
            raise Refused(f"the run has no such artifact: {error}") from None
        left = artifacts.content(home, entry)

        async def read() -> AsyncIterator[bytes]:
            while (piece := await self._thread(lambda: next(left, None))) is not None:
                yield piece

        return Content(entry.kind, entry.size if entry.kind == "file" else None, read())

    async def points(self, name: str, *, ended: bool) -> AsyncIterator[Sequence[Metric]]:
        """The metrics of an attempt, in pieces."""
        file = await self._thread(lambda: metrics.opened(self._left / name / METRICS))
        if file is not None:
            with file:
                found = metrics.points(file, ended=ended)
                while piece := await self._thread(lambda: list(islice(found, _POINTS))):
                    yield [point for point in piece if point is not None]
        traced = self._traced(name).points()
        while more := await self._thread(lambda: list(islice(traced, _POINTS))):
            yield more

    async def progress(self, names: Mapping[Key, str]) -> Mapping[Key, Mapping[str, Progress]]:
        """What attempts have reported so far, as far as it was brought; `names` are those of their objects."""
        self._names = names
        return await self._thread(lambda: self._gauge.look(names))

    def _places(self, key: Key) -> Places:
        name = self._names[key]
        return self._traced(name).places([told_by_lines(str(self._left / name / METRICS))])

    def _traced(self, name: str) -> Traced:
        """What came of the tracking library of Polyaxon, which is of this attempt alone."""
        return Traced(self._left / name / TRACED, 0.0)

    async def weigh(self, name: str) -> int:
        """Bytes of what is kept under a name."""
        return await self._thread(lambda: sum(sizes(self._left / name)))

    async def forget(self, name: str) -> None:
        """Remove what an attempt left. Twice is once."""
        await self._thread(lambda: shutil.rmtree(self._left / name, ignore_errors=True))

    @staticmethod
    async def _thread(work: Callable[[], T]) -> T:
        try:
            return await anyio.to_thread.run_sync(work)
        except OSError as error:
            raise Transient(f"what pods bring cannot be kept: {error.strerror or error}") from error


def _named(folder: Path) -> str:
    """The name of the folder, given at its first use; no attempt's object has a name with a dot."""
    path = folder / ".place"
    _once(path, os.urandom(8).hex().encode())
    return path.read_text(errors="replace")


def _fresh(folder: Path) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = folder / f".{os.urandom(6).hex()}"
    fresh.touch(mode=0o600)
    return fresh


def _more(fresh: Path, piece: bytes) -> None:
    with fresh.open("ab") as file:
        file.write(piece)


def _settled(fresh: Path, path: Path, brought: Brought) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh.chmod(0o700 if brought.executable else 0o600)
        os.utime(fresh, (brought.modified, brought.modified))
        fresh.replace(path)
    except (NotADirectoryError, IsADirectoryError, FileExistsError) as error:
        raise Refused(f"{brought.path} is where the run has left something else") from error


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


def _append(path: Path, offset: int, data: bytes, most: int) -> int:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        size = os.fstat(fd).st_size
        if offset > size:
            return size
        fresh = data[size - offset :][: max(0, most - size)]
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
