"""A git repository as a hub: components at a branch or a tag, read from a copy of our own.

`name:version` is `name/version.yaml` at the hub's branch, else `name.yaml` at the tag `version`. Every look-up brings
the copy up to date first: what was found once is pinned elsewhere and not asked for again. Git runs on the leash of
`reconciler.source`, and nothing is checked out.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio
import anyio.to_thread

from planner.spec.text import MAX_BYTES
from reconciler.errors import Refused, Transient
from reconciler.hubs import MOST_LISTED, Part, file_of
from reconciler.source import hold, refs
from reconciler.source.complaints import explain
from reconciler.source.git import Leash, leash
from reconciler.source.mirror import Mirror, fetch_arguments, last_line
from reconciler.source.remote import Access, Remote

__all__ = ["GitHub", "Origin"]

_ASK, _FETCH, _READ, _LEFT = 20.0, 120.0, 30.0, 5.0
"""Seconds that git may take."""
_FRESH = 5.0
"""Seconds for which what the remote said of its refs counts: a commit may refer to a hub many times."""
_HEAD = "HEAD"


@dataclass(frozen=True, slots=True)
class Origin:
    """Which repository, and where in it.

    Attributes:
        remote: the repository.
        access: what opens it.
        ref: `refs/heads/…`, `refs/tags/…`, or `HEAD`.
    """

    remote: Remote
    access: Access
    ref: str = _HEAD


@dataclass(frozen=True, slots=True)
class _Copy:
    """The copy while it is held."""

    mirror: Mirror
    leash: Leash


class GitHub:
    """`origin` as a hub, with a copy below `folder`, a private folder for this hub only."""

    def __init__(self, name: str, origin: Origin, folder: Path) -> None:
        if origin.ref != _HEAD:
            refs.check_ref(origin.ref)
        self._name = name
        self._origin = origin
        self._folder = folder.absolute()
        self._turn = anyio.Lock()
        self._refs: tuple[float, dict[str, str]] | None = None

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        return self._name

    async def find(self, name: str, version: str) -> Part | None:
        """See `reconciler.hubs.Hub.find`."""
        async with self._copy() as copy:
            found = await self._at(copy, self._origin.ref, file_of(name, version))
            if found is None and version:
                found = await self._at(copy, f"refs/tags/{version}", file_of(name, ""))
            return found

    async def listed(self) -> Sequence[str]:
        """See `reconciler.hubs.Hub.listed`."""
        async with self._copy() as copy:
            ours = self._ours(self._origin.ref)
            said = await self._git(copy, ["ls-tree", "-r", "--name-only", "-z", "--end-of-options", ours])
        paths = [path.removesuffix(".yaml") for path in said.decode("utf-8", "replace").split("\0")]
        return [path.replace("/", ":") for path in paths if path and path.count("/") < 2][:MOST_LISTED]

    @contextlib.asynccontextmanager
    async def _copy(self) -> AsyncIterator[_Copy]:
        """The copy, made where it is missing, and nobody else's meanwhile."""
        async with self._turn:
            held = await hold.take(self._folder / "git.lock", _LEFT)
            try:
                yield await anyio.to_thread.run_sync(self._laid, held)
            finally:
                os.close(held)

    def _laid(self, held: int) -> _Copy:
        leashed = leash(self._folder, self._origin.remote, self._origin.access, held)
        mirror = Mirror(self._folder / "mirror.git", "hub", leashed)
        mirror.clear_locks()
        return _Copy(mirror, leashed)

    async def _at(self, copy: _Copy, ref: str, path: str) -> Part | None:
        """The file at `path` of what `ref` is now; None where the remote has no such ref, or the ref no such file."""
        ident = await self._ask(copy, ref)
        if ident is None:
            if ref == self._origin.ref:
                raise Transient(f"the hub `{self._name}` has no {ref} at {self._origin.remote}")
            return None
        if not copy.mirror.exists:
            await anyio.to_thread.run_sync(copy.mirror.make, "sha256" if len(ident) == 64 else "sha1")
        if copy.mirror.read_ref(self._ours(ref)) != ident:
            fetch = fetch_arguments(self._origin.remote.url, f"+{ref}:{self._ours(ref)}")
            said = await copy.leash.call([f"--git-dir={copy.mirror.path}", *fetch], _FETCH)
            if not said.ok:
                raise Transient(f"the hub `{self._name}`: {explain(self._origin.remote, copy.leash.redact(said.err))}")
        return await self._read(copy, self._ours(ref), path)

    async def _ask(self, copy: _Copy, ref: str) -> str | None:
        """The id of a ref of the remote, which is asked for all that matter at once."""
        if self._refs is None or anyio.current_time() > self._refs[0] + _FRESH:
            wanted = ["--", self._origin.remote.url, self._origin.ref, "refs/tags/*"]
            said = await copy.leash.call(["ls-remote", "--quiet", *wanted], _ASK)
            if not said.ok:
                raise Transient(f"the hub `{self._name}`: {explain(self._origin.remote, copy.leash.redact(said.err))}")
            lines = [line.partition("\t") for line in said.out.decode("utf-8", "surrogateescape").splitlines()]
            self._refs = (anyio.current_time(), {name: ident for ident, _, name in lines})
        ident = self._refs[1].get(ref)
        return None if ident is None else refs.check_id(ident)

    async def _read(self, copy: _Copy, ours: str, path: str) -> Part | None:
        listed = await self._git(copy, ["ls-tree", "-l", "-z", "--end-of-options", ours, path])
        if not listed:
            return None
        _, kind, ident, size = listed.split(b"\t", 1)[0].split()
        if kind != b"blob" or not listed.startswith(b"100"):
            raise Refused(f"{path} of the hub `{self._name}` is no file")
        if int(size) > MAX_BYTES:
            raise Refused(f"{path} of the hub `{self._name}` has more than {MAX_BYTES:,} bytes")
        return Part(path, await self._git(copy, ["cat-file", "blob", refs.check_id(ident.decode())]))

    async def _git(self, copy: _Copy, arguments: list[str]) -> bytes:
        said = await copy.leash.call([f"--git-dir={copy.mirror.path}", *arguments], _READ)
        if not said.ok:
            raise Transient(f"the copy of the hub `{self._name}` cannot be read: {last_line(said)}")
        return said.out

    @staticmethod
    def _ours(ref: str) -> str:
        """What a ref of the remote is called in the copy."""
        return f"refs/plumbline/hub/{'head' if ref == _HEAD else ref.removeprefix('refs/')}"
