"""Ports that programs of this machine listen on, read from /proc. Where it cannot be read, none are known."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

__all__ = ["listening"]

LISTEN = "0A"
TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))


def listening(tables: Iterable[Path] = TABLES) -> frozenset[int]:
    """The TCP ports that something listens on, IPv4 and IPv6."""
    found: set[int] = set()
    for table in tables:
        try:
            lines = table.read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if len(fields) > 3 and fields[3] == LISTEN:
                found.add(int(fields[1].rpartition(":")[2], 16))
    return frozenset(found)
