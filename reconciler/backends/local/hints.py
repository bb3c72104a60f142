"""Hints of change: a datagram socket that supervisors poke once their record is durable.

Each listener has its own socket, so that two daemons both hear. What is lost is found by the next look.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from planner import keys
from planner.keys import Key

__all__ = ["drain", "listener"]


@contextlib.contextmanager
def listener(folder: Path) -> Iterator[socket.socket]:
    """A socket in `folder` that hears of changes for as long as the block lasts."""
    name = f"{os.getpid()}-{os.urandom(4).hex()}"
    where = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
            ear.settimeout(0)
            ear.bind(f"/proc/self/fd/{where}/{name}")  # short, however deep the folder is
            try:
                yield ear
            finally:
                with contextlib.suppress(OSError):
                    os.unlink(name, dir_fd=where)
    finally:
        os.close(where)


def drain(ear: socket.socket, scope: str) -> list[Key]:
    """The keys of `scope` that were said to have changed, each once."""
    found: dict[Key, None] = {}
    while True:
        try:
            said, _, text = ear.recv(4096).decode(errors="replace").partition("\n")
        except BlockingIOError:
            return list(found)
        if said == scope:
            with contextlib.suppress(ValueError):
                found[keys.parse(text)] = None
