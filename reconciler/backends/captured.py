"""Reads captured output: the file before the last and the last, and what is appended while somebody follows.

Lines matter for `tail` only; otherwise output is bytes. Rotation is noticed by the file's identity. A follower that
is slower than two rotations misses what was dropped.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio

__all__ = ["Follower", "open_logs", "stream"]

CHUNK = 1 << 16
FOLLOW = 0.1  # seconds between looks at a log that is followed


class Follower:
    """One replica's output, from `tail` lines before the end, or from its beginning."""

    def __init__(self, path: Path, tail: int | None) -> None:
        self._path = path
        # Both are opened now, so that a rotation takes nothing of what was there.
        self._fds = [fd for fd in (_open(path.with_name(f"{path.name}.1")), _open(path)) if fd is not None]
        if tail is not None:
            _seek_tail(self._fds, tail)

    def read(self) -> bytes:
        """The next chunk; empty when there is none now."""
        while True:
            if not self._fds and not self._open_next():
                return b""
            data = os.read(self._fds[0], CHUNK)
            if data or not self._is_over():
                return data
            os.close(self._fds.pop(0))

    def close(self) -> None:
        """Let go of the open files."""
        while self._fds:
            os.close(self._fds.pop())

    def _open_next(self) -> bool:
        fd = _open(self._path)
        self._fds = [] if fd is None else [fd]
        return fd is not None

    def _is_over(self) -> bool:
        """Whether the open file was read whole and another one goes on."""
        mine = os.fstat(self._fds[0])
        # It may have grown between our last read and its rotation: then there is still something to read.
        if os.lseek(self._fds[0], 0, os.SEEK_CUR) < mine.st_size:
            return False
        if len(self._fds) > 1:
            return True
        try:
            return self._path.stat().st_ino != mine.st_ino
        except FileNotFoundError:
            return False


def _open(path: Path) -> int | None:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None


def _seek_tail(fds: list[int], lines: int) -> None:
    """Move each file to where the last `lines` lines of all begin."""
    left = lines
    for fd in reversed(fds):
        size = os.fstat(fd).st_size
        offset, seen = _line_start(fd, size, left) if left > 0 else (size, 0)
        os.lseek(fd, offset, os.SEEK_SET)
        left -= seen


def _line_start(fd: int, size: int, lines: int) -> tuple[int, int]:
    """Where the last `lines` lines of the first `size` bytes begin, and how many lines there are, up to `lines`."""
    seen = 0
    for start in range((size - 1) // CHUNK * CHUNK, -1, -CHUNK):
        block = os.pread(fd, min(CHUNK, size - 1 - start), start)  # without the last byte, which begins no line
        at = len(block)
        while (at := block.rfind(b"\n", 0, at)) >= 0:
            seen += 1
            if seen == lines:
                return start + at + 1, seen
    return 0, seen + 1 if size else 0


def open_logs(folder: Path, reading: dict[str, Follower], tail: int | None) -> None:
    """Have `reading` follow every log of `folder`, by name, also those that came since."""
    for path in sorted(folder.glob("*.log")):
        if path.stem not in reading:
            reading[path.stem] = Follower(path, tail)


async def stream(
    folder: Path, tail: int | None, over: Callable[[], Awaitable[bool]], thread: Callable[[Callable[[], Any]], Any]
) -> AsyncIterator[bytes]:
    """The captured output in `folder`, until what `over` says was true before all of it was read."""
    reading: dict[str, Follower] = {}
    last = ""
    try:
        while True:
            ended = await over()
            open_logs(folder, reading, tail)
            for name, reader in reading.items():
                while data := await thread(reader.read):
                    if len(reading) > 1 and name != last:
                        yield f"==> {name} <==\n".encode()
                    last = name
                    yield data
            if ended:
                return
            await anyio.sleep(FOLLOW)
    finally:
        for reader in reading.values():
            reader.close()
