"""The remote's side of a source: where its branch is, and a mirror that is brought up to it.

A question is one ref check: for a repository on this machine two small files are read, else `git ls-remote` asks for
one ref. A mirror that turns out damaged is remade beside the old one and takes its place when complete, pins
included; until then the old one serves what it still can. This module reads no objects.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import anyio
import anyio.to_thread

from reconciler.errors import Transient
from reconciler.source import refs
from reconciler.source.batch import Batch
from reconciler.source.complaints import explain, is_remotes_fault
from reconciler.source.git import Leash, in_thread, leash
from reconciler.source.mirror import Mirror, fetch_arguments, last_line
from reconciler.source.objects import algorithm_of
from reconciler.source.reaching import reach
from reconciler.source.remote import Origin

__all__ = ["Deadlines", "Follower", "follower"]

# Nobody should get here: the daemon tidies in quiet times. Beyond it every read would suffer.
_MOST_PACKS = 300


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds after which git is ended.

    Attributes:
        ask: one ref check.
        fetch: one fetch, the first one included.
        read: reading from the mirror.
        tidy: packing the mirror.
        left: waiting for git processes that a killed daemon left.
    """

    ask: float = 20.0
    fetch: float = 900.0
    read: float = 120.0
    tidy: float = 1800.0
    left: float = 5.0


