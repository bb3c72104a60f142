"""Durable records in a folder: small JSON files that appear whole or not at all.

The supervisor of the local backend has the same functions in its own file, as it runs as a copy of that alone.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = [
    "FORMAT",
    "Record",
    "is_alive",
    "make_durable",
    "point",
    "read",
    "write_once",
    "write_over",
    "write_synced",
]

FORMAT = 1
"""Of claims: what their fields mean."""

Record = dict[str, Any]


def point(name: str) -> None:
    """A named instant between two effects. Does nothing; crash tests put something in its place that kills."""


def make_durable(path: Path) -> None:
    """Make the content of a file, or the entries of a folder, survive a power cut."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_synced(path: Path, data: bytes, *, sync: bool = True) -> None:
    """Write `path`, readable by us only, and sync its content, unless nothing would be lost with it."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view) :]
        if sync:
            os.fsync(fd)
    finally:
        os.close(fd)


@contextlib.contextmanager
def _spilled(path: Path, record: Record, *, sync: bool = True) -> Iterator[Path]:
    spill = path.with_name(f".{path.name}.{os.urandom(6).hex()}")
    try:
        write_synced(spill, json.dumps(record).encode(), sync=sync)
        yield spill
    finally:
        spill.unlink(missing_ok=True)


def write_once(path: Path, record: Record, *, content: bool = True) -> bool:
    """Make `path` with its whole content, durably, unless it exists. Returns whether this call made it.

    Without `content` only that it exists survives a power cut; whoever reads it in the same boot finds it whole.
    """
    with _spilled(path, record, sync=content) as spill:
        try:
            path.hardlink_to(spill)
        except FileExistsError:
            return False
    make_durable(path.parent)
    return True


def write_over(path: Path, record: Record) -> None:
    """Replace `path` by `record`, durably: a reader sees the old or the new, never a mixture."""
    with _spilled(path, record) as spill:
        spill.replace(path)
        make_durable(path.parent)


def read(path: Path) -> Record | None:
    """The record at `path`, or None when there is none."""
    try:
        found: Record = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found


def is_alive(pid: int) -> bool:
    """Whether there is a process `pid`."""
    return Path(f"/proc/{pid}").exists()
