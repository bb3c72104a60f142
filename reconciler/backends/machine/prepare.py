"""Puts what `init` says into a working folder before the program starts (`inits` has what that is).

It works in the folder of an attempt that nobody has had yet, so a crash leaves nothing half made. What it copies was
left by programs, so it is read without following a link (`below`); what it writes never replaces anything.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from planner.canon import Json
from reconciler.backends import below
from reconciler.backends.below import Entry, Nothing
from reconciler.backends.machine.inits import Put, puts
from reconciler.backends.machine.own import Runs
from reconciler.errors import Refused

__all__ = ["place"]


def place(entries: Sequence[Json], work: Path, runs: Path) -> None:
    """Do what `entries` of `init` say, in their order, in the fresh working folder `work`.

    Raises:
        Refused: one cannot be done; the message names it.
    """
    for put in puts(entries, Runs(runs), "the local backend"):
        target = work / put.target
        if put.kind == "folder":
            _folder(work, target)
        elif put.root is None:
            _write(work, target, [put.text], put.mode)
        elif put.entry is None:
            _link(work, target, put.root)
        else:
            _copy(work, put, put.root, put.entry)


def _link(work: Path, target: Path, artifacts: Path) -> None:
    """A way to what a run left, and leaves while it runs: the program follows it as its own user."""
    with _new(work, target):
        target.symlink_to(artifacts / "outputs")


def _copy(work: Path, put: Put, root: Path, entry: Entry) -> None:
    try:
        with below.opened(root, entry.path) as (handle, now):
            if now.kind == "file":
                _write(work, work / put.target, below.pieces(handle, now.size), 0o700 if now.executable else 0o600)
    except Nothing:
        raise Refused(f"init: {entry.path} went away while it was copied") from None


def _write(work: Path, target: Path, pieces: Iterable[bytes], mode: int) -> None:
    with _new(work, target):
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        for piece in pieces:
            file.write(piece)
        os.fchmod(file.fileno(), mode)


@contextlib.contextmanager
def _new(work: Path, target: Path) -> Iterator[None]:
    """Where `target` is made: in its folder below `work`, and where nothing is yet.

    Raises:
        Refused: it leads out, or something is there.
    """
    _folder(work, target.parent)
    if not target.parent.resolve().is_relative_to(work.resolve()):
        raise Refused(f"init: {target.relative_to(work)} leads out of the working folder")
    try:
        yield
    except FileExistsError:
        raise _taken(work, target) from None


def _folder(work: Path, folder: Path) -> None:
    """Make a folder below `work`, unless there is one.

    Raises:
        Refused: something else is there, or on the way to it.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        there = next((one for one in (folder, *folder.parents) if one.is_symlink() or one.is_file()), folder)
        raise _taken(work, there) from None


def _taken(work: Path, target: Path) -> Refused:
    return Refused(f"init: {target.relative_to(work)} is there already: give it another place")
