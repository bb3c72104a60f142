"""Artifacts of a run: the list of what it left, and the files themselves, piece by piece."""

from __future__ import annotations

from planner.canon import Json
from planner.keys import Key
from planner.model.artifacts import Artifact
from reconciler.api import problems, views
from reconciler.api.measured import worker
from reconciler.core import Core
from reconciler.errors import Refused
from reconciler.ports import Content

__all__ = ["content", "listing"]


async def listing(core: Core, name: str, path: str) -> dict[str, Json]:
    """What a run left at `path`, folders with all that is below them.

    Raises:
        ApiError: nothing fits `name`, more than one thing does, or nothing is there.
    """
    key = await _attempt(core, name)
    try:
        found = await core.backend.artifacts(key, path)
    except Refused as error:
        raise problems.missing(error.message) from None
    return {"run": str(key.run), "artifacts": [_view(one) for one in found]}


async def content(core: Core, name: str, path: str) -> Content:
    """The file, or the folder as an archive.

    Raises:
        ApiError: as `listing`.
    """
    key = await _attempt(core, name)
    try:
        return await core.backend.artifact(key, path)
    except Refused as error:
        raise problems.missing(error.message) from None


async def _attempt(core: Core, name: str) -> Key:
    """The newest attempt of the run that did the work: an artifacts folder is of a run, not of an attempt."""
    source, _ = await worker(core, name)
    if source.last is None:
        raise problems.conflict(f"{source.key} has not started, so it left nothing")
    return source.key.at_attempt(source.last.number)


def _view(one: Artifact) -> dict[str, Json]:
    return {
        "path": one.path,
        "kind": one.kind,
        "size": one.size,
        "modifiedAt": views.instant(one.modified),
        "sha256": one.digest or None,
    }
