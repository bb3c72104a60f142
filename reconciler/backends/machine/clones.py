"""Code of other repositories that `init` names: which, at which commit, and where in the working folder.

A run stays with the commit that its first attempt had, noted where no program can write. It is exported into the cache
of trees, and copied like code of the followed repository.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from planner.canon import Json
from planner.model.gang import CodeTree
from reconciler.backends import code
from reconciler.backends.code import Trees
from reconciler.backends.machine import records
from reconciler.errors import Refused
from reconciler.ports_clones import Asked, Clones

__all__ = ["Cloned", "asked_of", "fetch", "pin"]

_NAME = re.compile(r"[A-Za-z0-9_.-]+")


@dataclass(frozen=True, slots=True)
class Cloned:
    """What is to be put in place.

    Attributes:
        trees: with where each is in the cache.
        commits: of each repository, by what names it.
    """

    trees: tuple[tuple[CodeTree, Path], ...] = ()
    commits: Mapping[str, str] | None = None


def asked_of(entries: object) -> Iterator[tuple[Asked, str]]:
    """The repositories that entries of `init` name, each with its folder below the working folder.

    Raises:
        Refused: the folder leads out, or has no name.
    """
    for index, entry in enumerate(entries if isinstance(entries, list | tuple) else ()):
        if not isinstance(entry, Mapping) or (entry.get("git") is None and _is_other(entry)):
            continue
        said = entry.get("git")
        git: Mapping[str, Any] = said if isinstance(said, Mapping) else {}
        asked = Asked(str(git.get("url") or ""), str(git.get("revision") or ""), str(entry.get("connection") or ""))
        name = asked.connection or re.split(r"[/:]", asked.url.rstrip("/"))[-1].removesuffix(".git")
        if not _NAME.fullmatch(name) or name in {".", ".."}:
            raise Refused(f"init[{index}]: {asked} gives the clone no name: use a connection")
        yield asked, str(PurePosixPath(str(entry.get("path") or ""), name))


def _is_other(entry: Mapping[str, Json]) -> bool:
    """Whether an entry without `git` is no clone: one with nothing but a connection is."""
    others = set(entry) - {"connection", "path"}
    return entry.get("connection") is None or any(entry.get(name) is not None for name in others)


async def fetch(clones: Clones | None, entries: Sequence[Json], home: Path, cache: Path) -> Cloned:
    """Have what `entries` of `init` clone in the cache.

    Raises:
        Refused: it can never be had; the message names it.
        Transient: it cannot be had now, or is on its way.
    """
    wanted = list(asked_of(entries))
    if not wanted:
        return Cloned()
    if clones is None:
        raise Refused("init git: other repositories cannot be cloned here")
    noted = (records.read(_noted(home)) or {}).get("commits", {})
    trees: list[tuple[CodeTree, Path]] = []
    commits: dict[str, str] = {}
    for asked, target in wanted:
        name = f"{asked.connection} {asked.url} {asked.revision}"
        try:
            commit = noted.get(name) or commits.get(name) or await clones.commit_of(asked)
            tree = CodeTree(str(asked), await clones.tree_of(asked, commit), target)
            code.check([tree])
            (content,) = await code.fetch(_Exporter(clones, asked), [tree], cache)
        except Refused as error:
            raise Refused(f"init git: {error.message}") from None
        commits[name] = commit
        trees.append((tree, content))
    return Cloned(tuple(trees), commits)


def pin(home: Path, cloned: Cloned) -> None:
    """Note the commits, for further attempts and for people; the first time counts."""
    if cloned.commits:
        records.write_once(_noted(home), {"version": 1, "commits": dict(cloned.commits)})


def _noted(home: Path) -> Path:
    return home / "clones.json"


class _Exporter(Trees):
    """Trees of one repository."""

    def __init__(self, clones: Clones, asked: Asked) -> None:
        self._clones = clones
        self._asked = asked

    async def export(self, tree: CodeTree, dest: Path) -> None:
        """See `Trees.export`."""
        await self._clones.export(self._asked, tree.object_id, dest)
