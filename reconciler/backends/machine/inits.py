"""What entries of `init` say, as a list of what is put into a working folder: files, folders and ways to other runs.

It decides, and writes nothing: whoever makes a folder, or an archive of one, goes by it. What is copied was left by
programs, so it is looked at without following a link (`below`). It names nothing but folders of runs: what else is on
a machine, a program can read itself, as its own user.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from planner.canon import Json
from reconciler.backends import below
from reconciler.backends.below import Entry, Nothing
from reconciler.backends.machine.dockerfile import dockerfile
from reconciler.backends.machine.modes import changed
from reconciler.backends.machine.own import MOST_COPIED, Runs, artifacts_of
from reconciler.errors import Refused

__all__ = ["Put", "is_clone", "kept", "puts", "sources"]

_HANDLERS = frozenset({"file", "dockerfile", "paths", "artifacts", "tensorboard"})


@dataclass(frozen=True, slots=True)
class Put:
    """One thing that is put in place.

    Attributes:
        target: where, below the working folder.
        kind: `file`, `folder`, or `way`: to what a run left, and leaves while it runs.
        text: content of a file that is written.
        root: the folder that a file is copied from; of a way, the artifacts folder of the run.
        entry: the file in `root`.
        mode: of a file.
    """

    target: PurePosixPath
    kind: str
    text: bytes = b""
    root: Path | None = None
    entry: Entry | None = None
    mode: int = 0o600


@dataclass(frozen=True, slots=True)
class _Copy:
    """One thing to copy: from where, to where below the entry's folder, what it must be, and how it is called."""

    source: str
    target: str
    kind: str
    called: str


def is_clone(entry: Json) -> bool:
    """Whether an entry says nothing but what is cloned: that is code, and in its place before all others."""
    return isinstance(entry, Mapping) and entry.keys() <= {"git", "connection", "path"}


def puts(entries: Sequence[Json], runs: Runs, backend: str) -> Iterator[Put]:
    """What `entries` put in place, in their order, each folder before what is in it; clones left out.

    Raises:
        Refused: one cannot be done; the message names it, and the `backend` where it is that which cannot.
    """
    for index, entry in enumerate(entries):
        if is_clone(entry):
            continue
        if not isinstance(entry, Mapping) or not _HANDLERS & entry.keys():
            raise Refused(f"init[{index}]: {backend} cannot do this")
        folder = _inside(PurePosixPath(), str(entry.get("path") or ""), f"init[{index}].path")
        for name, text, mode in _written(entry):
            yield Put(_inside(folder, name, "init file"), "file", text.encode(), mode=mode)
        for copy in _copies(entry):
            yield from _copied(copy, folder, runs)
        for shown, name in _shown(entry.get("tensorboard")):
            target = _inside(folder, f"tensorboard/{name}", "init tensorboard")
            yield Put(target, "way", root=artifacts_of(runs.folder / shown))


def kept(entries: Sequence[Json]) -> Iterator[tuple[str, bytes, int]]:
    """Files that `init` writes, which are kept with the outputs of a run: name, content and mode."""
    for entry in entries:
        if isinstance(entry, Mapping) and "file" in entry:
            for name, text, mode in _written(entry):
                if (own := PurePosixPath(name).name) not in {"", ".."}:  # `puts` says what is wrong with those
                    yield own, text.encode(), mode


def sources(entries: object, runs: Runs) -> Iterator[str]:
    """Names of the run folders that `init` copies from; what cannot be read as one is for `puts` to refuse."""
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


def _copied(copy: _Copy, folder: PurePosixPath, runs: Runs) -> Iterator[Put]:
    root, path = _found(copy, runs)
    try:
        with below.opened(root, path) as (_, entry):
            _check(copy, entry)
    except Nothing:
        raise Refused(f"{copy.called}: {copy.source} does not exist") from None
    target = _inside(folder, copy.target, copy.called)
    if entry.kind == "file":
        yield _file(target, root, entry)
        return
    yield Put(target, "folder")
    for count, one in enumerate(below.entries(root, path, most=MOST_COPIED + 1)):
        if count == MOST_COPIED:
            raise Refused(f"{copy.called}: {copy.source} has more than {MOST_COPIED:,} files, which are not copied")
        inner = target / one.path.removeprefix(f"{path}/")
        if one.kind == "folder":
            yield Put(inner, "folder")
        elif one.kind == "file":
            yield _file(inner, root, one)


def _file(target: PurePosixPath, root: Path, entry: Entry) -> Put:
    return Put(target, "file", root=root, entry=entry, mode=0o700 if entry.executable else 0o600)


def _check(copy: _Copy, entry: Entry) -> None:
    if copy.kind and copy.kind != entry.kind:
        raise Refused(f"{copy.called}: {copy.source} is a {entry.kind}, and a {copy.kind} is wanted")


def _found(copy: _Copy, runs: Runs) -> tuple[Path, str]:
    """The artifacts folder of a run that a path leads into, and the rest of the path."""
    path = PurePosixPath(copy.source)
    if path.is_absolute():
        try:
            path = path.relative_to(runs.named)
        except ValueError:
            why = "is in no run's folder; a program can read it where it is"
            raise Refused(f"{copy.called}: {copy.source} {why}") from None
    run, *rest = path.parts or ("",)
    if not run or run.startswith(".") or ".." in rest:
        raise Refused(f"{copy.called}: {copy.source!r} is no path into a run's folder")
    if rest[:1] == ["artifacts"]:
        rest = rest[1:]
    return artifacts_of(runs.folder / run), "/".join(rest)


def _inside(folder: PurePosixPath, path: str, called: str) -> PurePosixPath:
    parts = PurePosixPath(path).parts
    if path.startswith("/") or ".." in parts or "\0" in path:
        raise Refused(f"{called}: {path!r} leads out of the working folder: write it relative, without `..`")
    return folder.joinpath(*parts)
