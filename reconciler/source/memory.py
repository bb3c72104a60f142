"""A source in memory, for tests and simulation, under the laws of `port.Source`.

It has a copy of what it fetched from a `memory_remote.MemoryRepository`, and can be told to fail. No clock, no
process; only `export` touches the disk.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Literal

import anyio.lowlevel

from reconciler.errors import Refused, Transient
from reconciler.source import export, refs
from reconciler.source.memory_remote import MemoryRepository, ObjectStore, history, reachable
from reconciler.source.model import Commit, Entry, Exported, Limits, Tree
from reconciler.source.objects import DamagedError, MissingError, TreeReader, blob_data, parse_commit

__all__ = ["MemorySource", "Step"]

_LIMITS = Limits()

Step = Literal["head", "fetch", "commit", "tree", "blobs", "export", "pin"]
"""A call of a source that can be made to fail."""


class MemorySource:
    """Follows a branch of a `MemoryRepository`. Laws of `port.Source`.

    Args:
        remote: the repository.
        branch: the branch, or None for the one that HEAD names.
        limits: how much is taken.
    """

    def __init__(self, remote: MemoryRepository, branch: str | None = None, limits: Limits = _LIMITS) -> None:
        self.remote = remote
        self._branch = branch
        self._limits = limits
        self._store = ObjectStore()
        self._trees = TreeReader(limits)
        self._pins: dict[str, str] = {}
        self._newest: str | None = None
        self._faults: dict[Step, list[Exception]] = {}

    def fail(self, step: Step, error: Exception | None = None, *, times: int = 1) -> None:
        """Make the next `times` calls of `step` fail, with a `Transient` unless `error` is given."""
        self._faults.setdefault(step, []).extend([error or Transient(f"{step} fails as told")] * times)

    async def head(self) -> str | None:
        """The commit id at the branch."""
        await self._reach("head")
        return self.remote.branches.get(self._branch or self.remote.default)

    async def fetch(self) -> Commit | None:
        """The newest commit of the branch."""
        head = await self.head()
        await self._reach("fetch")
        if head is None:
            return None
        fetched = reachable(self.remote.store, head, self._store.objects)
        self._store.objects |= {ident: self.remote.store.objects[ident] for ident in fetched}
        self._newest = head
        return self._commit(head)

    async def commit(self, ident: str) -> Commit:
        """A commit of the copy."""
        await self._turn("commit")
        return self._commit(refs.check_id(ident))

    async def tree(self, commit: str) -> Tree:
        """The whole tree of a commit."""
        await self._turn("tree")
        root = self._commit(refs.check_id(commit)).tree
        with _as_transient():
            return self._trees.read(self._store, root)

    async def blobs(self, ids: Collection[str]) -> Mapping[str, bytes]:
        """The contents of all of `ids`."""
        await self._turn("blobs")
        wanted = sorted({refs.check_id(ident) for ident in ids})
        with _as_transient():
            self._limits.check_blobs(self._store.sizes(wanted))
            return {ident: blob_data(item) for ident, item in self._store.read(wanted).items()}

    async def export(self, parts: Mapping[str, Entry], into: Path) -> Exported:
        """Write entries below `into`."""
        await self._turn("export")
        with _as_transient():
            return export.write(self._store, parts, into, self._limits)

    async def pin(self, commit: str, name: str) -> None:
        """Keep `commit` readable."""
        refs.check_component_path(name)
        await self._turn("pin")
        self._commit(refs.check_id(commit))
        self._pins[name] = commit

    async def unpin(self, name: str) -> None:
        """Let go of a pin."""
        refs.check_component_path(name)
        await self._turn("pin")
        self._pins.pop(name, None)

    async def pins(self) -> Mapping[str, str]:
        """Pinned commits by name."""
        await anyio.lowlevel.checkpoint()
        return dict(self._pins)

    async def is_ancestor(self, old: str, new: str) -> bool:
        """Whether `new` has `old` in its history."""
        await anyio.lowlevel.checkpoint()
        refs.check_id(old)
        return refs.check_id(new) in self._store.objects and old in history(self._store, new)

    async def tidy(self) -> None:
        """Forget what neither the newest fetched commit nor a pin reaches."""
        await anyio.lowlevel.checkpoint()
        tips = [*self._pins.values(), *([self._newest] if self._newest else [])]
        keep = {ident for tip in tips for ident in reachable(self._store, tip)}
        self._store.objects = {ident: item for ident, item in self._store.objects.items() if ident in keep}

    async def close(self) -> None:
        """Nothing to let go of."""
        await anyio.lowlevel.checkpoint()

    async def _reach(self, step: Step) -> None:
        await self._turn(step)
        if self.remote.unreachable:
            raise Transient(self.remote.unreachable)

    async def _turn(self, step: Step) -> None:
        await anyio.lowlevel.checkpoint()
        if self._faults.get(step):
            raise self._faults[step].pop(0)

    def _commit(self, ident: str) -> Commit:
        item = self._store.objects.get(ident)
        if item is None:
            raise Transient(f"commit {ident} is not in the copy")
        if item.type != "commit":
            raise Refused(f"{ident} is a {item.type}, not a commit")
        return parse_commit(ident, item.data)


@contextlib.contextmanager
def _as_transient() -> Iterator[None]:
    """What a copy lacks is a matter of fetching again."""
    try:
        yield
    except (DamagedError, MissingError) as error:
        raise Transient(f"the copy is damaged: {error}") from error
