"""Word of changes in a repository on this machine, by watchfiles.

Watched are the folders of HEAD, `packed-refs` and the branches, one level each; git replaces files by rename, so
folders are watched and names filtered. Notes are not among them: our own note must wake nobody. What comes out are
hints without content, which may be too many; a poll asks what is true.
"""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path

import anyio

# Not `awatch`: it arms its watches at some later moment, and a push before that moment would be missed.
from watchfiles._rust_notify import RustNotify, WatchfilesRustInternalError

from reconciler.source import refs
from reconciler.source.git import in_thread

__all__ = ["changes"]

_ABSENT = 1.0
"""Seconds between looks for a repository that is not there."""
_LOOK_MS = 5_000
"""Milliseconds after which the folders are compared with those watched: a renamed folder tells nobody."""
_STEP_MS = 20
_GROUP_MS = 100
_MOST_FOLDERS = 2_000


async def changes(path: Path) -> AsyncIterator[None]:
    """Yield whenever a branch, HEAD or `packed-refs` of the repository at `path` may have changed.

    Yields once when watching begins, and again after every new beginning (the repository was removed and made
    again, a folder of branches appeared): what happened before can be asked for then. Never ends by itself; where
    the system cannot watch, it yields nothing and tries again.
    """
    limiter = anyio.CapacityLimiter(1)
    while True:
        view = await in_thread(lambda: _view(path), _nothing, limiter)
        watcher = _armed(view)
        if view is None or watcher is None:
            await anyio.sleep(_ABSENT)
            continue
        yield None
        same = True
        while same:
            events = await _events(watcher, limiter)
            same = not _lost_folder(events, view) and await in_thread(lambda: _view(path), _nothing, limiter) == view
            if same and any(view.concerns(Path(name)) for _, name in events):
                yield None
        watcher.close()


async def _events(watcher: RustNotify, limiter: anyio.CapacityLimiter) -> set[tuple[int, str]]:
    """What happened next, or nothing after a while."""
    stop = threading.Event()
    told = await in_thread(lambda: watcher.watch(_GROUP_MS, _STEP_MS, _LOOK_MS, stop), stop.set, limiter)
    return told if isinstance(told, set) else set()


@dataclass(frozen=True, slots=True)
class _View:
    """What is watched: the repository, and its folders with their identity."""

    place: refs.GitDir
    folders: frozenset[tuple[str, int, int]]

    def concerns(self, file: Path) -> bool:
        """Whether a change of `file` may have moved a branch."""
        if file.name.endswith(".lock"):
            return False
        if file.parent == self.place.common and file.name == "packed-refs":
            return True
        if file.parent == self.place.own and file.name == "HEAD":
            return True
        branches = self.place.common / "refs" / "heads"
        return branches in file.parents or file.parent == self.place.common / "reftable"


def _view(path: Path) -> _View | None:
    """What is to be watched now; None when there is no repository, or it cannot be read: the poll says why."""
    try:
        found = refs.locate(path)
        if found is None:
            return None
        place = refs.GitDir(found.own.resolve(), found.common.resolve())
        return _View(place, frozenset(_identities(_folders(place))))
    except OSError:
        return None


def _folders(place: refs.GitDir) -> Iterable[Path]:
    yield place.own
    yield place.common
    yield place.common / "refs"
    reftable = place.common / "reftable"
    if reftable.is_dir():
        yield reftable
    waiting = [place.common / "refs" / "heads"]
    for _ in range(_MOST_FOLDERS):
        if not waiting:
            return
        folder = waiting.pop()
        yield folder
        waiting += [child for child in folder.iterdir() if child.is_dir()]


def _identities(folders: Iterable[Path]) -> Iterable[tuple[str, int, int]]:
    for folder in folders:
        state = folder.stat()
        yield (str(folder), state.st_dev, state.st_ino)


def _armed(view: _View | None) -> RustNotify | None:
    """Watches on the folders of `view`, or None when one is gone or the system has no watches left."""
    if view is None:
        return None
    names = sorted({name for name, _, _ in view.folders})
    try:
        return RustNotify(names, False, False, 0, False, True)  # noqa: FBT003  its signature is positional
    except (OSError, WatchfilesRustInternalError):
        return None


def _lost_folder(events: set[tuple[int, str]], view: _View) -> bool:
    """Whether a watched folder itself was removed; one made in its place may have the same identity."""
    watched = {name for name, _, _ in view.folders}
    return any(kind == _DELETED and name in watched for kind, name in events)


_DELETED = 3


def _nothing() -> None:
    """Reading folders ends by itself."""
