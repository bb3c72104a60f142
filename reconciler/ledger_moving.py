"""Moving the ledger from the file of the state folder to the database that the configuration names.

The file is read, copied, and put aside last of all: whatever cuts that off, it is done again from the beginning, or
was done. It must never run beside a daemon, and holds the lock of the state folder.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from reconciler.errors import Unusable
from reconciler.ledger.copying import Copied
from reconciler.ledger.sqlite import open_sqlite
from reconciler.ledgers import FILE, note_sight, server_of
from reconciler.lock import locked
from reconciler.settings import DaemonSettings

__all__ = ["Moved", "move_ledger"]

_ASIDE = ".moved"


@dataclass(frozen=True, slots=True)
class Moved:
    """What was moved, and where the file is now."""

    copied: Copied
    kept: Path


async def move_ledger(settings: DaemonSettings) -> Moved:
    """Move it. The file stays beside its old place, under another name.

    Raises:
        Unusable: there is nothing to move, nowhere to move it to, or a daemon has one of both.
        Transient: the server cannot be reached.
    """
    if settings.ledger is None:
        raise Unusable("the configuration names no database: set ledger.url to where the ledger is to be")
    file = settings.state_folder / FILE
    kept = file.with_name(FILE + _ASIDE)
    with locked(settings.state_folder):
        if not file.exists():
            raise Unusable(f"there is no ledger at {file}" + (f"; it was moved, and is kept as {kept}" * kept.exists()))
        if kept.exists():
            raise Unusable(f"{kept} is a ledger that was moved before: put it elsewhere first")
        # It is brought up to this version, and is known to be whole and of this instance.
        ledger = await open_sqlite(file, settings.instance, "")
        try:
            server = server_of(settings.ledger)
            from reconciler.ledger.postgres import copy_into  # noqa: PLC0415  only where it is installed

            copied = await copy_into(server, settings.instance, ledger.database)
        finally:
            await ledger.close()
        _put_aside(settings, copied, file, kept)
    return Moved(copied, kept)


def _put_aside(settings: DaemonSettings, copied: Copied, file: Path, kept: Path) -> None:
    try:
        note_sight(settings, copied.ident)
        file.rename(kept)
        folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise Unusable(f"the ledger is copied, and {file} cannot be renamed to {kept.name}: {error.strerror}") from None
