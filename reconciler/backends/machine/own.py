"""Which artifacts folder is a run's own: the one beside its attempts, or that of an earlier round which it goes on in.

Whose folder it is, is noted beside the attempts, where no program can write. This module decides nothing about runs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from planner.keys import Key
from planner.model.artifacts import Earlier
from planner.model.run import Stamp
from reconciler.backends import below
from reconciler.backends.below import Nothing
from reconciler.backends.machine import records
from reconciler.errors import Refused

__all__ = ["MOST_COPIED", "Own", "Runs", "artifacts_of", "copied", "home_of", "noted", "own_of"]

MOST_COPIED = 1_000_000
"""Files and folders that a round gets a copy of."""

_NOTE = "artifacts.json"


@dataclass(frozen=True, slots=True)
class Runs:
    """The folder of all runs, and how programs know it.

    Attributes:
        folder: where it is on this machine.
        seen: what paths of programs begin with; "" where they see it as we do.
    """

    folder: Path
    seen: str = ""

    @property
    def named(self) -> str:
        """What a path into the folder begins with."""
        return self.seen or str(self.folder)


@dataclass(frozen=True, slots=True)
class Own:
    """The artifacts folder of a run that is to start.

    Attributes:
        folder: it.
        earlier: the round that it starts with, or None.
        source: the folder of that round.
    """

    folder: Path
    earlier: Earlier | None = None
    source: Path | None = None


def home_of(key: Key, owner: Stamp, runs: Path) -> Path:
    """The folder of a run, the same for all its attempts."""
    return runs / key.run.dns_name(owner.instance, owner.project)


def artifacts_of(home: Path) -> Path:
    """The artifacts folder of the run whose folder is `home`."""
    note = records.read(home / _NOTE)
    return home / "artifacts" if note is None else home.parent / Path(str(note["of"])).name / "artifacts"


def own_of(key: Key, earlier: Earlier | None, owner: Stamp, runs: Path) -> Own:
    """The artifacts folder that the run of `key` is to have."""
    if earlier is None:
        return Own(home_of(key, owner, runs) / "artifacts")
    source = artifacts_of(home_of(earlier.run, owner, runs))
    return Own(home_of(key, owner, runs) / "artifacts" if earlier.copy else source, earlier, source)


def noted(home: Path, own: Own) -> None:
    """Write down that the run goes on in the folder of an earlier round; a second time changes nothing.

    Raises:
        Refused: that is gone.
    """
    if not own.folder.is_dir():
        raise _gone(own)
    records.write_once(home / _NOTE, {"of": own.folder.parent.name})


def copied(own: Own, target: Path, *, links: bool = False) -> None:
    """Fill the fresh folder `target` with what is in the folder of an earlier round: files and folders, no links.

    Args:
        own: what it is a copy of.
        target: the folder.
        links: whether the copy may share files, as nobody ever writes into one.

    Raises:
        Refused: that is gone, goes away meanwhile, or holds too much.
    """
    assert own.source is not None
    try:
        for count, entry in enumerate(below.entries(own.source, most=MOST_COPIED + 1)):
            if count == MOST_COPIED:
                raise Refused(f"{own.source} has more than {MOST_COPIED:,} files, which are not copied")
            if entry.kind == "folder":
                (target / entry.path).mkdir(mode=0o700, exist_ok=True)
            elif entry.kind == "file" and links:
                (target / entry.path).hardlink_to(own.source / entry.path)
            elif entry.kind == "file":
                _write(own.source, entry, target / entry.path)
    except Nothing:
        raise _gone(own) from None


def _write(source: Path, entry: below.Entry, target: Path) -> None:
    with below.opened(source, entry.path) as (handle, now):
        mode = 0o700 if now.executable else 0o600
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode), "wb") as file:
            for piece in _pieces(handle, now):
                file.write(piece)


def _pieces(handle: int, entry: below.Entry) -> Iterator[bytes]:
    return below.pieces(handle, entry.size) if entry.kind == "file" else iter(())


def _gone(own: Own) -> Refused:
    run = own.earlier.run if own.earlier is not None else "the earlier round"
    return Refused(f"the artifacts of {run} are gone: retry it without --resume and --copy")
