"""Reading git notes: where they are, and what one state of their ref says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import anyio

from reconciler.errors import Refused, Transient
from reconciler.source.batch import Batch
from reconciler.source.git import LateError, Leash, in_thread
from reconciler.source.objects import DamagedError
from reconciler.source.remote import Remote

__all__ = ["DEADLINE", "Desk", "Found", "look"]

DEADLINE = 60.0
"""Seconds that git may take."""


@dataclass(frozen=True, slots=True)
class Desk:
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
        paths: where in the tree of the notes each of `notes` is.
    """

    tip: str | None
    notes: Mapping[str, str]
    commits: frozenset[str]
    paths: Mapping[str, str]


async def look(desk: Desk, commits: Iterable[str]) -> Found:
    """Read the notes on `commits` and which of them exist, from one state of the ref."""
    batch = Batch(desk.leash, desk.git_dir)
    try:
        with anyio.fail_after(DEADLINE):
            return await in_thread(lambda: _read(batch, desk.ref, list(commits)), batch.end)
    except (TimeoutError, LateError, DamagedError) as error:
        raise Transient(f"the notes of {desk.remote} cannot be read: {error}") from error


def _read(batch: Batch, ref: str, commits: list[str]) -> Found:
    try:
        found = batch.find([ref, *commits])
        exist = frozenset(ident for ident in commits if ident in found)
        tip = found.get(ref)
        if tip is None:
            return Found(None, {}, exist, {})
        if tip.type != "commit":
            raise Refused(f"{ref} is a {tip.type}, not a commit: remove it")
        asked = {f"{tip.id}:{path}": (ident, path) for ident in commits for path in _fanouts(ident)}
        there = [(*asked[name], item.data.decode("utf-8", "replace")) for name, item in batch.find(list(asked)).items()]
        notes = {ident: text for ident, _, text in there}
        return Found(tip.id, notes, exist, {ident: path for ident, path, _ in there})
    finally:
        batch.close()


def _fanouts(ident: str) -> Iterator[str]:
    """Where git may keep the note on `ident`: the more notes, the more folders."""
    for folders in range(4):
        cut = [ident[2 * at : 2 * at + 2] for at in range(folders)]
        yield "/".join([*cut, ident[2 * folders :]])
