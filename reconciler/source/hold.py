"""The hold on a mirror: one lock that the daemon and every git process of its share, held while any of them lives.

Git runs in sessions of its own and outlives a daemon that is killed. What it still writes, and its lock files, are no
left-overs; whoever comes next waits until it has ended. This module ends nobody's process.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import anyio
import anyio.to_thread

from reconciler.errors import Transient

__all__ = ["take"]

_STEP = 0.02


async def take(file: Path, seconds: float) -> int:
    """The descriptor that holds `file`, to be handed to every process that writes beside it, and closed at the end.

    Args:
        file: the lock file, made where it is missing.
        seconds: how long to wait for processes that a killed daemon left.

    Raises:
        Transient: they have not ended by then, or the file cannot be made.
    """
    until = anyio.current_time() + seconds
    while True:
        found = _try(file)
        if found is not None:
            return found
        if anyio.current_time() >= until:
            pids = await anyio.to_thread.run_sync(lambda: ", ".join(map(str, _holders(file))))
            who = f"git of a daemon that was killed ({f'pid {pids}' if pids else 'ending now'})"
            raise Transient(f"{who} still works on {file.parent}; it must end first")
        await anyio.sleep(_STEP)


def _try(file: Path) -> int | None:
    """A descriptor with the lock; None while somebody else has it."""
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Transient(f"cannot write to {file.parent}: {error.strerror}") from error
    try:
        fcntl.flock(made, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(made)
        return None
    except OSError as error:
        os.close(made)
        raise Transient(f"cannot lock {file}: {error.strerror}") from error
    return made


def _holders(file: Path) -> Iterator[int]:
    """Processes that have `file` open, as far as they may be looked at."""
    wanted = os.path.realpath(file)
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if any(str(opened.readlink()) == wanted for opened in (process / "fd").iterdir()):
                yield int(process.name)
