"""Heads of pull requests: fetched by the forge's own refs alone, within limits, and apart from the mirror.

A head may come from anybody. So it is fetched into a folder of its own, which is watched while git writes there, and
that sees the mirror's objects without writing any. One of the same repository then moves into the mirror under a ref of
its own, as notes can stand only on commits that are there; one of a fork never does. `keep` lets go of all that is not
asked for any more. Nothing is checked out, no submodule is followed, and no ref is fetched but a pull request's or a
branch's.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import anyio
import anyio.to_thread

from planner.model.pulls import Pull
from reconciler.errors import Refused, Transient
from reconciler.source import refs
from reconciler.source.batch import Batch
from reconciler.source.complaints import explain
from reconciler.source.follow import Follower
from reconciler.source.git import LateError, Leash, in_thread
from reconciler.source.mirror import fetch_arguments
from reconciler.source.objects import DamagedError
from reconciler.source.reaching import ClosedError, reach
from reconciler.source.repository import GitSource

__all__ = ["HeadLimits", "Heads", "Shelf", "emptied", "removed"]

_REF = re.compile(r"refs/(?:pull/\d{1,12}/head|merge-requests/\d{1,12}/(?:head|train)|heads/.+)")
"""What is ever fetched: GitHub's and Gitea's refs, GitLab's with its merge trains, and branches."""
_WATCH = 0.1
_CAREFUL = ("-c", "fetch.unpackLimit=1", "-c", "core.bigFileThreshold=8m")
"""One pack, however few objects: large ones pass through in pieces then, whatever they unpack to."""


@dataclass(frozen=True, slots=True)
class HeadLimits:
    """How much of a pull request is taken.

    Attributes:
        bytes: of all that its head has and the mirror has not, packed.
        seconds: for fetching it.
        merge: seconds for merging it.
    """

    bytes: int = 256 << 20
    seconds: float = 120.0
    merge: float = 30.0


@dataclass(frozen=True, slots=True)
class Shelf:
    """A folder of objects of one pull request, beside those of the mirror.

    Attributes:
        now: the mirror's side.
        folder: its own, which may not exist.
    """

    now: Follower
    folder: Path

    @property
    def head(self) -> Path:
        """Where what was fetched is."""
        return self.folder / "head"

    @property
    def merge(self) -> Path:
        """Where what a merge makes is."""
        return self.folder / "merge"

    @property
    def ref(self) -> str:
        """Holds a head of the same repository in the mirror."""
        return f"{_refs(self.now)}{self.folder.name}"

    def leash(self, into: Path) -> Leash:
        """Runs git on the mirror, with whatever it makes going `into` this folder."""
        mirror = self.now.mirror.path / "objects"
        others = [mirror] if into == self.head or not self.head.is_dir() else [self.head, mirror]
        seen = ":".join(_quoted(str(path)) for path in others)
        added = (f"GIT_OBJECT_DIRECTORY={into}", f"GIT_ALTERNATE_OBJECT_DIRECTORIES={seen}")
        return replace(self.now.leash, environment=(*self.now.leash.environment, *added))

    def batch(self, into: Path) -> Batch:
        """Reads objects of the mirror, of the head and of `into`."""
        return Batch(self.leash(into), self.now.mirror.path)


