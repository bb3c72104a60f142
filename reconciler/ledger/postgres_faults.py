"""What PostgreSQL's errors mean for us, in words for people. This module must never retry or repair anything."""

from __future__ import annotations

import psycopg

from reconciler.errors import Refused, Transient, Unusable

__all__ = ["is_lost", "meaning", "words"]

_LOST = ("08", "57P01", "57P02", "57P03", "57P05", "25P03")
"""The connection is gone, or goes: shut down, cut off as idle, unreachable."""
_PASSING = {
    "53100": "its server has no space left; nothing was recorded, free some space there",
    "53200": "its server has not enough memory now",
    "53300": "its server has no connection left; allow more, or end some",
    "55P03": "it is busy: another connection is writing to it",
    "57014": "its server took too long, and was told to stop",
    "25006": "its server lets nobody write; make it writable, or name the one that is",
    "40001": "two transactions were in each other's way",
    "40P01": "two transactions were in each other's way",
}
_FINAL = {
    "42501": "the role may not do what is needed in it; let it own the database or the schema",
    "58030": "the disk under its server failed; check that disk, then start again",
    "XX001": "it is damaged; put a backup in its place",
    "XX002": "an index of it is damaged; make it anew (REINDEX), or put a backup in its place",
}
_WORDS = 300


def is_lost(error: BaseException | None) -> bool:
    """Whether `error` is about the connection and not about what was asked: on another one it may work."""
    if not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return False
    return error.sqlstate is None or error.sqlstate.startswith(_LOST)


def meaning(error: BaseException | None, name: str) -> Transient | Refused | Unusable | None:
    """The exception that `error` in the ledger at `name` stands for; None when it is a mistake of ours."""
    if not isinstance(error, psycopg.Error):
        return None
    state = error.sqlstate or ""
    if is_lost(error):
        return Transient(f"cannot reach the state in {name}: {words(error)}")
    if state == "54000":
        # An entry of an index has room for about 2,700 bytes. SQLite has no such limit.
        return Refused(
            f"a name is too long for the state in {name}: {words(error)}; shorten the names that it is made of"
        )
    if state in _PASSING:
        return Transient(f"the state in {name} cannot be used now, {_PASSING[state]} ({words(error)})")
    if state in _FINAL:
        return Unusable(f"the state in {name} cannot be used, {_FINAL[state]} ({words(error)})")
    return None


def words(error: psycopg.Error) -> str:
    """The server's own words, or those of the driver, in one line."""
    said = error.diag.message_primary or str(error) or type(error).__name__
    line = " ".join(said.split())
    return line if len(line) <= _WORDS else f"{line[:_WORDS]}…"
