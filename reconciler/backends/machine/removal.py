"""Removes what a program left: a tree of any depth, made by somebody who may have tried to lead us elsewhere.

It works by descriptors and follows no symlink, so nothing outside of the tree is ever touched, and it goes down one
level at a time: what lies deeper is first moved up, so that neither the stack nor the open files grow with the depth.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

__all__ = ["remove_tree"]

_FOLDER = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def remove_tree(path: Path) -> None:
    """Remove the folder `path` with all below it, as far as the system lets us; never fails.

    Nothing may work in it any more. A symlink at `path` stays.
    """
    with contextlib.suppress(OSError), _opened(str(path), None) as top:
        todo = _empty(top, top)
        while todo:
            name = todo.pop()
            with contextlib.suppress(OSError):
                with _opened(name, top) as folder:
                    todo += _empty(folder, top)
                os.rmdir(name, dir_fd=top)
        path.rmdir()


def _empty(folder: int, top: int) -> list[str]:
    """Remove the files of `folder` and have its folders in `top`; returns their names there."""
    below = []
    for entry in list(os.scandir(folder)):
        with contextlib.suppress(OSError):
            if entry.is_dir(follow_symlinks=False):
                below.append(entry.name if folder == top else _moved(entry.name, folder, top))
            else:
                os.unlink(entry.name, dir_fd=folder)
    return below


def _moved(name: str, folder: int, top: int) -> str:
    fresh = f"{os.urandom(12).hex()}.removed"
    with _opened(name, folder):  # who moves a folder must be allowed to write in it
        os.rename(name, fresh, src_dir_fd=folder, dst_dir_fd=top)
    return fresh


@contextlib.contextmanager
def _opened(name: str, at: int | None) -> Iterator[int]:
    """The folder `name`, made ours to read and write whatever its program made of it."""
    handle = os.open(name, os.O_PATH | _FOLDER, dir_fd=at)
    try:
        os.chmod(f"/proc/self/fd/{handle}", 0o700)  # noqa: PTH101  this very folder, whatever its name leads to now
        folder = os.open(".", os.O_RDONLY | _FOLDER, dir_fd=handle)
    finally:
        os.close(handle)
    try:
        yield folder
    finally:
        os.close(folder)
