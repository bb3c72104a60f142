"""Why what `init` asks for cannot be put in place: the same on every backend that runs put it in place on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from planner.canon import Json
from planner.compile.given import CompileConfig

__all__ = ["unputtable"]

_COPIED = ("artifacts", "paths", "dockerfile", "file", "lineageRef", "modelRef", "artifactRef", "tensorboard")
_DONE = frozenset({*_COPIED, "git", "connection"})
"""Fields of an entry that say what can be done."""


def unputtable(entries: Iterable[Json], config: CompileConfig, backend: str) -> Iterator[str]:
    """What of entries, which are no containers, can never be put in place; `backend` is how it is called."""
    for entry in entries:
        if isinstance(entry, Mapping):
            yield from _clone(entry, config, backend)
            if not any(entry.get(name) is not None for name in _DONE):
                yield f"{backend} cannot do what an init entry says"
            if _leads_out(entry.get("path")):
                yield f"{backend} puts nothing outside of the working folder (init.path)"


def _clone(entry: Mapping[str, Json], config: CompileConfig, backend: str) -> Iterator[str]:
    """Of an entry that clones: options for git, and connections that lead to no repository."""
    git, name = entry.get("git"), entry.get("connection")
    if isinstance(git, Mapping) and git.get("flags"):
        yield "options for git are not taken from specs (init.git.flags)"
    if not isinstance(name, str):
        return
    known = (config.connections or {}).get(name)
    if (known is not None and known.kind != "git") or any(entry.get(field) is not None for field in _COPIED):
        yield f"{backend} fetches through connections of the kind git only (init)"


def _leads_out(path: Json) -> bool:
    return isinstance(path, str) and (path.startswith("/") or ".." in path.split("/"))