@dataclass(slots=True)
class Follower:
    """One branch of one remote, and its mirror. One caller of `update` at a time.

    Attributes:
        origin: what is followed.
        leash: runs git.
        mirror: the copy.
        batch: reads its objects.
        reading: held while objects are read.
        known: the branch's newest commit in the mirror.
        seen: where the branch was at the last question.
        damaged: whether the mirror must be made anew.
    """

    origin: Origin
    deadlines: Deadlines
    leash: Leash
    mirror: Mirror
    batch: Batch
    reading: anyio.Lock
    known: str | None
    seen: str | None = None
    damaged: bool = False
    _local: refs.Reader | None = None

    @property
    def is_due(self) -> bool:
        """Whether the mirror is not what was seen."""
        return self.seen != self.known or self.damaged or not self.mirror.exists

    async def ask(self) -> str | None:
        """The commit id at the branch; None when there is no such branch.

        Raises:
            Transient: the remote cannot be asked.
        """
        path = self.origin.remote.path
        try:
            self.seen = await (self._ask_files(path) if path else self._ask_git())
        except refs.UnreadableError:
            self.seen = await self._ask_git()
        return self.seen

    async def update(self, seen: str) -> None:
        """Bring the mirror to the branch, which was seen at `seen`.

        Raises:
            Transient: the remote cannot be read; the mirror is as it was.
        """
        if not self.mirror.exists:
            await anyio.to_thread.run_sync(self.batch.close)
            await anyio.to_thread.run_sync(self.mirror.make, algorithm_of(seen))
        fault = "damaged" if self.damaged else await self._fetch_into(self.mirror)
        if fault:
            await self._remake(seen, fault)
        self.known = self.seen = await anyio.to_thread.run_sync(self.mirror.read_ref, self.mirror.head_ref)
        if self.known is None:
            raise Transient(f"the branch of {self.origin.remote} went away while it was fetched")
        if self.mirror.packs > _MOST_PACKS:
            await self.tidy()

    async def bring(self, commit: str, ref: str) -> None:
        """Have `commit` in the mirror as `ref`, wherever the branch is now.

        Raises:
            Transient: the remote does not give it.
        """
        fetch = fetch_arguments(self.origin.remote.url, f"+{commit}:{ref}")
        try:
            said = await reach(self.leash, [f"--git-dir={self.mirror.path}", *fetch], self.deadlines.fetch)
        finally:
            self.mirror.clear_locks()
        if not said.ok:
            why = explain(self.origin.remote, said.err)
            raise Transient(f"commit {commit} is not in the copy of {self.origin.remote}, and is not to be had: {why}")

    async def tidy(self) -> None:
        """Pack the mirror when git finds that worth while; every fetch leaves a pack of its own.

        Raises:
            Transient: git could not, or not in time.
        """
        options = ["-c", "gc.auto=4000", "-c", "gc.autoPackLimit=40", "-c", "gc.autoDetach=false"]
        arguments = [f"--git-dir={self.mirror.path}", *options, "-c", "gc.packRefs=false", "gc", "--auto", "--quiet"]
        said = await self.leash.call(arguments, self.deadlines.tidy)
        async with self.reading:
            await anyio.to_thread.run_sync(self.batch.close)  # it holds on to packs that are gone
        if not said.ok:
            raise Transient(f"git cannot pack the copy of {self.origin.remote}: {last_line(said)}")

    @property
    def _ref(self) -> str:
        return f"refs/heads/{self.origin.branch}" if self.origin.branch else "HEAD"

    async def _ask_files(self, path: Path) -> str | None:
        try:
            with anyio.fail_after(self.deadlines.ask):
                return await in_thread(lambda: self._read_files(path), lambda: None)
        except TimeoutError as error:
            raise Transient(f"{path} did not answer within {self.deadlines.ask:g} seconds") from error

    def _read_files(self, path: Path) -> str | None:
        try:
            place = refs.locate(path)
            if place is None:
                raise Transient(f"there is no git repository at {path}")
            if self._local is None or self._local.place != place:
                self._local = refs.Reader(place)
            return self._local.read(self._ref)
        except OSError as error:
            raise Transient(f"cannot read {path}: {error.strerror}") from error

    async def _ask_git(self) -> str | None:
        url = self.origin.remote.url
        said = await reach(self.leash, ["ls-remote", "--quiet", "--", url, self._ref], self.deadlines.ask)
        if not said.ok:
            raise Transient(explain(self.origin.remote, said.err))
        for line in said.out.decode("utf-8", "surrogateescape").splitlines():
            ident, _, name = line.partition("\t")
            if name == self._ref:
                return refs.check_id(ident)
        return None

    async def _fetch_into(self, mirror: Mirror) -> str:
        """Fetch the branch into `mirror`; gives what git complained of when that may be the mirror's fault.

        Raises:
            Transient: the remote cannot be read.
        """
        fetch = fetch_arguments(self.origin.remote.url, f"+{self._ref}:{mirror.head_ref}")
        try:
            said = await reach(self.leash, [f"--git-dir={mirror.path}", *fetch], self.deadlines.fetch)
        finally:
            mirror.clear_locks()  # nobody else writes here, so what a killed git left is stale
        if said.ok and "rejected" not in said.err:  # git is content with having refused a shallow remote
            return ""
        self.seen = None
        ours = (mirror.path, self.leash.folder, self._ref, mirror.head_ref)
        sentence = explain(self.origin.remote, said.err, ours)
        if is_remotes_fault(self.origin.remote, said.err, ours) and await self._is_sound(mirror):
            raise Transient(sentence)
        return sentence

    async def _is_sound(self, mirror: Mirror) -> bool:
        """Whether git can use `mirror` by itself: it is a repository, and its refs name commits that can be read."""
        arguments = [f"--git-dir={mirror.path}", "log", "--no-walk", "--all", "--format="]
        return (await self.leash.call(arguments, self.deadlines.read)).ok

    async def _remake(self, seen: str, fault: str) -> None:
        """Make the mirror anew beside the old one, and put it in place when it is complete.

        Raises:
            Transient: that fails too, so it was not the mirror; the old one stays.
        """
        fresh = Mirror(self.mirror.path.with_name("fresh.git"), self.mirror.instance, self.leash)
        await anyio.to_thread.run_sync(fresh.discard)
        await anyio.to_thread.run_sync(fresh.make, algorithm_of(seen))
        if again := await self._fetch_into(fresh):
            raise Transient(again if self.damaged else fault)
        await anyio.to_thread.run_sync(fresh.adopt_pins, self.mirror)
        async with self.reading:
            await anyio.to_thread.run_sync(self.batch.close)
            await anyio.to_thread.run_sync(self.mirror.replace_by, fresh)
        self.damaged = False


def follower(origin: Origin, folder: Path, instance: str, deadlines: Deadlines, held: int) -> Follower:
    """Lay `folder` for following `origin`; blocking.

    Its hold is `held` (`hold.take`): no git of ours runs there yet, not even one that a killed daemon left, so lock
    files found here are stale.

    Raises:
        Unusable: git is missing or too old.
        Transient: the folder cannot be written.
    """
    leashed = leash(folder, origin.remote, origin.access, held)
    mirror = Mirror(folder / "mirror.git", instance, leashed)
    mirror.clear_locks()
    batch = Batch(leashed, mirror.path)
    return Follower(origin, deadlines, leashed, mirror, batch, anyio.Lock(), mirror.read_ref(mirror.head_ref))
