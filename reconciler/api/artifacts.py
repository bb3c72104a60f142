"""Artifacts of a run: the list of what it left, and the files themselves, piece by piece.

What is on this machine is shown as it is; where its folder is gone, what the store has of it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from functools import partial

from planner.canon import Json
from planner.keys import Key
from planner.model.artifacts import Artifact
from planner.model.records import RunRecord
from reconciler.api import problems, views
from reconciler.api.measured import worker
from reconciler.core import Core
from reconciler.errors import Refused, Transient
from reconciler.ports import Content
from reconciler.stores import copies

__all__ = ["content", "listing"]


async def listing(core: Core, name: str, path: str) -> dict[str, Json]:
    """What a run left at `path`, folders with all that is below them.

    Raises:
        ApiError: nothing fits `name`, more than one thing does, or nothing is there.
    """
    run, key = await _attempt(core, name)
    try:
        found = await core.backend.artifacts(key, path)
    except Refused as error:
        found = [one for one in await _copied(core, run, error) if _below(one, path)]
        if path and not found:
            raise problems.missing(error.message) from None
    return {"run": str(key.run), "artifacts": [_view(one) for one in found]}


async def content(core: Core, name: str, path: str) -> Content:
    """The file, or the folder as an archive.

    Raises:
        ApiError: as `listing`.
    """
    run, key = await _attempt(core, name)
    try:
        return await core.backend.artifact(key, path)
    except Refused as error:
        entries = await _copied(core, run, error)
        one = next((entry for entry in entries if entry.path == path and entry.kind == "file"), None)
        if one is None or core.storage is None:
            more = f"; of its copy in the store only files can be had: {error.message}" if entries else error.message
            raise problems.missing(f"{run.key} has no file {path!r}{more}") from None
        return Content("file", one.size, _pieces(core, run, one))


async def _copied(core: Core, run: RunRecord, error: Refused) -> Sequence[Artifact]:
    """What the store has of a run whose folder is not here."""
    storage, copy = core.storage, run.copy
    if storage is None or copy is None or copy.owed or copy.store != storage.store.url:
        raise problems.missing(error.message) from None
    try:
        manifest = await copies.known(storage.store, storage.place_of(run.key))
    except Transient as failed:
        raise problems.conflict(f"{error.message}, and store {copy.store} does not answer: {failed.message}") from None
    if manifest is None:
        raise problems.missing(f"{error.message}, and store {copy.store} has no copy any more")
    return manifest.entries


def _below(one: Artifact, path: str) -> bool:
    return not path or one.path == path or one.path.startswith(f"{path.rstrip('/')}/")


async def _pieces(core: Core, run: RunRecord, one: Artifact) -> AsyncIterator[bytes]:
    assert core.storage is not None
    read = partial(copies.pieces_of, core.storage.store, core.storage.place_of(run.key))
    async for piece in read(one):
        yield piece


async def _attempt(core: Core, name: str) -> tuple[RunRecord, Key]:
    """The run that did the work, and its newest attempt: an artifacts folder is of a run, not of an attempt."""
    source, _ = await worker(core, name)
    if source.last is None:
        raise problems.conflict(f"{source.key} has not started, so it left nothing")
    return source, source.key.at_attempt(source.last.number)


def _view(one: Artifact) -> dict[str, Json]:
    return {
        "path": one.path,
        "kind": one.kind,
        "size": one.size,
        "modifiedAt": views.instant(one.modified),
        "sha256": one.digest or None,
    }
