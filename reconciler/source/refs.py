"""Refs: which names are allowed, and what a repository on this machine has them point to, without a process.

Reading a loose ref or `packed-refs` costs microseconds where git costs milliseconds, and an idle poll is nothing
else. What this module cannot read (reftable) it says so, and git is asked. It never writes.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

__all__ = ["GitDir", "Reader", "UnreadableError", "check_component_path", "check_id", "check_ref", "is_id", "locate"]

_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f ~^:?*\[\\]|\.\.|@\{|//")
_SYMBOLIC_DEPTH = 5


class UnreadableError(Exception):
    """This repository keeps its refs in a form that only git reads."""


@dataclass(frozen=True, slots=True)
class GitDir:
    """Where a repository keeps its things.

    Attributes:
        own: holds HEAD; a worktree's own folder.
        common: holds refs, packed-refs and objects.
    """

    own: Path
    common: Path


def is_id(text: str) -> bool:
    """Whether `text` is a full object id: 40 or 64 lower-case hex digits."""
    return _ID.fullmatch(text) is not None


def check_id(text: str) -> str:
    """`text`, when it is a full object id.

    Raises:
        ValueError: it is not 40 or 64 lower-case hex digits.
    """
    if not is_id(text):
        raise ValueError(f"not a full object id: {text[:80]!r}")
    return text


def check_ref(name: str) -> str:
    """`name`, when git takes it as a full ref name (the rules of git-check-ref-format).

    Raises:
        ValueError: it is not a valid ref below `refs/`.
    """
    if not name.startswith("refs/"):
        raise ValueError(f"not a full ref name: {name[:80]!r}")
    check_component_path(name)
    return name


def check_component_path(name: str) -> str:
    """`name`, when it may stand below a ref prefix, such as `main` or `feature/x`.

    Raises:
        ValueError: git would not take it as part of a ref name.
    """
    parts = name.split("/")
    bad_part = any(not part or part.startswith(".") or part.endswith(".lock") for part in parts)
    if bad_part or name.endswith(".") or name == "@" or len(name) > 1000 or _FORBIDDEN.search(name):
        raise ValueError(f"not a valid ref name: {name[:80]!r}")
    return name


def locate(path: Path) -> GitDir | None:
    """The folders of the repository at `path` (bare, `.git` folder, or worktree); None when there is none.

    Raises:
        OSError: that cannot be told: a folder may not be entered, a name is too long, a disk or file server fails.
    """
    if _is_git_dir(path):
        own = path
    elif (path / ".git").is_dir():
        own = path / ".git"
    else:
        pointed = _first_line(path / ".git")
        if not pointed.startswith("gitdir: "):
            return None
        own = _real(path / pointed.removeprefix("gitdir: "))
    common = _first_line(own / "commondir")
    shared = _real(own / common) if common else own
    return GitDir(own, shared) if _is_git_dir(shared) else None


class Reader:
    """Reads refs of one repository, and remembers what `packed-refs` said as long as that file is the same."""

    def __init__(self, place: GitDir) -> None:
        self.place = place
        self._packed: tuple[tuple[int, int, int], dict[str, str]] | None = None

    def read(self, ref: str) -> str | None:
        """The id that `ref` (or `HEAD`) names; None when it does not exist.

        Raises:
            UnreadableError: only git can tell.
            OSError: a file cannot be read.
        """
        name = ref
        for _ in range(_SYMBOLIC_DEPTH):
            text = self._loose(name)
            if text is None:
                return self._in_packed(name)
            if not text.startswith("ref: "):
                return self._id_of(text)
            name = _target(text)
        raise UnreadableError

    def _loose(self, name: str) -> str | None:
        folder = self.place.own if name == "HEAD" else self.place.common
        if (self.place.common / "reftable").is_dir():
            raise UnreadableError
        try:
            return (folder / name).read_text("utf-8", "replace").strip()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None

    def _id_of(self, text: str) -> str:
        if not _ID.fullmatch(text):
            raise UnreadableError
        return text

    def _in_packed(self, name: str) -> str | None:
        file = self.place.common / "packed-refs"
        try:
            state = file.stat()
        except FileNotFoundError:
            return None
        stamp = (state.st_mtime_ns, state.st_size, state.st_ino)
        if self._packed is None or self._packed[0] != stamp:
            self._packed = (stamp, _parse_packed(file.read_bytes(), name))
        elif name not in self._packed[1]:
            self._packed[1].update(_parse_packed(file.read_bytes(), name))
        return self._packed[1][name] or None


def _target(text: str) -> str:
    """The ref that a symbolic one names; what git would not take (reftable puts such a name in HEAD) is for git."""
    try:
        return check_ref(text.removeprefix("ref: ").strip())
    except ValueError:
        raise UnreadableError from None


def _parse_packed(data: bytes, name: str) -> dict[str, str]:
    """`name` and its id in the text of a packed-refs file; "" when it is not there."""
    found = re.search(rb"^([0-9a-f]{40,64}) " + re.escape(name.encode()) + rb"$", data, re.MULTILINE)
    return {name: found[1].decode() if found else ""}


def _is_git_dir(path: Path) -> bool:
    return (path / "HEAD").is_file() and (path / "objects").is_dir() and (path / "refs").is_dir()


def _first_line(file: Path) -> str:
    """The first line of a file that names a folder; "" when there is no such file, or no name in it."""
    try:
        line = file.read_text("utf-8", "surrogateescape").split("\n", 1)[0].strip()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return ""
    return "" if "\0" in line else line


def _real(path: Path) -> Path:
    """`path` without symlinks. Not `Path.resolve`: it has an exception of its own for symlinks in a circle."""
    return Path(os.path.realpath(path))
