"""Tar archives of artifacts, piece by piece: what comes before a member's content, and after it. Reads nothing."""

from __future__ import annotations

import tarfile

__all__ = ["END", "filling", "head", "link"]

END = b"\0" * (2 * tarfile.BLOCKSIZE)
"""What an archive ends with."""


def link(name: str, target: str) -> bytes:
    """A symbolic link to `target`, which is all of this member."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = tarfile.SYMTYPE, target, 0o777
    return info.tobuf(tarfile.PAX_FORMAT)


def head(name: str, modified: float, *, size: int | None, executable: bool = False) -> bytes:
    """The head of a member.

    Args:
        name: of it in the archive.
        modified: when it was last written, in seconds since the epoch.
        size: bytes of a file; None for a folder.
        executable: whether its owner may execute it.
    """
    info = tarfile.TarInfo(name)
    info.mtime, info.mode = int(modified), 0o755 if executable or size is None else 0o644
    if size is None:
        info.type = tarfile.DIRTYPE
    else:
        info.size = size
    return info.tobuf(tarfile.PAX_FORMAT)


def filling(size: int) -> bytes:
    """What follows the content of a file of so many bytes."""
    return b"\0" * (-size % tarfile.BLOCKSIZE)
