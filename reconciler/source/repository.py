"""The source of a git repository: one branch, followed in a mirror of our own.

Only when the branch moved is anything fetched, and everything is read from the mirror by object id. Nothing is ever
checked out, and no answer is ever smaller because something failed: a damaged mirror is an error, and is made anew
by the next fetch.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TypeVar

import anyio
import anyio.to_thread

from reconciler.errors import Refused, Transient
from reconciler.source import export, hold, refs
from reconciler.source.batch import Batch
from reconciler.source.follow import Deadlines, Follower, follower
from reconciler.source.git import LateError, in_thread
from reconciler.source.mirror import last_line
from reconciler.source.model import Commit, Entry, Exported, Limits, Tree
from reconciler.source.objects import DamagedError, MissingError, TreeReader, blob_data, parse_commit
from reconciler.source.remote import Origin

__all__ = ["GitSource"]

_LIMITS = Limits()
_DEADLINES = Deadlines()
_RECENT = 4

T = TypeVar("T")


class GitSource:
    """Follows `origin` in a mirror below `folder`. Laws of `port.Source`.

    Args:
        origin: what to follow.
        folder: a private folder of the state directory, for this origin and instance only.
        instance: name of the Plumbline instance: part of the ref names.
        limits: how much is taken.
        deadlines: how long git may take.

    Raises:
        ValueError: the branch or the instance cannot be part of a ref name.
    """

    def __init__(
        self,
        origin: Origin,
        folder: Path,
        instance: str,
        limits: Limits = _LIMITS,
        deadlines: Deadlines = _DEADLINES,
    ) -> None:
        if origin.branch is not None:
            refs.check_ref(f"refs/heads/{origin.branch}")
        refs.check_component_path(instance)
        self.origin = origin
        self.instance = instance
        self._folder = folder.absolute()
        self._limits = limits
        self._deadlines = deadlines
        self._trees = TreeReader(limits)
        self._recent: dict[str, Tree] = {}
        self._follower: Follower | None = None
        self._blamed: set[str] = set()
        self._opening = anyio.Lock()
        self._writing = anyio.Lock()

    async def follower(self) -> Follower:
        """The remote's side, made at the first call; for this package only.

        Raises:
            Unusable: git is missing or too old.
            Transient: the folder cannot be written, or git of a daemon that was killed still works on it.
        """
        async with self._opening:
            if self._follower is None:
                self._follower = await self._open()
            return self._follower

    async def _open(self) -> Follower:
        held = await hold.take(self._folder / "git.lock", self._deadlines.left)
        try:
            given = (self.origin, self._folder, self.instance, self._deadlines, held)
            return await anyio.to_thread.run_sync(follower, *given)
        except BaseException:
            os.close(held)
            raise

    async def head(self) -> str | None:
        """The commit id at the branch now; laws of `port.Source`."""
        return await (await self.follower()).ask()

    async def fetch(self) -> Commit | None:
        """The newest commit of the branch, fetched when it moved; laws of `port.Source`.

        A `head` that saw a move just before is not repeated.
        """
        now = await self.follower()
        async with self._writing:
            if now.seen is None or not now.is_due:
                await now.ask()
            if now.seen is None:
                return None
            if now.is_due:
                before = now.known
                await now.update(now.seen)
                if now.known != before:
                    self._blamed.clear()
        return await self.commit(now.known) if now.known else None

    async def commit(self, ident: str) -> Commit:
        """A commit of the copy; laws of `port.Source`."""
        refs.check_id(ident)
        return await self._read(lambda store: self._commit(store, ident))

    async def tree(self, commit: str) -> Tree:
        """The whole tree of a commit; laws of `port.Source`."""
        refs.check_id(commit)
        return await self._read(lambda store: self._tree(store, commit))

    async def blobs(self, ids: Collection[str]) -> Mapping[str, bytes]:
        """The contents of all of `ids`; laws of `port.Source`."""
        wanted = sorted({refs.check_id(ident) for ident in ids})
        return await self._read(lambda store: self._blobs(store, wanted)) if wanted else {}

    async def export(self, parts: Mapping[str, Entry], into: Path) -> Exported:
        """Write entries below `into`; laws of `port.Source`."""
        return await self._read(lambda store: export.write(store, parts, into, self._limits))

    async def pin(self, commit: str, name: str) -> None:
        """Keep `commit` readable; laws of `port.Source`."""
        mirror = (await self.follower()).mirror
        ref = mirror.pin_ref(name)
        async with self._writing:
            if mirror.read_ref(ref) == refs.check_id(commit):
                return
            if await self._read(lambda store: commit not in store.find([commit])):
                await (await self.follower()).bring(commit, ref)
            await self.commit(commit)
            await anyio.to_thread.run_sync(mirror.set_ref, ref, commit)

    async def unpin(self, name: str) -> None:
        """Let go of a pin; laws of `port.Source`."""
        mirror = (await self.follower()).mirror
        ref = mirror.pin_ref(name)
        async with self._writing:
            if mirror.read_ref(ref) is not None:
                await anyio.to_thread.run_sync(mirror.set_ref, ref, None)

    async def pins(self) -> Mapping[str, str]:
        """Pinned commits by name; laws of `port.Source`."""
        mirror = (await self.follower()).mirror
        return await anyio.to_thread.run_sync(mirror.pins) if mirror.exists else {}

    async def is_ancestor(self, old: str, new: str) -> bool:
        """Whether `new` has `old` in its history; laws of `port.Source`."""
        now = await self.follower()
        pair = [refs.check_id(old), refs.check_id(new)]
        if not now.mirror.exists:
            return False
        arguments = [f"--git-dir={now.mirror.path}", "merge-base", "--is-ancestor", *pair]
        said = await now.leash.call(arguments, self._deadlines.read)
        if said.code in {0, 1}:
            return said.ok
        known = await self._read(lambda store: store.find(pair))
        if len(known) < len(set(pair)):
            return False
        raise Transient(f"git cannot compare commits of {self.origin.remote}: {last_line(said)}")

    async def tidy(self) -> None:
        """Pack the mirror when git finds that worth while. For quiet times; fetches and reads go on meanwhile.

        Raises:
            Transient: git could not, or not in time.
        """
        now = await self.follower()
        if now.mirror.exists:
            await now.tidy()

    async def close(self) -> None:
        """Let go of git and of the hold on the folder; the mirror stays. A later call opens it again."""
        if self._follower is None:
            return
        gone, self._follower = self._follower, None
        self._blamed.clear()
        try:
            await anyio.to_thread.run_sync(gone.batch.close)
        finally:
            if gone.leash.held is not None:
                os.close(gone.leash.held)

    async def _read(self, work: Callable[[Batch], T]) -> T:
        """Do blocking work on the store, within the deadline; a damaged mirror is noted for the next fetch."""
        now = await self.follower()
        if not now.mirror.exists:
            raise Transient(f"nothing was fetched from {self.origin.remote} yet")
        async with now.reading:
            try:
                with anyio.fail_after(self._deadlines.read):
                    return await in_thread(lambda: work(now.batch), now.batch.end)
            except (TimeoutError, LateError) as error:
                raise Transient(f"the copy of {self.origin.remote} cannot be read in time") from error
            except (DamagedError, MissingError) as error:
                raise self._blame(now, str(error)) from error

    def _blame(self, now: Follower, complaint: str) -> Exception:
        """Note that the mirror is damaged, once for each complaint: a second time it is not the mirror's fault."""
        if complaint in self._blamed:
            return Refused(f"{self.origin.remote} cannot be read whole: {complaint}")
        self._blamed.add(complaint)
        self._trees = TreeReader(self._limits)  # sizes are git's word, which may have been wrong
        self._recent.clear()
        now.damaged = True
        return Transient(f"the copy of {self.origin.remote} is damaged and is made anew: {complaint}")

    def _commit(self, store: Batch, ident: str) -> Commit:
        found = store.find([ident]).get(ident)
        if found is None:
            if self._follower is not None and ident == self._follower.known:
                raise DamagedError(f"{ident} is missing")
            raise Transient(f"commit {ident} is not in the copy of {self.origin.remote}")
        if found.type != "commit":
            raise Refused(f"{ident} is a {found.type}, not a commit")
        return parse_commit(ident, found.data)

    def _tree(self, store: Batch, commit: str) -> Tree:
        root = self._commit(store, commit).tree
        tree = self._recent.pop(root, None) or self._trees.read(store, root)
        self._recent[root] = tree
        if len(self._recent) > _RECENT:
            self._recent.pop(next(iter(self._recent)))
        return tree

    def _blobs(self, store: Batch, ids: list[str]) -> Mapping[str, bytes]:
        self._limits.check_blobs(store.sizes(ids), self._name_of)
        return {ident: blob_data(item) for ident, item in store.read(ids).items()}

    def _name_of(self, ident: str) -> str:
        """The path of a blob in a tree that was read lately, for people; its id where it is in none."""
        return next((path for tree in [*self._recent.values()] if (path := tree.path_of(ident))), f"blob {ident}")
