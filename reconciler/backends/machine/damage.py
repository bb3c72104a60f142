"""Claims that are there and cannot be read: how one is told from a claim that is not there.

Whoever takes the one for the other starts a program twice. So nothing here ever guesses.
"""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

from reconciler.backends.machine import records
from reconciler.errors import Transient

__all__ = ["Unreadable", "claim_record", "unreadable"]

_OF_ONE_FILE = frozenset({errno.EIO, errno.EACCES, errno.EISDIR, errno.ELOOP})  # others are of the disk or of us


class Unreadable(Transient):
    """A claim is there and says nothing that we understand: neither that its run lives, nor that it does not."""


def unreadable(folder: Path, why: str) -> Unreadable:
    """What to raise for the claim in `folder`."""
    return Unreadable(
        f"the claim {folder} cannot be read ({why}): its run counts as running; put the file back, or remove the "
        "folder once no process of the run is left"
    )


def claim_record(folder: Path) -> dict[str, Any] | None:
    """What the claim.json of the claim `folder` says; None when there is no such claim.

    Raises:
        Unreadable: there is one, and it cannot be read or is no claim.
    """
    there = folder.is_dir()  # asked first: a claim appears with its claim.json in it
    try:
        record = records.read(folder / "claim.json")
    except ValueError as error:
        raise unreadable(folder, f"claim.json: {error}") from error
    except OSError as error:
        if error.errno not in _OF_ONE_FILE:
            raise
        raise unreadable(folder, f"claim.json: {error.strerror}") from error
    if record is None and not there:
        return None
    if record is None:
        raise unreadable(folder, "claim.json is missing")
    if not _is_claim(record):
        raise unreadable(folder, "claim.json is no claim")
    return record


def _is_claim(record: object) -> bool:
    if not isinstance(record, dict) or not isinstance(record.get("key"), str) or "version" not in record:
        return False
    replicas = record.get("replicas")
    return record["version"] != records.FORMAT or (
        isinstance(replicas, list)
        and all(isinstance(one, dict) and isinstance(one.get("name"), str) for one in replicas)
    )
