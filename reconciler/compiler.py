"""Compiling a commit: reads and looks up what compile asks for, and calls it in a thread.

Decides nothing. A failed read is passed on: there is no desired state of a part of a tree.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Protocol

import anyio
import anyio.to_thread

from planner.compile import (
    SETTINGS,
    Cache,
    CompileConfig,
    CompileInput,
    Override,
    references,
    wanted,
)
from planner.errors import Place, Problem, ProblemsError, Severity
from planner.model.desired import CompiledOperation, DesiredState
from planner.spec.places import pointer
from planner.spec.repository import load_repository
from planner.spec.words import short
from reconciler.compiling import calmly, compiled
from reconciler.core import Core
from reconciler.errors import Refused
from reconciler.outside import References
from reconciler.shares import Shares
from reconciler.source.model import Commit, Tree
from reconciler.source.port import Source

__all__ = ["SourceCompiler", "project_name"]

_MOST_ROUNDS = 64
"""Rounds of reading: settings name files, files name components, and components may name further ones."""


class Files(Protocol):
    """Trees and contents by id, as a source has them; laws of `reconciler.source.port.Source`."""

    async def tree(self, commit: str) -> Tree:
        """The whole tree of a commit."""
        ...

    async def blobs(self, ids: Collection[str]) -> Mapping[str, bytes]:
        """The contents of all of `ids`."""
        ...


class SourceCompiler:
    """`reconciler.ports.Compiler` over a source. Keeps what unchanged files compiled to."""

    def __init__(self, source: Files, config: CompileConfig, outside: References | None = None) -> None:
        """Compile commits of `source`.

        Args:
            source: the repository.
            config: what is configured; its project is the ledger's, so no commit changes it.
            outside: finds what specs refer to out of the repository; None to find nothing.
        """
        self._source = source
        self._outside = outside
        self._config = replace(config, fixed=True)
        self._cache = Cache()
        # One at a time: the cache is one value, and compiling is bound by the processor anyway.
        self._turn = anyio.Lock()

    def reading(self, files: Files) -> SourceCompiler:
        """This one, for other files: what it remembers is shared, and one of the two compiles at a time."""
        other = SourceCompiler(files, self._config, self._outside)
        other._cache, other._turn = self._cache, self._turn
        return other

    async def compile(self, commit: Commit, in_force: Mapping[str, str], *, preview: bool = False) -> DesiredState:
        """See `Compiler.compile`."""
        async with self._turn:
            given = await self._prepared(await self._given(commit, in_force), preview=preview)
            named = await anyio.to_thread.run_sync(references, given, self._cache)
            desired = await anyio.to_thread.run_sync(compiled, given, self._cache)
            if self._outside is not None and not preview and not desired.bad_files:
                # A file that cannot be read may name what no other does.
                await self._outside.let_go(named)
            return desired

    async def _given(self, commit: Commit, in_force: Mapping[str, str]) -> CompileInput:
        tree = await self._source.tree(commit.id)
        return CompileInput(commit.id, tree.id, tree.entries, self._config, in_force=in_force)

    async def _prepared(self, given: CompileInput, *, preview: bool = False) -> CompileInput:
        """`given` with all that compile asks for; of a large tree, what comes of it is in the cache already."""
        with Shares() as shares:
            given = await self._gather(given, shares, preview=preview)
            await anyio.to_thread.run_sync(calmly, shares.compile, given, self._cache)
        return given

    async def _gather(self, given: CompileInput, shares: Shares, *, preview: bool) -> CompileInput:
        """`given` with every blob that compile asks for and the cache does not know, and what is outside."""
        for _ in range(_MOST_ROUNDS):
            await anyio.to_thread.run_sync(calmly, shares.read, given, self._cache)
            missing = await anyio.to_thread.run_sync(calmly, wanted, given, self._cache)
            if missing:
                given = replace(given, blobs={**given.blobs, **await self._source.blobs(missing)})
                continue
            keys = await anyio.to_thread.run_sync(references, given, self._cache)
            new = keys - given.outside.keys()
            if self._outside is None or not new:
                break
            given = replace(given, outside={**given.outside, **await self._outside.given(new, preview=preview)})
        return given

    async def with_params(self, commit: Commit, root: str, params: Mapping[str, str]) -> CompiledOperation:
        """See `Compiler.with_params`."""
        async with self._turn:
            given = await self._prepared(await self._given(commit, {}))
            plain = await anyio.to_thread.run_sync(compiled, given, self._cache)
            if root not in plain.roots:
                raise Refused(f"{root} is not in the repository")
            place = plain.roots[root].place
            asked = await self._prepared(replace(given, override=Override(place, params)))
            desired = await anyio.to_thread.run_sync(compiled, asked, self._cache)
        if root not in desired.roots:
            # All that is wrong now and was not before, wherever it is said: the root may fail in its component's file.
            new = [item for item in desired.problems if item.severity is Severity.ERROR and item not in plain.problems]
            told = (_as_typed(item, params) for item in new)
            raise ProblemsError(sorted(told, key=lambda item: item.sort_key))
        return desired.roots[root]


async def with_params(core: Core, root: str, params: Mapping[str, str]) -> CompiledOperation:
    """The operation `root` of the newest planned commit, with `params` over its own.

    Raises:
        ProblemsError: it does not compile with them.
        Refused: the newest planned commit does not have it.
        Transient: the tree cannot be read whole now.
    """
    head = (await core.ledger.project()).head
    return await core.compiler.with_params(await core.source.commit(head), root, params)


async def project_name(source: Source, commit: Commit, fallback: str) -> str:
    """The project that `.plumbline.yaml` of `commit` names, or `fallback`."""
    entry = (await source.tree(commit.id)).at(SETTINGS)
    if entry is None or entry.kind != "blob":
        return fallback
    data = (await source.blobs([entry.id]))[entry.id]
    settings = load_repository(SETTINGS, data).settings
    return (settings.project if settings else None) or fallback


def _as_typed(problem: Problem, params: Mapping[str, str]) -> Problem:
    """The problem; where it is with a param that a person gave, at that instead of a place in the file."""
    for name, text in params.items():
        at = pointer("params", name)
        if problem.pointer == at or problem.pointer.startswith(f"{at}/"):
            return replace(problem, place=Place(f"-P {name}={short(text)}"), pointer="")
    return problem
