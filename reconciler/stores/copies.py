"""The copy of a run in a store: its files under `outputs/`, its `logs/`, and last of all a manifest that names them.

Without its manifest there is no copy, so one that was cut off is made again under the same names and nobody reads half
of it. What a manifest says is only believed as far as it can do no harm: a store is written by others, too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from planner.model.artifacts import Artifact
from reconciler.errors import Refused, Transient
from reconciler.ports_backend import Content
from reconciler.ports_store import Store

__all__ = ["MANIFEST", "Log", "Manifest", "known", "log_of", "made", "pieces_of", "removed"]

MANIFEST = "plumbline.json"
"""Name of the file that is written last."""
_SCHEMA = "plumbline.copy/1"


@dataclass(frozen=True, slots=True)
class Log:
    """The log of an attempt, as it was when the run was over.

    Attributes:
        attempt: its number.
        size: bytes.
        digest: SHA-256 of them, in hexadecimal.
    """

    attempt: int
    size: int = 0
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a copy consists of.

    Attributes:
        run: key of the run.
        ended: when it was over: a copy of the same run that ended at another instant is not this one.
        entries: files and folders below `outputs`; the digests are of what was copied.
        left: how many things were left out.
        logs: of each attempt that said something, in their order.
    """

    run: str
    ended: str
    entries: tuple[Artifact, ...]
    left: int = 0
    logs: tuple[Log, ...] = ()

    @property
    def files(self) -> Sequence[Artifact]:
        """The files of it."""
        return [entry for entry in self.entries if entry.kind == "file"]


async def known(store: Store, place: str) -> Manifest | None:
    """The manifest of the copy at `place`; None where there is no whole copy.

    Raises:
        Transient: the store does not say, or what it has there is no manifest of ours.
    """
    try:
        data = b"".join([piece async for piece in store.read(f"{place}/{MANIFEST}")])
    except Refused:
        return None
    try:
        return _parsed(json.loads(data))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Transient(f"{place}/{MANIFEST} is no manifest of a copy ({error}): remove it") from None


async def made(
    store: Store,
    place: str,
    wanted: Manifest,
    content: Callable[[str], Awaitable[Content]],
    log: Callable[[int], AsyncIterator[bytes]],
) -> Manifest:
    """Make the copy that `wanted` describes at `place`, or find that it is there; returns what was copied.

    Args:
        store: where to.
        place: the folder of the run there.
        wanted: what there is to copy.
        content: gives a file by its path; raises `Refused` where it cannot be read.
        log: gives that of an attempt by its number.

    Raises:
        Transient: not now. Called again, it starts over and ends the same.
    """
    before = await known(store, place)
    if before is not None and (before.run, before.ended) == (wanted.run, wanted.ended):
        return before  # it was whole, and the record of it was lost
    if before is not None:
        await store.remove(place)
    entries, left = [], wanted.left
    for entry in wanted.entries:
        if entry.kind == "folder":
            entries.append(entry)
            continue
        copied = await _copied(store, f"{place}/outputs/{entry.path}", entry, content)
        left += copied is None
        entries += [copied] if copied is not None else []
    logs = [await _logged(store, place, one.attempt, log(one.attempt)) for one in wanted.logs]
    manifest = Manifest(wanted.run, wanted.ended, tuple(entries), left, tuple(one for one in logs if one is not None))
    await store.write(f"{place}/{MANIFEST}", _once(_text(manifest).encode()))
    return manifest


async def _copied(
    store: Store, path: str, entry: Artifact, content: Callable[[str], Awaitable[Content]]
) -> Artifact | None:
    """Copy one file; None where it cannot be read."""
    try:
        opened = await content(entry.path) if entry.kind == "file" else None
    except Refused:
        opened = None
    if opened is None or opened.kind != "file":
        return None
    size, digest = await _written(store, path, opened.pieces)
    return Artifact(entry.path, "file", size, entry.modified, digest, entry.executable)


