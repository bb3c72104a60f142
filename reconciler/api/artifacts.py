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
from reconciler import archive
from reconciler.api import find, problems, views
from reconciler.api.measured import worker, worker_of
from reconciler.api.stories import Story, leaves
from reconciler.core import Core
from reconciler.errors import Refused, Transient
from reconciler.ports import Content
from reconciler.stores import copies

__all__ = ["content", "listing"]


_MOST = 20_000
"""Artifacts of a DAG that are listed."""


async def listing(core: Core, name: str, path: str) -> dict[str, Json]:
    """What a run left at `path`, folders with all that is below them; of a DAG, what its nodes did, by their places.

    Raises:
        ApiError: nothing fits `name`, more than one thing does, or nothing is there.
    """
    top = await _dag(core, name)
    if top is not None:
        return await _of_dag(core, top, path)
    run, key = await _attempt(core, name)
    return {"run": str(key.run), "artifacts": [_view(one) for one in await _listed(core, run, key, path)]}


async def _listed(core: Core, run: RunRecord, key: Key, path: str) -> Sequence[Artifact]:
    try:
        return await core.backend.artifacts(key, path)
    except Refused as error:
        found = [one for one in await _copied(core, run, error) if _below(one, path)]
        if path and not found:
            raise problems.missing(error.message) from None
        return found


async def _dag(core: Core, name: str) -> RunRecord | None:
    """The run that `name` means, where it is a DAG."""
    found = await find.run(core, name)
    return found.run if found.run is not None and found.run.is_parent else None


async def _of_dag(core: Core, top: RunRecord, path: str) -> dict[str, Json]:
    """What the nodes of a DAG left, each path with the place of its node before it."""
    found: list[Json] = []
    for node, place, rest in await _nodes(core, top, path):
        if len(found) > _MOST:
            break
        run = await worker_of(core, node)
        if run.last is None or (run.status.final and (run.artifacts is None or not run.artifacts.names)):
            continue
        try:
            listed = await _listed(core, run, run.key.at_attempt(run.last.number), rest)
        except problems.ApiError:
            if rest:
                raise
            continue  # it has just begun, or somebody has removed it: the others are shown
        found += [{**_view(one), "path": f"{place}/{one.path}", "run": str(run.key)} for one in listed]
    return {"run": str(top.key), "artifacts": found[:_MOST], "more": len(found) > _MOST}


async def _nodes(core: Core, top: RunRecord, path: str) -> Sequence[tuple[Story, str, str]]:
    """The nodes that `path` may lead to, the place of each, and the rest of the path below its outputs.

    Raises:
        ApiError: it leads to none.
    """
    found = []
    for key, node in (await leaves(core, top)).items():
        place = "/".join(key.place)
        if not path or f"{place}/".startswith(f"{path.rstrip('/')}/"):
            found.append((node, place, ""))
        elif path.startswith(f"{place}/"):
            found.append((node, place, path.removeprefix(f"{place}/").rstrip("/")))
    if path and not found:
        raise problems.missing(f"{top.key} is a DAG, and no node of it that has begun is at {path!r}")
    return found


async def content(core: Core, name: str, path: str) -> Content:
    """The file, or the folder as an archive; of a DAG, what is below one of its nodes.

    Raises:
        ApiError: as `listing`.
    """
    top = await _dag(core, name)
    if top is None:
        return await _content(core, await _attempt(core, name), path)
    nodes = await _nodes(core, top, path)
    if not path or len(nodes) != 1:
        raise problems.conflict(f"{top.key} is a DAG: name one of its nodes before the path, as NODE/PATH")
    ((node, _, rest),) = nodes
    run = await worker_of(core, node)
    return await _content(core, (run, _key(run)), rest)


async def _content(core: Core, wanted: tuple[RunRecord, Key], path: str) -> Content:
    run, key = wanted
    try:
        return await core.backend.artifact(key, path)
    except Refused as error:
        entries = [entry for entry in await _copied(core, run, error) if _below(entry, path)]
        if not entries and path:
            raise problems.missing(error.message) from None
        if entries and entries[0].path == path and entries[0].kind == "file":
            return Content("file", entries[0].size, _pieces(core, run, entries[0]))
        return Content("folder", None, _archived(core, run, entries, path))


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


async def _archived(core: Core, run: RunRecord, entries: Sequence[Artifact], path: str) -> AsyncIterator[bytes]:
    """A tar archive of a folder of the copy, with names from the folder on."""
    for entry in entries:
        name = entry.path.removeprefix(path).lstrip("/")
        if not name:
            continue
        modified = entry.modified.timestamp()
        if entry.kind == "folder":
            yield archive.head(name, modified, size=None)
            continue
        yield archive.head(name, modified, size=entry.size, executable=entry.executable)
        async for piece in _pieces(core, run, entry):  # as long as its head has said, or it raises
            yield piece
        yield archive.filling(entry.size)
    yield archive.END


async def _attempt(core: Core, name: str) -> tuple[RunRecord, Key]:
    """The run that did the work, and its newest attempt: an artifacts folder is of a run, not of an attempt."""
    source, _ = await worker(core, name)
    return source, _key(source)


def _key(run: RunRecord) -> Key:
    if run.last is None:
        raise problems.conflict(f"{run.key} has not started, so it left nothing")
    return run.key.at_attempt(run.last.number)


def _view(one: Artifact) -> dict[str, Json]:
    return {
        "path": one.path,
        "kind": one.kind,
        "size": one.size,
        "modifiedAt": views.instant(one.modified),
        "sha256": one.digest or None,
    }
