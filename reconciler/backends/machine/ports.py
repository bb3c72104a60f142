"""Ports that programs of this machine listen on, read from /proc. Where it cannot be read, none are known."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

__all__ = ["Busy", "listening"]

AGE = 1.0
"""Seconds that an answer is good for: the kernel walks its whole table of sockets, which takes longer than a look."""
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


class Busy:
    """The ports that others listen on."""

    def __init__(self) -> None:
        self._read_at = -AGE
        self._found: frozenset[int] = frozenset()

    def of_others(self, leased: Iterable[int]) -> frozenset[int]:
        """All but those that are leased to us. What was ours when they were read is never others': it may be free."""
        ours = frozenset(leased)
        if time.monotonic() - self._read_at >= AGE:
            self._found = listening() - ours
            self._read_at = time.monotonic()
        return self._found - ours
