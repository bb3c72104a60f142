"""Reads what a program left in a folder, which may be made to lead us elsewhere: symlinks, pipes, names with dots.

Every step goes by a descriptor and follows no symlink, so nothing outside of the folder is ever read, whatever is
renamed meanwhile. It never writes.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

__all__ = ["Entry", "Nothing", "entries", "opened", "parts_of", "pieces"]

_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
PIECE = 1 << 18


class Nothing(Exception):  # noqa: N818 -- it is no error of ours: what was asked for is not there
    """There is no such file or folder below; the text says what there is."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, folder or other thing.

    Attributes:
        path: from the folder that was asked for; "" for itself.
        kind: `file`, `folder`, `link` or `other`; only files and folders can be read.
        size: bytes of a file.
        modified: seconds since 1970.
        executable: whether its owner may execute it.
    """

    path: str
    kind: str
    size: int
    modified: float
    executable: bool = False


def parts_of(path: str) -> tuple[str, ...]:
    """The names that a relative path goes by.

    Raises:
        Nothing: it leads out, or cannot name anything.
    """
    parts = PurePosixPath(path).parts
    if path.startswith("/") or ".." in parts or "\0" in path:
        raise Nothing(f"{path!r} is no path below the folder")
    return parts


@contextlib.contextmanager
def opened(root: Path, path: str) -> Iterator[tuple[int, Entry]]:
    """A descriptor of the file or folder at `path` below `root`, and what it is.

    Raises:
        Nothing: there is none, or it is neither.
    """
    handle = -1
    try:
        handle = os.open(root, _FLAGS | os.O_DIRECTORY)
        for name in parts_of(path):
            outer, handle = handle, -1
            try:
                handle = os.open(name, _FLAGS, dir_fd=outer)
            finally:
                os.close(outer)
        entry = _entry(path, os.fstat(handle))
        if entry.kind not in {"file", "folder"}:
            raise Nothing(f"{path!r} is neither a file nor a folder")
        yield handle, entry
    except OSError as error:
        raise Nothing(f"{path!r} does not exist" if path else "there is no such folder") from error
    finally:
        if handle >= 0:
            os.close(handle)


def entries(root: Path, path: str = "", *, most: int = 100_000) -> Iterator[Entry]:
    """What is below `path`, each folder before what is in it, by name; at most `most` of them.

    Raises:
        Nothing: it is no folder.
    """
    with opened(root, path) as (_, entry):
        if entry.kind != "folder":
            raise Nothing(f"{path!r} is no folder")
    todo, left = [path], most
    while todo:
        inside = _inside(root, todo.pop(), left)
        left -= len(inside)
        yield from (entry for entry in inside if entry.kind != "folder")
        folders = [entry for entry in inside if entry.kind == "folder"]
        yield from folders
        todo += [entry.path for entry in reversed(folders)]


def _inside(root: Path, path: str, most: int) -> list[Entry]:
    """What is directly in a folder; nothing where it went away or may not be read."""
    found: list[Entry] = []
    with contextlib.suppress(Nothing, OSError), opened(root, path) as (handle, _), os.scandir(handle) as listed:
        for one in listed:
            if len(found) >= most:
                break
            with contextlib.suppress(OSError, UnicodeEncodeError):
                one.name.encode()  # what is no text cannot be asked for
                name = f"{path}/{one.name}" if path else one.name
                found.append(_entry(name, one.stat(follow_symlinks=False)))
    return sorted(found, key=lambda entry: entry.path)


def _entry(path: str, facts: os.stat_result) -> Entry:
    mode = facts.st_mode
    regular = stat.S_ISREG(mode)
    kind = "file" if regular else "folder" if stat.S_ISDIR(mode) else "link" if stat.S_ISLNK(mode) else "other"
    return Entry(path, kind, facts.st_size if regular else 0, facts.st_mtime, bool(mode & stat.S_IXUSR))


def pieces(handle: int, size: int) -> Iterator[bytes]:
    """The first `size` bytes of an open file, or fewer where it was cut meanwhile."""
    while size > 0:
        piece = os.read(handle, min(size, PIECE))
        if not piece:
            return
        size -= len(piece)
        yield piece
