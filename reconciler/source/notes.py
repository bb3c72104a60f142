"""Git notes of the followed repository: read and written by compare-and-swap, never forced.

The notes of an instance are one ref of the remote, `refs/notes/plumbline/<instance>`. A write reads what is there,
asks the caller to merge, and adds one commit on top with all changed notes; git takes it only when the ref is still
what was read, else everything is read and merged again. A repository on this machine is written directly, so that
none of its hooks runs; others through the mirror and a plain push. What a note says is decided elsewhere.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import anyio
import anyio.to_thread

from reconciler.errors import Refused, Transient
from reconciler.source import refs
from reconciler.source.complaints import explain, is_refusal
from reconciler.source.git import Said
from reconciler.source.mirror import Mirror, fetch_arguments, last_line
from reconciler.source.notes_read import DEADLINE, Desk, Found, look
from reconciler.source.reaching import reach
from reconciler.source.repository import GitSource

__all__ = ["PLUMBLINE", "Found", "Merge", "Notes", "Signature", "Written"]

Merge = Callable[[str | None], str]
"""Gives the note wanted where the present one (None: there is none) is given. May be called several times."""

_STATUSES = "plumbline"
_TRIES = 8
_STALE = 60.0


@dataclass(frozen=True, slots=True)
class Signature:
    """Who a notes commit is by."""

    name: str
    email: str

    def __post_init__(self) -> None:
        if not self.name.strip() or any(letter in "<>\n\0" for letter in self.name + self.email):
            raise ValueError(f"not a signature: {self.name!r} {self.email!r}")


PLUMBLINE = Signature("Plumbline", "plumbline@localhost")


@dataclass(frozen=True, slots=True)
class Written:
    """What a write did.

    Attributes:
        changed: commits whose note is new or different now.
        absent: commits that the repository does not have (any more), so that nobody could see a note on them.
        before: the notes commit that was found, on which it was written; None when there was none.
        after: the notes commit that shows it; `before` when nothing changed.
    """

    changed: frozenset[str]
    absent: frozenset[str]
    before: str | None
    after: str | None


class Notes:
    """The notes of one instance in the repository of `source`.

    Args:
        source: whose remote is meant; its instance names the ref.
        by: who the commits are by.
        name: of the notes, below `refs/notes/`.
    """

    def __init__(self, source: GitSource, by: Signature = PLUMBLINE, name: str = _STATUSES) -> None:
        self._source = source
        self._by = by
        self._name = name
        self._one = anyio.Lock()

    @property
    def ref(self) -> str:
        """The ref in the remote."""
        return f"refs/notes/{self._name}/{self._source.instance}"

    @property
    def _suffix(self) -> str:
        """Of the ref in the mirror, for other notes than those of statuses."""
        return "" if self._name == _STATUSES else f"-{self._name}"

    async def read(self, commits: Collection[str]) -> Found:
        """The notes on `commits`.

        Raises:
            Transient: the repository cannot be read.
            Refused: the ref is no notes commit.
        """
        wanted = [refs.check_id(ident) for ident in commits]
        async with self._one:
            desk = await self._desk()
            await self._pull(desk)
            return await look(desk, wanted)

    async def contains(self, tip: str, before: str) -> bool:
        """Whether the notes commit `tip`, which was read, still stands on `before`, which was written or read earlier.

        Raises:
            Transient: the repository cannot be read.
        """
        ids = [refs.check_id(before), refs.check_id(tip)]
        async with self._one:
            desk = await self._desk()
            arguments = [f"--git-dir={desk.git_dir}", "merge-base", "--is-ancestor", *ids]
            # Where git has collected `before` as garbage it fails: nothing stands on it then.
            return (await desk.leash.call(arguments, DEADLINE)).ok

    async def write(self, merges: Mapping[str, Merge], at: datetime) -> Written:
        """Bring the notes of all commits of `merges` to what their merge wants, in one commit.

        Law: what another writer added meanwhile was given to the merge. Nothing is written when nothing changes.

        Args:
            merges: by full commit id.
            at: the instant of the notes commit.

        Raises:
            Transient: the repository cannot be read or written, or others write all the time.
            Refused: the ref is no notes commit, or the remote's rules do not allow it.
        """
        wanted = {refs.check_id(ident): merge for ident, merge in merges.items()}
        async with self._one:
            desk = await self._desk()
            for turn in range(_TRIES):
                await self._pull(desk)
                found = await look(desk, wanted)
                texts = {ident: merge(found.notes.get(ident)) for ident, merge in wanted.items()}
                changed = {ident: text for ident, text in texts.items() if text != found.notes.get(ident)}
                news = {ident: text for ident, text in changed.items() if ident in found.commits}
                stream = b"".join(_import_stream(desk.ref, found.tip, news, (self._by, at)))
                after = await self._swap(desk, stream, at) if news else found.tip
                if after is not None or not news:
                    return Written(frozenset(news), frozenset(wanted) - found.commits, found.tip, after)
                await anyio.sleep(0.01 * 2**turn)
        raise Transient(f"others keep writing the notes of {desk.remote}")

    async def erase(self, commits: Collection[str], at: datetime, ours: Callable[[str], bool]) -> Written:
        """Take away the notes on `commits` whose text is `ours`, in one commit; what the ref said before stays in git.

        Law: a note is judged as it is in the state of the ref that the commit stands on.

        Raises:
            Transient, Refused: as `write`.
        """
        wanted = frozenset(refs.check_id(ident) for ident in commits)
        async with self._one:
            desk = await self._desk()
            for turn in range(_TRIES):
                await self._pull(desk)
                found = await look(desk, wanted)
                gone = sorted(found.paths[ident] for ident, text in found.notes.items() if ours(text))
                stream = b"".join(_erasing_stream(desk.ref, found.tip, gone, (self._by, at)))
                after = await self._swap(desk, stream, at) if gone else found.tip
                if after is not None or not gone:
                    return Written(frozenset(found.notes), wanted - found.commits, found.tip, after)
                await anyio.sleep(0.01 * 2**turn)
        raise Transient(f"others keep writing the notes of {desk.remote}")

    async def _desk(self) -> Desk:
        now = await self._source.follower()
        remote = self._source.origin.remote
        if remote.path is None:
            if not now.mirror.exists:
                raise Transient(f"nothing was fetched from {remote} yet")
            return Desk(now.leash, remote, now.mirror.path, now.mirror.notes_ref + self._suffix, self.ref)
        try:
            place = await anyio.to_thread.run_sync(refs.locate, remote.path)
        except OSError as error:
            raise Transient(f"cannot read {remote}: {error.strerror}") from error
        if place is None:
            raise Transient(f"there is no git repository at {remote}")
        return Desk(now.leash, remote, place.common.resolve(), self.ref, self.ref)

    async def _pull(self, desk: Desk) -> None:
        """Make the mirror's notes those of the remote."""
        if desk.is_remote:
            return
        arguments = fetch_arguments(desk.remote.url, f"+{desk.public}:{desk.ref}")
        said = await reach(desk.leash, [f"--git-dir={desk.git_dir}", *arguments], DEADLINE)
        if "couldn't find remote ref" in said.err:
            mirror = Mirror(desk.git_dir, self._source.instance, desk.leash)
            await anyio.to_thread.run_sync(mirror.set_ref, desk.ref, None)
        elif not said.ok:
            raise Transient(explain(desk.remote, said.err))

    async def _swap(self, desk: Desk, stream: bytes, at: datetime) -> str | None:
        """Add the commit of `stream`, and give its id; None when the ref is not what it stands on by now."""
        arguments = [f"--git-dir={desk.git_dir}", "fast-import", "--quiet", "--done", "--date-format=raw"]
        said = await desk.leash.call(arguments, DEADLINE, stdin=stream)
        if said.ok:
            return said.out.decode().strip() if desk.is_remote or await self._push(desk) else None
        if "Not updating" in said.err or "cannot lock ref" in said.err or "Unable to create" in said.err:
            _clear_stale_lock(desk, at)
            return None
        raise Transient(f"git cannot write notes to {desk.remote}: {last_line(said)}")

    async def _push(self, desk: Desk) -> bool:
        options = ["--quiet", "--no-verify", "--no-recurse-submodules"]
        arguments = ["push", *options, "--", desk.remote.url, f"{desk.ref}:{desk.public}"]
        said = await reach(desk.leash, [f"--git-dir={desk.git_dir}", *arguments], DEADLINE)
        if said.ok:
            return True
        return self._judge_push(desk, said)

    def _judge_push(self, desk: Desk, said: Said) -> bool:
        text = said.err
        if is_refusal(text):
            raise Refused(f"{desk.remote} does not take {desk.public}: allow it for this credential")
        if "[rejected]" in text or "failed to update ref" in text or "cannot lock ref" in text:
            return False
        raise Transient(explain(desk.remote, text))


