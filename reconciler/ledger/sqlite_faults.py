"""What SQLite's errors mean for us, in words for people. This module must never retry or repair anything."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from reconciler.errors import Transient, Unusable

__all__ = ["meaning"]


def meaning(error: sqlite3.Error, path: Path) -> Transient | Unusable | None:
    """The exception that `error` on the ledger at `path` stands for; None when it is a mistake of ours.

    `Unusable` is final for the handle. After a failed write or sync the kernel may have dropped pages that SQLite
    believes to be on disk: only a fresh start from the file is safe.
    """
    match _code(error):
        case sqlite3.SQLITE_FULL:
            return Transient(f"no space left for the state in {path}; nothing was recorded, free some space there")
        case sqlite3.SQLITE_READONLY:
            return Transient(f"the state in {path} is read-only; make the file and its folder writable")
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return Transient(f"the state in {path} is busy: another process is writing to it")
        case sqlite3.SQLITE_CANTOPEN:
            return Transient(f"the state in {path} cannot be opened now; check the folder and the limit of open files")
        case sqlite3.SQLITE_NOMEM:
            return Transient(f"not enough memory to work on the state in {path}")
        case sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
            return Unusable(f"no permission for the state in {path}")
        case sqlite3.SQLITE_IOERR:
            return Unusable(
                f"the disk under the state in {path} failed ({_name(error)}); nothing more is done with it. "
                "check the disk, then start again"
            )
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return Unusable(
                f"the state in {path} is damaged or no Plumbline state ({_name(error)}); "
                "put a backup in its place, or move the whole state folder away and start anew"
            )
        case _:
            return None


def _code(error: sqlite3.Error) -> int:
    """The primary result code; extended ones carry theirs above the lowest byte. 0 where SQLite was not asked."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _name(error: sqlite3.Error) -> str:
    return getattr(error, "sqlite_errorname", type(error).__name__)
