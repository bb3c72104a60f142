"""Merging a pull request into its base without a working folder: a tree to read, or why there is none.

What the merge makes goes into a scratch folder that is gone afterwards: the mirror keeps nothing of it. The rules of
commits hold for the merged tree: the same limits, symlinks that are not followed, submodules that are not fetched.
Merge drivers that attributes name do not exist here, as git reads our configuration alone. Writes no ref and no commit.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

import anyio
import anyio.to_thread

from planner.model.pulls import Pull, is_queued
from reconciler.errors import Transient
from reconciler.source import refs
from reconciler.source.batch import Batch
from reconciler.source.git import LateError, Said, in_thread
from reconciler.source.heads import Heads, Shelf, removed
from reconciler.source.mirror import last_line
from reconciler.source.model import Commit, Entry, Limits, Tree, touched
from reconciler.source.objects import DamagedError, MissingError, TreeReader, blob_data, parse_commit
from reconciler.source.repository import GitSource

__all__ = ["Conflicted", "Contained", "Merge", "Merged", "Merging", "Unrelated"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Conflicted:
    """The two do not merge by themselves.

    Attributes:
        paths: of the files, in git's order.
    """

    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unrelated:
    """The two have no history in common."""


@dataclass(frozen=True, slots=True)
class Contained:
    """The head is in the base already: there is nothing to merge."""


class Merged:
    """A merged tree, as a source that the compiler can read; until its `Merging.merge` is left.

    Attributes:
        base: id of the commit merged into.
        head: id of the commit merged.
        tree_id: of the merged tree.
        changed: paths of the files that differ from the base.
        delta: digest of these with what they were and become: the same for the same change of another base.
    """

    def __init__(self, ids: tuple[str, str, str], store: Batch, trees: TreeReader, deadline: float) -> None:
        self.base, self.head, self.tree_id = ids
        self.changed: tuple[str, ...] = ()
        self.delta = ""
        self._store = store
        self._trees = trees
        self._deadline = deadline
        self._tree: Tree | None = None

    async def commit(self) -> Commit:
        """The head, with the merged tree as its own: what is planned."""
        found = await self._read(lambda: self._store.read([self.head]))
        head = parse_commit(self.head, found[self.head].data)
        return Commit(self.head, self.tree_id, head.at, head.subject, head.author, (self.base, self.head))

    async def tree(self, commit: str) -> Tree:  # noqa: ARG002 -- there is one
        """The merged tree.

        Raises:
            Transient: it cannot be read whole now.
            Refused: it is over the limits or malformed.
        """
        if self._tree is None:
            self._tree = await self._read(lambda: self._trees.read(self._store, self.tree_id))
        return self._tree

    async def blobs(self, ids: Collection[str]) -> Mapping[str, bytes]:
        """The contents of all of `ids`; laws of `port.Source`."""
        wanted = sorted({refs.check_id(ident) for ident in ids})
        return await self._read(lambda: self._blobs(wanted)) if wanted else {}

    def _blobs(self, ids: list[str]) -> Mapping[str, bytes]:
        tree = self._tree
        self._trees.limits.check_blobs(self._store.sizes(ids), tree.path_of if tree is not None else "blob {}".format)
        return {ident: blob_data(item) for ident, item in self._store.read(ids).items()}

    async def _read(self, work: Callable[[], T]) -> T:
        try:
            with anyio.fail_after(self._deadline):
                return await in_thread(work, self._store.end)
        except (TimeoutError, LateError) as error:
            raise Transient("the merged tree cannot be read in time") from error
        except (DamagedError, MissingError) as error:
            raise Transient(f"the merged tree cannot be read whole: {error}") from error


Merge = Merged | Conflicted | Unrelated | Contained


class Merging:
    """Merges heads of pull requests into commits of the repository of `source`."""

    def __init__(self, source: GitSource, heads: Heads, limits: Limits | None = None) -> None:
        self._source = source
        self._heads = heads
        # Folders are remembered over merges: of the next one most are the same.
        self._trees = TreeReader(limits or Limits())
        self._reading = anyio.Lock()

    @asynccontextmanager
    async def merge(self, pull: Pull, base: str) -> AsyncIterator[Merge]:
        """What comes of merging `pull` into the commit `base`; its tree can be read inside the block.

        An entry of a merge queue is a merge already: its tree is taken as it is.

        Raises:
            Transient: the head cannot be had, or git cannot merge now.
            Refused: the head is too large, too slow or malformed; the sentence says which.
        """
        shelf = await self._heads.bring(pull)
        store = shelf.batch(shelf.merge)
        try:
            merges = self._itself if is_queued(pull.number) else self._merged
            found = await merges(shelf, refs.check_id(base), pull.head)
            if not isinstance(found, str):
                yield found
                return
            merged = Merged((base, pull.head, found), store, self._trees, self._heads.limits.merge)
            before = await self._source.tree(base)
            async with self._reading:
                after = await merged.tree("")
            merged.changed = tuple(sorted(touched(before, after)))
            merged.delta = _delta(before, after, merged.changed)
            yield merged
        except Transient:
            # Something that it needs may be gone from the mirror: it is fetched anew.
            await anyio.to_thread.run_sync(removed, shelf.head)
            raise
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(store.close)
                await anyio.to_thread.run_sync(removed, shelf.merge)

    async def _merged(self, shelf: Shelf, base: str, head: str) -> str | Merge:
        """The id of the merged tree, or why there is none."""
        shared = await self._git(shelf, "merge-base", base, head)
        if shared.code == 1 and not shared.out.strip():
            return Unrelated()
        at = shared.out.decode("ascii", "replace").split("\n", 1)[0]
        if not shared.ok or not refs.is_id(at):
            raise Transient(f"git cannot compare the pull request with its base: {last_line(shared)}")
        if at == head:
            return Contained()
        # One that only adds to its base is merged by moving the base: its tree is the head's.
        said = await self._git(shelf, "merge-tree", *_MERGE, base, head)
        tree, *paths = said.out.decode("utf-8", "backslashreplace").split("\0")
        if said.code not in {0, 1} or not refs.is_id(tree):
            raise Transient(f"git cannot merge the pull request: {last_line(said)}")
        return tree if said.ok else Conflicted(tuple(dict.fromkeys(path for path in paths if path)))

    async def _itself(self, shelf: Shelf, base: str, head: str) -> str | Merge:
        """The id of the tree of `head`, which whoever made it has merged into what it will be put on."""
        within = await self._git(shelf, "merge-base", "--is-ancestor", head, base)
        if within.ok:
            return Contained()
        said = await self._git(shelf, "rev-parse", "--verify", "--quiet", f"{head}^{{tree}}")
        tree = said.out.decode("ascii", "replace").strip()
        if within.code != 1 or not said.ok or not refs.is_id(tree):
            raise Transient(f"git cannot read the merge that waits: {last_line(said if within.code == 1 else within)}")
        return tree

    async def _git(self, shelf: Shelf, *words: str) -> Said:
        arguments = [f"--git-dir={shelf.now.mirror.path}", *words]
        return await shelf.leash(shelf.merge).call(arguments, self._heads.limits.merge)


_MERGE = ("--write-tree", "-z", "--name-only", "--no-messages")


def _delta(before: Tree, after: Tree, paths: Collection[str]) -> str:
    seen = hashlib.sha256()
    for path in paths:
        for entry in (before.entries.get(path), after.entries.get(path)):
            seen.update(f"{_shown(entry)}\0".encode("utf-8", "surrogatepass"))
        seen.update(f"{path}\0".encode("utf-8", "surrogatepass"))
    return seen.hexdigest()


def _shown(entry: Entry | None) -> str:
    return f"{entry.kind} {entry.id} {entry.executable}" if entry is not None else "nothing"