def _import_stream(
    ref: str, tip: str | None, news: Mapping[str, str], signed: tuple[Signature, datetime]
) -> Iterator[bytes]:
    """One commit for git fast-import, which prints its id."""
    message = f"record {len(news)} notes" if len(news) > 1 else f"record a note on {next(iter(news), '')[:12]}"
    yield _head(ref, tip, message, signed)
    for ident, text in sorted(news.items()):
        data = text.encode("utf-8", "replace")
        yield f"N inline {ident}\ndata {len(data)}\n".encode() + data + b"\n"
    yield b"get-mark :1\ndone\n"


def _erasing_stream(
    ref: str, tip: str | None, paths: Collection[str], signed: tuple[Signature, datetime]
) -> Iterator[bytes]:
    """The same without what is at `paths` in the tree of the notes."""
    yield _head(ref, tip, f"let go of {len(paths)} notes on old commits", signed)
    yield from (f"D {path}\n".encode() for path in paths)
    yield b"get-mark :1\ndone\n"


def _head(ref: str, tip: str | None, message: str, signed: tuple[Signature, datetime]) -> bytes:
    by, at = signed
    who = f"committer {by.name} <{by.email}> {int(at.timestamp())} +0000"
    after = f"from {tip}\n" if tip is not None else ""
    return f"commit {ref}\nmark :1\n{who}\ndata {len(message)}\n{message}\n{after}".encode()


def _clear_stale_lock(desk: Desk, at: datetime) -> None:
    """Remove the lock of our own ref when whoever made it is long gone."""
    lock = desk.git_dir / f"{desk.ref}.lock"
    with contextlib.suppress(OSError):
        if at.timestamp() - lock.stat().st_mtime > _STALE:
            lock.unlink()
