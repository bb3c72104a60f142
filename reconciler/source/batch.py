"""A long-lived `git cat-file` as the store of objects: one process for many reads, started when first needed.

Reading over its pipes costs microseconds an object where a process of its own costs milliseconds. It serves one
caller at a time; ending it from outside makes that caller's read fail, and the next read starts a new one.
Everything it returns was hashed and matches its id.
"""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from reconciler.errors import Refused
from reconciler.source.git import LateError, Leash, dispose, signal_group
from reconciler.source.objects import DamagedError, MissingError, Object, algorithm_of

__all__ = ["Batch"]

# All requests of one round fit into the pipe, so that neither side waits for the other.
_ROUND = 128
_LARGEST = 512 << 20
_CHUNK = 256 << 10


@dataclass(slots=True)
class Batch:
    """Objects of the repository at `git_dir`."""

    leash: Leash
    git_dir: Path
    _one: threading.Lock = field(default_factory=threading.Lock)
    _process: subprocess.Popen[bytes] | None = None
    _ended: bool = False

    def read(self, ids: Sequence[str]) -> Mapping[str, Object]:
        """All of `ids`, checked; laws of `objects.Store`."""
        found = self.find(ids)
        if missing := [name for name in ids if name not in found]:
            raise MissingError(missing[0])
        return found

    def find(self, names: Sequence[str]) -> Mapping[str, Object]:
        """Those of `names` that exist; a name is an id, a full ref, or `id:path` (no spaces)."""
        found: dict[str, Object] = {}
        with self._one:
            for name, head in self._ask("contents", names):
                if head is not None:
                    found[name] = self._take_object(name, head)
        return found

    def sizes(self, ids: Sequence[str]) -> Mapping[str, int]:
        """Bytes of all of `ids`; laws of `objects.Store`."""
        with self._one:
            heads = dict(self._ask("info", ids))
        sizes = {name: head.size for name, head in heads.items() if head is not None}
        if missing := [name for name in ids if name not in sizes]:
            raise MissingError(missing[0])
        return sizes

    def copy(self, ids: Sequence[str], take: Callable[[str, int, IO[bytes]], None]) -> None:
        """Hand each of `ids` to `take`; laws of `objects.Store`."""
        with self._one:
            try:
                for name, head in self._ask("contents", ids, size=1):
                    self._pass_on(name, head, take)
            except BaseException:
                self._drop()  # what is left in the pipe belongs to nobody
                raise

    def _pass_on(self, name: str, head: _Head | None, take: Callable[[str, int, IO[bytes]], None]) -> None:
        if head is None:
            raise MissingError(name)
        stream = _Checked(self._stdout, head)
        take(name, head.size, stream)  # type: ignore[arg-type]  # reads are all it is used for
        stream.finish()
        self._read_exactly(1)

    def end(self) -> None:
        """Make a read in progress fail soon; callable from any thread."""
        self._ended = True
        signal_group(self._process, signal.SIGKILL)

    def close(self) -> None:
        """Let go of the process; the next read starts another."""
        with self._one:
            self._drop()

    def _ask(self, command: str, names: Sequence[str], size: int = _ROUND) -> Iterator[tuple[str, _Head | None]]:
        for start in range(0, len(names), size):
            part = names[start : start + size]
            lines = "".join(f"{command} {name}\n" for name in part)
            self._send(f"{lines}flush\n".encode())
            for name in part:
                yield name, self._take_head(name)
        self._drain()

    def _send(self, data: bytes) -> None:
        process = self._running()
        assert process.stdin is not None
        try:
            process.stdin.write(data)
            process.stdin.flush()
        except BrokenPipeError:
            raise self._broken() from None

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is not None:
            self._drop()
        if self._process is None:
            self._ended = False
            arguments = [f"--git-dir={self.git_dir}", "cat-file", "--batch-command", "--buffer"]
            self._process = self.leash.start(arguments)
            assert self._process.stderr is not None
            os.set_blocking(self._process.stderr.fileno(), False)
        return self._process

    @property
    def _stdout(self) -> IO[bytes]:
        assert self._process is not None
        assert self._process.stdout is not None
        return self._process.stdout

    def _take_head(self, name: str) -> _Head | None:
        line = self._stdout.readline()
        if not line.endswith(b"\n"):
            raise self._broken()
        words = line.decode("utf-8", "replace").split()
        if len(words) == 3 and words[2].isdigit():
            return _Head(words[0], words[1], int(words[2]))
        if words and words[-1] in {"missing", "ambiguous", "excluded"}:
            return None
        self._drop()
        raise DamagedError(f"git answered in an unknown form for {name}")

    def _take_object(self, name: str, head: _Head) -> Object:
        if head.size > _LARGEST:
            self._drop()
            raise Refused(f"object {name} has more than {_LARGEST >> 20} MiB")
        data = self._read_exactly(head.size)
        self._read_exactly(1)
        check = head.hasher()
        check.update(data)
        if check.hexdigest() != head.id:
            self._drop()
            raise DamagedError(f"object {head.id} does not match its id")
        return Object(head.id, head.type, data)

    def _read_exactly(self, size: int) -> bytes:
        data = self._stdout.read(size)
        if len(data) < size:
            raise self._broken()
        return data

    def _broken(self) -> Exception:
        """Why the process went away in the middle of an answer."""
        said = self._drain()
        ended = self._ended
        self._drop()
        return LateError("ended") if ended else DamagedError(said or "git cat-file went away")

    def _drain(self) -> str:
        """Empty standard error, or the process would stop when that pipe is full; gives its end."""
        if self._process is None or self._process.stderr is None:
            return ""
        said = b""
        while data := self._process.stderr.read(_CHUNK):
            said = data
        return said.decode("utf-8", "replace").strip()[-500:]

    def _drop(self) -> None:
        if self._process is not None:
            dispose(self._process)
            self._process = None


@dataclass(frozen=True, slots=True)
class _Head:
    id: str
    type: str
    size: int

    def hasher(self) -> hashlib._Hash:
        made = hashlib.new(algorithm_of(self.id), usedforsecurity=False)
        made.update(f"{self.type} {self.size}\0".encode())
        return made


class _Checked:
    """A stream of exactly one object, which hashes what passes."""

    def __init__(self, stream: IO[bytes], head: _Head) -> None:
        self._stream = stream
        self._head = head
        self._left = head.size
        self._hash = head.hasher()

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes of the object."""
        wanted = self._left if size < 0 else min(size, self._left)
        data = self._stream.read(wanted) if wanted else b""
        if len(data) < wanted:
            raise DamagedError(f"object {self._head.id} ends early")
        self._left -= len(data)
        self._hash.update(data)
        return data

    def finish(self) -> None:
        """Check that all was read and matches.

        Raises:
            DamagedError: it does not.
        """
        while self._left:
            self.read(min(self._left, _CHUNK))
        if self._hash.hexdigest() != self._head.id:
            raise DamagedError(f"object {self._head.id} does not match its id")