async def _logged(store: Store, place: str, attempt: int, pieces: AsyncIterator[bytes]) -> Log | None:
    """Copy the log of an attempt; None for one that said nothing."""
    first = await anext(pieces, None)
    if first is None:
        return None

    async def whole() -> AsyncIterator[bytes]:
        yield first
        async for piece in pieces:
            yield piece

    return Log(attempt, *await _written(store, _log(place, attempt), whole()))


async def _written(store: Store, path: str, pieces: AsyncIterator[bytes]) -> tuple[int, str]:
    """Have the file at `path` be `pieces`; their size and digest."""
    digest, size = hashlib.sha256(), 0

    async def counted() -> AsyncIterator[bytes]:
        nonlocal size
        async for piece in pieces:
            digest.update(piece)
            size += len(piece)
            yield piece

    await store.write(path, counted())
    return size, digest.hexdigest()


def _log(place: str, attempt: int) -> str:
    return f"{place}/logs/{attempt}.log"


async def removed(store: Store, place: str) -> None:
    """Remove a copy: its manifest first, so that half of one is none.

    Raises:
        Transient: not now; called again, it goes on.
    """
    await store.remove(f"{place}/{MANIFEST}")
    await store.remove(place)


async def pieces_of(store: Store, place: str, entry: Artifact) -> AsyncIterator[bytes]:
    """A file of a copy, held against its size and digest.

    Raises:
        Transient: not now, or it is not what was stored; raised at the latest with its end.
    """
    async for piece in _checked(store, f"{place}/outputs/{entry.path}", (entry.size, entry.digest)):
        yield piece


async def log_of(store: Store, place: str, log: Log) -> AsyncIterator[bytes]:
    """The log of an attempt, held against its size and digest.

    Raises:
        Transient: as `pieces_of`.
    """
    async for piece in _checked(store, _log(place, log.attempt), (log.size, log.digest)):
        yield piece


async def _checked(store: Store, path: str, wanted: tuple[int, str]) -> AsyncIterator[bytes]:
    digest, size = hashlib.sha256(), 0
    try:
        async for piece in store.read(path):
            digest.update(piece)
            size += len(piece)
            yield piece
    except Refused as error:
        raise Transient(f"{error.message}, and the copy that it belongs to is not whole any more") from None
    if (size, digest.hexdigest()) != wanted:
        raise Transient(f"{store.url}/{path} is not what was stored there")


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


def _text(manifest: Manifest) -> str:
    entries = [
        {
            "path": entry.path,
            "kind": entry.kind,
            "size": entry.size,
            "modified": entry.modified.isoformat(),
            "sha256": entry.digest,
            "executable": entry.executable,
        }
        for entry in manifest.entries
    ]
    said = {"schema": _SCHEMA, "run": manifest.run, "ended": manifest.ended, "left": manifest.left}
    logs = [{"attempt": log.attempt, "size": log.size, "sha256": log.digest} for log in manifest.logs]
    return json.dumps({**said, "entries": entries, "logs": logs}, ensure_ascii=False, indent=1)


def _parsed(said: Any) -> Manifest:
    if said["schema"] != _SCHEMA:
        raise ValueError(f"schema {said['schema']!r}")
    entries = tuple(_entry(one) for one in said["entries"])
    # Copies that were made before logs were have none.
    logs = tuple(Log(int(one["attempt"]), int(one["size"]), str(one["sha256"])) for one in said.get("logs", ()))
    return Manifest(str(said["run"]), str(said["ended"]), entries, int(said["left"]), logs)


def _entry(said: Any) -> Artifact:
    path, kind = str(said["path"]), str(said["kind"])
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\0" in path or kind not in {"file", "folder"}:
        raise ValueError(f"entry {path!r}")
    modified = datetime.fromisoformat(said["modified"])
    return Artifact(path, kind, int(said["size"]), modified, str(said["sha256"]), bool(said["executable"]))
