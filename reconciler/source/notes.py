"""Git notes of the followed repository: read and written by compare-and-swap, never forced.

The notes of an instance are one ref of the remote, `refs/notes/plumbline/<instance>`. A write reads what is there,
asks the caller to merge, and adds one commit on top with all changed notes; git takes it only when the ref is still
what was read, else everything is read and merged again. A repository on this machine is written directly, so that
none of its hooks runs; others through the mirror and a plain push. What a note says is decided elsewhere.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import anyio
import anyio.to_thread

from reconciler.errors import Refused, Transient
from reconciler.source import refs
from reconciler.source.batch import Batch
from reconciler.source.complaints import explain, is_refusal
from reconciler.source.git import LateError, Leash, Said, in_thread
from reconciler.source.mirror import Mirror, fetch_arguments, last_line
from reconciler.source.objects import DamagedError
from reconciler.source.remote import Remote
from reconciler.source.repository import GitSource

__all__ = ["PLUMBLINE", "Found", "Merge", "Notes", "Signature", "Written"]

Merge = Callable[[str | None], str]
"""Gives the note wanted where the present one (None: there is none) is given. May be called several times."""

_TRIES = 8
_DEADLINE = 60.0
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


@dataclass(frozen=True, slots=True)
class _Desk:
    """Where notes are read and written: the remote itself when it is on this machine, else the mirror."""

    leash: Leash
    remote: Remote
    git_dir: Path
    ref: str
    public: str

    @property
    def is_remote(self) -> bool:
        """Whether writing here is all there is to it."""
        return self.ref == self.public


@dataclass(frozen=True, slots=True)
class Found:
    """What was read, from one state of the ref.

    Attributes:
        tip: the notes commit; None when there is none.
        notes: by commit id, where there is one.
        commits: those of the commits asked for that the repository has.
    """

    tip: str | None
    notes: Mapping[str, str]
    commits: frozenset[str]


class Notes:
    """The notes of one instance in the repository of `source`.

    Args:
        source: whose remote is meant; its instance names the ref.
        by: who the commits are by.
    """

    def __init__(self, source: GitSource, by: Signature = PLUMBLINE) -> None:
        self._source = source
        self._by = by
        self._one = anyio.Lock()

    @property
    def ref(self) -> str:
        """The ref in the remote."""
        return f"refs/notes/plumbline/{self._source.instance}"

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
            return await _look(desk, wanted)

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
            return (await desk.leash.call(arguments, _DEADLINE)).ok

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
                found = await _look(desk, wanted)
                texts = {ident: merge(found.notes.get(ident)) for ident, merge in wanted.items()}
                changed = {ident: text for ident, text in texts.items() if text != found.notes.get(ident)}
                news = {ident: text for ident, text in changed.items() if ident in found.commits}
                after = await self._swap(desk, found.tip, news, at) if news else found.tip
                if after is not None or not news:
                    return Written(frozenset(news), frozenset(wanted) - found.commits, found.tip, after)
                await anyio.sleep(0.01 * 2**turn)
        raise Transient(f"others keep writing the notes of {desk.remote}")

    async def _desk(self) -> _Desk:
        now = await self._source.follower()
        remote = self._source.origin.remote
        if remote.path is None:
            if not now.mirror.exists:
                raise Transient(f"nothing was fetched from {remote} yet")
            return _Desk(now.leash, remote, now.mirror.path, now.mirror.notes_ref, self.ref)
        try:
            place = await anyio.to_thread.run_sync(refs.locate, remote.path)
        except OSError as error:
            raise Transient(f"cannot read {remote}: {error.strerror}") from error
        if place is None:
            raise Transient(f"there is no git repository at {remote}")
        return _Desk(now.leash, remote, place.common.resolve(), self.ref, self.ref)

    async def _pull(self, desk: _Desk) -> None:
        """Make the mirror's notes those of the remote."""
        if desk.is_remote:
            return
        arguments = fetch_arguments(desk.remote.url, f"+{desk.public}:{desk.ref}")
        said = await desk.leash.call([f"--git-dir={desk.git_dir}", *arguments], _DEADLINE)
        if "couldn't find remote ref" in said.err:
            mirror = Mirror(desk.git_dir, self._source.instance, desk.leash)
            await anyio.to_thread.run_sync(mirror.set_ref, desk.ref, None)
        elif not said.ok:
            raise Transient(explain(desk.remote, desk.leash.redact(said.err)))

    async def _swap(self, desk: _Desk, tip: str | None, news: Mapping[str, str], at: datetime) -> str | None:
        """Add one commit with `news` on top of `tip`, and give its id; None when the ref is something else by now."""
        stream = b"".join(_import_stream(desk.ref, tip, news, (self._by, at)))
        arguments = [f"--git-dir={desk.git_dir}", "fast-import", "--quiet", "--done", "--date-format=raw"]
        said = await desk.leash.call(arguments, _DEADLINE, stdin=stream)
        if said.ok:
            return said.out.decode().strip() if desk.is_remote or await self._push(desk) else None
        if "Not updating" in said.err or "cannot lock ref" in said.err or "Unable to create" in said.err:
            _clear_stale_lock(desk, at)
            return None
        raise Transient(f"git cannot write notes to {desk.remote}: {last_line(said)}")

    async def _push(self, desk: _Desk) -> bool:
        options = ["--quiet", "--no-verify", "--no-recurse-submodules"]
        arguments = ["push", *options, "--", desk.remote.url, f"{desk.ref}:{desk.public}"]
        said = await desk.leash.call([f"--git-dir={desk.git_dir}", *arguments], _DEADLINE)
        if said.ok:
            return True
        return self._judge_push(desk, said)

    def _judge_push(self, desk: _Desk, said: Said) -> bool:
        text = desk.leash.redact(said.err)
        if is_refusal(text):
            raise Refused(f"{desk.remote} does not take {desk.public}: allow it for this credential")
        if "[rejected]" in text or "failed to update ref" in text or "cannot lock ref" in text:
            return False
        raise Transient(explain(desk.remote, text))


