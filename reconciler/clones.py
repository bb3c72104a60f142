"""Other repositories that runs get code of: those of connections, and those on hosts that the configuration lists.

What a spec says reaches git as a ref that was checked or as an address that was allowed, never as an option. Only the
tree of a commit is fetched, without its history, into a copy for each repository; a large one takes its time beside all
else, and who asked for it is told to come again. Nothing is checked out, and no hook, submodule or filter is used.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup

from planner.spec.catalogue import Connection
from planner.spec.places import snake
from reconciler import clone_trimming
from reconciler.disk import sizes
from reconciler.errors import Refused, Transient, Unusable
from reconciler.ports_clones import Asked
from reconciler.ports_sweep import Trimmed
from reconciler.settings_sources import RemoteAccess
from reconciler.source import export, hold, refs, remote
from reconciler.source.access import access_to
from reconciler.source.batch import Batch
from reconciler.source.complaints import explain
from reconciler.source.git import Leash, in_thread, leash
from reconciler.source.mirror import Mirror, fetch_arguments, last_line
from reconciler.source.model import Entry, Limits
from reconciler.source.remote import ANONYMOUS, Access, Remote
from reconciler.urls import Urls

__all__ = ["GitClones"]

_ASK, _FETCH, _READ, _LEFT, _WAIT = 20.0, 3600.0, 300.0, 5.0, 8.0
"""Seconds that git may take, and that whoever asks waits for a fetch before coming again."""
_ALL = ("+refs/heads/*:refs/plumbline/heads/*", "+refs/tags/*:refs/plumbline/tags/*")
_OPENS = ("username", "token_file", "ssh_key", "known_hosts", "certificates")


@dataclass(frozen=True, slots=True)
class _Where:
    """A repository that may be used, with what opens it and the revision that is meant."""

    remote: Remote
    access: Access
    revision: str


@dataclass(frozen=True, slots=True)
class _Copy:
    """The copy of a repository while it is held."""

    mirror: Mirror
    leash: Leash


class GitClones:
    """Law of `reconciler.ports_clones.Clones`: copies of repositories below `folder`."""

    name = "clones"

    def __init__(self, folder: Path, hosts: Urls, connections: Mapping[str, Connection]) -> None:
        self._folder = folder.absolute()
        self._hosts = hosts
        self._connections = connections
        self._turns: dict[str, anyio.Lock] = {}
        self._going: dict[tuple[str, str], anyio.Event] = {}
        self._failed: dict[tuple[str, str], Exception] = {}
        self._group: TaskGroup | None = None

    async def run(self) -> None:
        """Fetch beside all else until cancelled. Before that, whoever asks waits for the whole fetch."""
        async with anyio.create_task_group() as group:
            self._group = group
            try:
                await anyio.sleep_forever()
            finally:
                self._group = None

    async def commit_of(self, asked: Asked) -> str:
        """See `Clones.commit_of`."""
        where = self._where(asked)
        revision = where.revision
        if refs.is_id(revision):
            return revision
        # A branch counts before a tag of its name; of an annotated tag the commit, and not the tag.
        wanted = [f"refs/heads/{revision}", f"refs/tags/{revision}^{{}}", f"refs/tags/{revision}"] if revision else []
        try:
            refs.check_ref(f"refs/heads/{revision or 'x'}")
        except ValueError as error:
            raise Refused(f"`{revision}` names no revision: {error}") from None
        async with self._copy(where) as copy:
            asking = ["ls-remote", "--quiet", "--", where.remote.url, *(wanted or ["HEAD"])]
            said = await copy.leash.call(asking, _ASK)
        if not said.ok:
            raise Transient(explain(where.remote, copy.leash.redact(said.err)))
        lines = [line.partition("\t") for line in said.out.decode("utf-8", "surrogateescape").splitlines()]
        found = {name: ident for ident, _, name in lines}
        ref = next((ref for ref in wanted or ["HEAD"] if ref in found), None)
        if ref is None:
            raise Refused(
                f"{where.remote} has no branch or tag `{revision or 'HEAD'}`; a commit is named by its full id"
            )
        return refs.check_id(found[ref])

    async def tree_of(self, asked: Asked, commit: str) -> str:
        """See `Clones.tree_of`."""
        where = self._where(asked)
        key = (where.remote.url, refs.check_id(commit))
        if (tree := await self._tree(where, commit)) is not None:
            return tree
        if self._group is None:
            await self._fetch(where, commit)
        else:
            await self._wait(self._group, key, where)
        tree = await self._tree(where, commit)
        if tree is None:
            raise Refused(f"{where.remote} has no commit {commit}")
        return tree

    async def _wait(self, group: TaskGroup, key: tuple[str, str], where: _Where) -> None:
        if key not in self._going:
            self._failed.pop(key, None)
            self._going[key] = anyio.Event()
            group.start_soon(self._fetch_beside, key, where)
        done = self._going[key]
        with anyio.move_on_after(_WAIT):
            await done.wait()
        if not done.is_set():
            raise Transient(f"waiting for the clone of {where.remote}, which goes on")
        if (failed := self._failed.pop(key, None)) is not None:
            raise failed

    async def _fetch_beside(self, key: tuple[str, str], where: _Where) -> None:
        try:
            await self._fetch(where, key[1])
        except Exception as error:  # noqa: BLE001 -- whoever asked raises it
            self._failed[key] = error
        finally:
            self._going.pop(key).set()

    async def _fetch(self, where: _Where, commit: str) -> None:
        """Fetch a commit by its id; from a server that gives none by id, what its branches and tags name."""
        specs = (f"+{commit}:refs/plumbline/clones/{commit}", *_ALL)
        async with self._copy(where) as copy:
            if not copy.mirror.exists:
                await anyio.to_thread.run_sync(copy.mirror.make, "sha256" if len(commit) == 64 else "sha1")
            for index, spec in enumerate(specs):
                fetch = fetch_arguments(where.remote.url, spec)
                shallow = ["--depth=1"] if index == 0 else ["--unshallow"] if self._is_shallow(copy) else []
                arguments = [fetch[0], *shallow, *fetch[1:]]
                said = await copy.leash.call([f"--git-dir={copy.mirror.path}", *arguments], _FETCH)
                if index == 0 and said.ok:
                    return
                if index and not said.ok:
                    raise Transient(explain(where.remote, copy.leash.redact(said.err)))

    @staticmethod
    def _is_shallow(copy: _Copy) -> bool:
        return (copy.mirror.path / "shallow").exists()

    async def export(self, asked: Asked, tree: str, dest: Path) -> None:
        """See `Clones.export`."""
        async with self._copy(self._where(asked)) as copy:
            batch = Batch(copy.leash, copy.mirror.path)
            try:
                write = partial(export.write, batch, {"": Entry("", "tree", refs.check_id(tree))}, dest, Limits())
                with anyio.fail_after(_READ):
                    await in_thread(write, batch.end)
            except TimeoutError:
                raise Transient(f"the copy of {asked} cannot be read in time") from None
            finally:
                with anyio.CancelScope(shield=True):
                    await anyio.to_thread.run_sync(batch.close)

    async def _tree(self, where: _Where, commit: str) -> str | None:
        async with self._copy(where) as copy:
            if not copy.mirror.exists:
                return None
            asked = ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}^{{tree}}"]
            said = await copy.leash.call([f"--git-dir={copy.mirror.path}", *asked], _ASK)
            if said.code not in {0, 1}:
                raise Transient(f"the copy of {where.remote} cannot be read: {last_line(said)}")
            return refs.check_id(said.out.decode().strip()) if said.ok else None

    @contextlib.asynccontextmanager
    async def _copy(self, where: _Where) -> AsyncIterator[_Copy]:
        """The copy of a repository, which may not be made yet, and nobody else's meanwhile."""
        name = hashlib.sha256(where.remote.url.encode()).hexdigest()[:20]
        folder = self._folder / name
        turn = self._turns.setdefault(name, anyio.Lock())
        with anyio.move_on_after(_WAIT) as late:
            await turn.acquire()
        if late.cancelled_caught:
            raise Transient(f"waiting for the clone of {where.remote}, which goes on")
        try:
            held = await hold.take(folder / "git.lock", _LEFT)
            try:
                os.utime(held)
                leashed = await anyio.to_thread.run_sync(leash, folder, where.remote, where.access, held)
                mirror = Mirror(folder / "mirror.git", "clone", leashed)
                await anyio.to_thread.run_sync(mirror.clear_locks)
                yield _Copy(mirror, leashed)
            finally:
                os.close(held)
        finally:
            turn.release()

    async def trim(self, before: datetime, *, remove: bool) -> Trimmed:
        """See `reconciler.ports_sweep.Cache.trim`: copies that nothing used, and those with very many commits."""
        count = size = 0
        for folder in await anyio.to_thread.run_sync(lambda: list(clone_trimming.old(self._folder, before))):
            turn = self._turns.setdefault(folder.name, anyio.Lock())
            if turn.locked():
                continue
            async with turn:
                if not remove:
                    size += sum(await anyio.to_thread.run_sync(lambda: list(sizes(folder))))  # noqa: B023 -- awaited here
                elif not await clone_trimming.removed(folder):
                    continue
                count += 1
        return Trimmed(count, size)

    def _where(self, asked: Asked) -> _Where:
        """What is asked for, if the configuration allows it."""
        if not asked.connection:
            return _Where(self._listed(asked.url), ANONYMOUS, asked.revision)
        connection = self._connections.get(asked.connection)
        if connection is None or connection.kind != "git":
            kind = f"is of the kind {connection.kind}" if connection is not None else "is not in the configuration"
            raise Refused(f"the connection `{asked.connection}` {kind}, and one of the kind git is wanted")
        said = {snake(str(name)): value for name, value in (connection.schema_ or {}).items()}
        own = str(said.get("url") or "")
        if asked.url and asked.url != own and _host(asked.url) != _host(own):
            if own:
                raise Refused(f"{asked.url} is not on the host of the connection `{asked.connection}`")
            followed = self._listed(asked.url)
        else:
            followed = _parsed(asked.url or own)
        opens = RemoteAccess.model_validate({name: said[name] for name in _OPENS if said.get(name)})
        try:
            access = access_to(followed, opens)
        except Unusable as error:
            message = error.message.replace("repository.access.", f"{asked.connection}.schema.")
            raise Refused(f"the connection `{asked.connection}` cannot be used: {message}") from None
        return _Where(followed, access, asked.revision or str(said.get("revision") or ""))

    def _listed(self, url: str) -> Remote:
        followed = _parsed(url)
        if followed.protocol not in {"https", "http"}:
            raise Refused(f"{url}: a spec may name https addresses; others need a connection of the kind git")
        try:
            self._hosts.check(url)
        except Refused as error:
            raise Refused(f"{url} cannot be cloned: {error.message}") from None
        return followed


def _parsed(url: str) -> Remote:
    try:
        return remote.parse(url)
    except Unusable as error:
        raise Refused(f"it cannot be cloned: {error.message}") from None


def _host(url: str) -> tuple[str, str]:
    """Protocol and host with port of an address with ://; nothing in common with others for all else."""
    parts = urlsplit(url)
    return (parts.scheme, parts.netloc) if parts.netloc else (url, "")