class Heads:
    """The heads of pull requests to the repository of `source`."""

    def __init__(self, source: GitSource, limits: HeadLimits | None = None) -> None:
        self._source = source
        self.limits = limits or HeadLimits()

    async def bring(self, pull: Pull) -> Shelf:
        """Have the head of `pull`, and say where; nothing is fetched when it is there already.

        Raises:
            Transient: it cannot be had now, or has moved on.
            Refused: it is too large or comes too slowly, or its ref is none that is ever fetched.
        """
        refs.check_id(pull.head)
        if _REF.fullmatch(pull.ref) is None:
            raise Refused("the ref of the pull request is neither one of pull requests nor a branch")
        refs.check_ref(pull.ref)
        shelf = await self._shelf(pull.number)
        # Without a folder for what it makes git finds no repository at all.
        await anyio.to_thread.run_sync(emptied, shelf.merge)
        if await self._has(shelf, pull.head):
            if not pull.fork:
                # It may be here alone: a life may have ended after it was fetched, and before it was moved.
                await anyio.to_thread.run_sync(_migrate, shelf, pull.head)
            return shelf
        await anyio.to_thread.run_sync(emptied, shelf.head)
        await self._fetch(shelf, pull.ref)
        if not await self._has(shelf, pull.head):
            raise Transient(f"pull request {pull.number} has moved on from {pull.head[:10]}")
        if not pull.fork:
            await anyio.to_thread.run_sync(_migrate, shelf, pull.head)
        return shelf

    async def keep(self, numbers: Collection[str]) -> None:
        """Let go of the heads of all pull requests but these."""
        now = await self._source.follower()
        wanted = {_name(number) for number in numbers}
        await anyio.to_thread.run_sync(_prune, now, _shelves(now), wanted)

    async def _shelf(self, number: str) -> Shelf:
        now = await self._source.follower()
        if not now.mirror.exists:
            raise Transient(f"nothing was fetched from {now.origin.remote} yet")
        return Shelf(now, _shelves(now) / _name(number))

    async def _has(self, shelf: Shelf, head: str) -> bool:
        """Whether `head` is there: a fetch that was cut off left no pack."""
        batch = shelf.batch(shelf.merge)
        try:
            with anyio.fail_after(self.limits.merge):
                found = await in_thread(lambda: batch.find([head]), batch.end)
        except (TimeoutError, LateError, DamagedError) as error:
            raise Transient(f"the objects of pull requests cannot be read: {error}") from error
        finally:
            await anyio.to_thread.run_sync(batch.close)
        if head in found and found[head].type != "commit":
            raise Refused(f"the head of the pull request is a {found[head].type}, not a commit")
        return head in found

    async def _fetch(self, shelf: Shelf, ref: str) -> None:
        remote = shelf.now.origin.remote
        arguments = [f"--git-dir={shelf.now.mirror.path}", *_CAREFUL, *fetch_arguments(remote.url, ref)]
        try:
            await self._watched(shelf, arguments)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(removed, shelf.head)
            raise

    async def _watched(self, shelf: Shelf, arguments: Sequence[str]) -> None:
        """Run a fetch whose objects go to the shelf, and end it when they become too many or too large."""
        leash, late = shelf.leash(shelf.head), ""
        async with anyio.create_task_group() as group:

            async def watch() -> None:
                while await anyio.to_thread.run_sync(_size, shelf.head) <= self.limits.bytes:  # noqa: ASYNC110
                    await anyio.sleep(_WATCH)
                group.cancel_scope.cancel()

            group.start_soon(watch)
            said = closed = None
            try:
                said = await reach(leash, arguments, self.limits.seconds)
            except ClosedError as error:
                closed = error
            except Transient as error:
                late = error.message
            group.cancel_scope.cancel()
        if closed is not None:
            raise closed
        if await anyio.to_thread.run_sync(_size, shelf.head) > self.limits.bytes:
            most = f"{self.limits.bytes / (1 << 20):,.0f} MiB"
            raise Refused(f"the head is too large: what it adds has more than {most}")
        if said is None:
            raise Refused(f"the head comes too slowly: {late or 'it was not fetched in time'}")
        if not said.ok:
            raise Transient(explain(shelf.now.origin.remote, said.err))


def _refs(now: Follower) -> str:
    return f"refs/plumbline/{now.mirror.instance}/pulls/"


def _shelves(now: Follower) -> Path:
    return now.leash.folder / "pulls"


def _name(number: str) -> str:
    """A name for a folder and a ref, whatever the pull request is called."""
    return hashlib.sha256(number.encode("utf-8", "surrogatepass")).hexdigest()[:24]


def _quoted(path: str) -> str:
    """A path in a list of alternates: git reads one in quotes as C would, so a colon in it separates nothing."""
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"') + '"'


def emptied(folder: Path) -> None:
    """Make `folder` anew.

    Raises:
        Transient: it cannot be written.
    """
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Transient(f"cannot write to {folder.parent}: {error.strerror}") from error


def removed(folder: Path) -> None:
    """Remove `folder`, as far as that can be done."""
    shutil.rmtree(folder, ignore_errors=True)


def _size(folder: Path) -> int:
    """Bytes of the files below; one that is renamed meanwhile may be missed once."""
    found = 0
    for path in folder.rglob("*"):
        try:
            found += path.lstat().st_size
        except OSError:
            continue
    return found


def _migrate(shelf: Shelf, head: str) -> None:
    """Move what was fetched into the mirror, packs before their indexes, and hold it there by a ref.

    Raises:
        Transient: the mirror cannot be written.
    """
    packs = shelf.now.mirror.path / "objects" / "pack"
    try:
        packs.mkdir(exist_ok=True)
        found = sorted((shelf.head / "pack").glob("pack-*"), key=lambda path: (path.suffix == ".idx", path.name))
        for path in found:
            path.rename(packs / path.name)
    except OSError as error:
        raise Transient(f"cannot write to {packs}: {error.strerror}") from error
    _hold(shelf, head)
    removed(shelf.head)


def _hold(shelf: Shelf, head: str) -> None:
    """Have the mirror keep `head`."""
    if shelf.now.mirror.read_ref(shelf.ref) != head:
        shelf.now.mirror.set_ref(shelf.ref, head)


def _prune(now: Follower, folder: Path, wanted: Collection[str]) -> None:
    """Remove the folders and refs of all but `wanted`; git lets go of objects in its own time."""
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name not in wanted:
            removed(path)
    if not now.mirror.exists:
        return
    for path in (now.mirror.path / _refs(now)).glob("*"):
        if path.name not in wanted:
            now.mirror.set_ref(f"{_refs(now)}{path.name}", None)
