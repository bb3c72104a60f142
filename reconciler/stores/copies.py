"""The copy of a run's artifacts in a store: its files under `outputs/`, and last of all a manifest that names them.

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

__all__ = ["MANIFEST", "Manifest", "known", "made", "pieces_of", "removed"]

MANIFEST = "plumbline.json"
"""Name of the file that is written last."""
_SCHEMA = "plumbline.copy/1"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a copy consists of.

    Attributes:
        run: key of the run.
        ended: when it was over: a copy of the same run that ended at another instant is not this one.
        entries: files and folders below `outputs`; the digests are of what was copied.
        left: how many things were left out.
    """

    run: str
    ended: str
    entries: tuple[Artifact, ...]
    left: int = 0

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
) -> Manifest:
    """Make the copy that `wanted` describes at `place`, or find that it is there; returns what was copied.

    Args:
        store: where to.
        place: the folder of the run there.
        wanted: what there is to copy.
        content: gives a file by its path; raises `Refused` where it cannot be read.

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
    manifest = Manifest(wanted.run, wanted.ended, tuple(entries), left)
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
    digest, size = hashlib.sha256(), 0

    async def counted() -> AsyncIterator[bytes]:
        nonlocal size
        async for piece in opened.pieces:
            digest.update(piece)
            size += len(piece)
            yield piece

    await store.write(path, counted())
    return Artifact(entry.path, "file", size, entry.modified, digest.hexdigest(), entry.executable)


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
    digest, size = hashlib.sha256(), 0
    try:
        async for piece in store.read(f"{place}/outputs/{entry.path}"):
            digest.update(piece)
            size += len(piece)
            yield piece
    except Refused as error:
        raise Transient(f"{error.message}, and the copy that it belongs to is not whole any more") from None
    if (size, digest.hexdigest()) != (entry.size, entry.digest):
        raise Transient(f"{store.url}/{place}/outputs/{entry.path} is not what was stored there")


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
    return json.dumps({**said, "entries": entries}, ensure_ascii=False, indent=1)


def _parsed(said: Any) -> Manifest:
    if said["schema"] != _SCHEMA:
        raise ValueError(f"schema {said['schema']!r}")
    return Manifest(
        str(said["run"]), str(said["ended"]), tuple(_entry(one) for one in said["entries"]), int(said["left"])
    )


def _entry(said: Any) -> Artifact:
    path, kind = str(said["path"]), str(said["kind"])
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\0" in path or kind not in {"file", "folder"}:
        raise ValueError(f"entry {path!r}")
    modified = datetime.fromisoformat(said["modified"])
    return Artifact(path, kind, int(said["size"]), modified, str(said["sha256"]), bool(said["executable"]))