async def _look(desk: _Desk, commits: Iterable[str]) -> Found:
    """Read the notes on `commits` and which of them exist, from one state of the ref."""
    batch = Batch(desk.leash, desk.git_dir)
    try:
        with anyio.fail_after(_DEADLINE):
            return await in_thread(lambda: _read(batch, desk.ref, list(commits)), batch.end)
    except (TimeoutError, LateError, DamagedError) as error:
        raise Transient(f"the notes of {desk.remote} cannot be read: {error}") from error


def _read(batch: Batch, ref: str, commits: list[str]) -> Found:
    try:
        found = batch.find([ref, *commits])
        exist = frozenset(ident for ident in commits if ident in found)
        tip = found.get(ref)
        if tip is None:
            return Found(None, {}, exist)
        if tip.type != "commit":
            raise Refused(f"{ref} is a {tip.type}, not a commit: remove it")
        places = {f"{tip.id}:{path}": ident for ident in commits for path in _fanouts(ident)}
        notes = {places[name]: item.data.decode("utf-8", "replace") for name, item in batch.find(list(places)).items()}
        return Found(tip.id, notes, exist)
    finally:
        batch.close()


def _fanouts(ident: str) -> Iterator[str]:
    """Where git may keep the note on `ident`: the more notes, the more folders."""
    for folders in range(4):
        cut = [ident[2 * at : 2 * at + 2] for at in range(folders)]
        yield "/".join([*cut, ident[2 * folders :]])


def _import_stream(
    ref: str, tip: str | None, news: Mapping[str, str], signed: tuple[Signature, datetime]
) -> Iterator[bytes]:
    """One commit for git fast-import, which prints its id."""
    by, at = signed
    yield f"commit {ref}\nmark :1\ncommitter {by.name} <{by.email}> {int(at.timestamp())} +0000\n".encode()
    message = f"record {len(news)} notes" if len(news) > 1 else f"record a note on {next(iter(news))[:12]}"
    yield f"data {len(message)}\n{message}\n".encode()
    if tip is not None:
        yield f"from {tip}\n".encode()
    for ident, text in sorted(news.items()):
        data = text.encode("utf-8", "replace")
        yield f"N inline {ident}\ndata {len(data)}\n".encode() + data + b"\n"
    yield b"get-mark :1\ndone\n"


def _clear_stale_lock(desk: _Desk, at: datetime) -> None:
    """Remove the lock of our own ref when whoever made it is long gone."""
    lock = desk.git_dir / f"{desk.ref}.lock"
    with contextlib.suppress(OSError):
        if at.timestamp() - lock.stat().st_mtime > _STALE:
            lock.unlink()
