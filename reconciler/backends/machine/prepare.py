"""What `init` puts into a working folder before the program starts: files, and artifacts of other runs.

It works in the folder of an attempt that nobody has had yet, so a crash leaves nothing half made. What it copies was
left by programs, so it is read without following a link (`below`); what it writes never replaces anything. It reads
nothing but the folders of runs: what else is on the machine, a program can read itself, as its own user.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from planner.canon import Json
from reconciler.backends import below
from reconciler.backends.below import Entry, Nothing
from reconciler.backends.machine.dockerfile import dockerfile
from reconciler.backends.machine.modes import changed
from reconciler.backends.machine.own import artifacts_of
from reconciler.errors import Refused

__all__ = ["kept", "place", "sources"]

_HANDLERS = frozenset({"file", "dockerfile", "paths", "artifacts", "tensorboard"})


@dataclass(frozen=True, slots=True)
class _Copy:
    """One thing to copy: from where, to where below the entry's folder, what it must be, and how it is called."""

    source: str
    target: str
    kind: str
    called: str


def place(entries: Sequence[Json], work: Path, runs: Path) -> None:
    """Do what `entries` of `init` say, in their order, in the fresh working folder `work`.

    Raises:
        Refused: one cannot be done; the message names it.
    """
    for index, entry in enumerate(entries):
        if isinstance(entry, Mapping) and entry.keys() <= {"git", "connection", "path"}:
            continue  # what is cloned is code, and in its place already
        if not isinstance(entry, Mapping) or not _HANDLERS & entry.keys():
            raise Refused(f"init[{index}]: the local backend cannot do this")
        folder = _inside(work, str(entry.get("path") or ""), f"init[{index}].path")
        for name, text, mode in _written(entry):
            _write(work, _inside(folder, name, "init file"), [text.encode()], mode)
        for copy in _copies(entry):
            _copy(copy, (work, folder), runs)
        for shown, name in _shown(entry.get("tensorboard")):
            _link(work, _inside(folder, f"tensorboard/{name}", "init tensorboard"), runs / shown)


def kept(entries: Sequence[Json]) -> Iterator[tuple[str, bytes, int]]:
    """Files that `init` writes, which are kept with the outputs of a run: name, content and mode."""
    for entry in entries:
        if isinstance(entry, Mapping) and "file" in entry:
            for name, text, mode in _written(entry):
                if (own := PurePosixPath(name).name) not in {"", ".."}:  # `place` says what is wrong with those
                    yield own, text.encode(), mode


def sources(entries: object, runs: Path) -> Iterator[str]:
    """Names of the run folders that `init` copies from; what cannot be read as one is for `place` to refuse."""
    for entry in entries if isinstance(entries, list | tuple) else ():
        if isinstance(entry, Mapping):
            with contextlib.suppress(Refused):
                for copy in _copies(entry):
                    yield _found(copy, runs)[0].parent.name
            yield from (run for run, _ in _shown(entry.get("tensorboard")))


def _shown(said: object) -> Iterator[tuple[str, str]]:
    """The run folders that a TensorBoard shows, and how each is called."""
    runs = said.get("runs") if isinstance(said, Mapping) else None
    for pair in runs if isinstance(runs, list | tuple) else ():
        yield str(pair[0]), str(pair[1])


def _link(work: Path, target: Path, home: Path) -> None:
    """A way to what a run left, and leaves while it runs: the program follows it as its own user."""
    with _new(work, target):
        target.symlink_to(artifacts_of(home) / "outputs")


def _written(entry: Mapping[str, Any]) -> Iterator[tuple[str, str, int]]:
    said = entry.get("file")
    if isinstance(said, Mapping):
        try:
            mode = changed(0o600, str(said.get("chmod") or ""))
        except ValueError as error:
            raise Refused(f"init file: {error}") from None
        yield str(said.get("filename") or "file"), str(said.get("content", "")), mode
    said = entry.get("dockerfile")
    if isinstance(said, Mapping):
        yield str(said.get("filename") or "Dockerfile"), dockerfile(said), 0o600


def _copies(entry: Mapping[str, Any]) -> Iterator[_Copy]:
    lists = {"paths": entry.get("paths"), **_lists(entry.get("artifacts"))}
    for name, listed in lists.items():
        values = listed if isinstance(listed, list | tuple) else [] if listed is None else [listed]
        kind = {"artifacts.files": "file", "artifacts.dirs": "folder"}.get(name, "")
        for index, value in enumerate(values):
            pair = value if isinstance(value, list | tuple) else (value, PurePosixPath(str(value)).name)
            yield _Copy(str(pair[0]), str(pair[1]), kind, f"init {name}[{index}]")


def _lists(said: object) -> dict[str, Any]:
    if not isinstance(said, Mapping):
        return {}
    return {f"artifacts.{name}": said.get(name) for name in ("files", "dirs")}


def _copy(copy: _Copy, where: tuple[Path, Path], runs: Path) -> None:
    work, folder = where
    root, path = _found(copy, runs)
    try:
        with below.opened(root, path) as (_, entry):
            _check(copy, entry)
    except Nothing:
        raise Refused(f"{copy.called}: {copy.source} does not exist") from None
    target = _inside(folder, copy.target, copy.called)
    if entry.kind == "file":
        _copy_file(root, entry, work, target)
        return
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    for one in below.entries(root, path):
        inner = target / one.path.removeprefix(f"{path}/")
        if one.kind == "folder":
            inner.mkdir(mode=0o700, exist_ok=True)
        elif one.kind == "file":
            _copy_file(root, one, work, inner)


def _check(copy: _Copy, entry: Entry) -> None:
    if copy.kind and copy.kind != entry.kind:
        raise Refused(f"{copy.called}: {copy.source} is a {entry.kind}, and a {copy.kind} is wanted")


def _found(copy: _Copy, runs: Path) -> tuple[Path, str]:
    """The artifacts folder of a run that a path leads into, and the rest of the path."""
    path = PurePosixPath(copy.source)
    if path.is_absolute():
        try:
            path = path.relative_to(runs)
        except ValueError:
            why = "is in no run's folder; a program can read it where it is"
            raise Refused(f"{copy.called}: {copy.source} {why}") from None
    run, *rest = path.parts or ("",)
    if not run or run.startswith(".") or ".." in rest:
        raise Refused(f"{copy.called}: {copy.source!r} is no path into a run's folder")
    if rest[:1] == ["artifacts"]:
        rest = rest[1:]
    return artifacts_of(runs / run), "/".join(rest)


def _copy_file(root: Path, entry: Entry, work: Path, target: Path) -> None:
    try:
        with below.opened(root, entry.path) as (handle, now):
            if now.kind == "file":
                _write(work, target, below.pieces(handle, now.size), 0o700 if now.executable else 0o600)
    except Nothing:
        raise Refused(f"init: {entry.path} went away while it was copied") from None


def _write(work: Path, target: Path, pieces: Iterator[bytes] | Sequence[bytes], mode: int) -> None:
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
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not target.parent.resolve().is_relative_to(work.resolve()):
        raise Refused(f"init: {target.relative_to(work)} leads out of the working folder")
    try:
        yield
    except FileExistsError:
        raise Refused(f"init: {target.relative_to(work)} is there already: give it another place") from None


def _inside(folder: Path, path: str, called: str) -> Path:
    parts = PurePosixPath(path).parts
    if path.startswith("/") or ".." in parts or "\0" in path:
        raise Refused(f"{called}: {path!r} leads out of the working folder: write it relative, without `..`")
    return folder.joinpath(*parts)
