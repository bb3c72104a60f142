"""Gives away what is below a folder, in pieces: a file as it is, a folder as an archive. It trusts nothing there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from reconciler import archive
from reconciler.backends import below
from reconciler.backends.below import Entry, Nothing

__all__ = ["content", "member"]


def content(folder: Path, entry: Entry) -> Iterator[bytes]:
    """A file as it is, a folder as a tar archive with names from the folder on.

    Raises:
        Nothing: it went away.
    """
    if entry.kind == "file":
        with below.opened(folder, entry.path) as (handle, now):
            if now.kind == "file":
                yield from below.pieces(handle, entry.size)
        return
    for one in below.entries(folder, entry.path):
        if one.kind in {"file", "folder"}:
            yield from member(folder, one, one.path.removeprefix(f"{entry.path}/"))
    yield archive.END


def member(folder: Path, entry: Entry, name: str) -> Iterator[bytes]:
    """A file or folder as the member `name` of an archive; nothing where it went away.

    A file that was cut meanwhile is filled up, as its head has said its size.
    """
    if entry.kind == "folder":
        yield archive.head(name, entry.modified, size=None)
        return
    try:
        with below.opened(folder, entry.path) as (handle, now):
            if now.kind != "file":
                return
            yield archive.head(name, entry.modified, size=now.size, executable=entry.executable)
            left = now.size
            for piece in below.pieces(handle, now.size):
                left -= len(piece)
                yield piece
            yield b"\0" * left + archive.filling(now.size)
    except Nothing:
        return
