"""The lock of a state folder: one daemon each. Decides nothing else about the folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reconciler.errors import Unusable

__all__ = ["locked"]


@contextmanager
def locked(state: Path) -> Iterator[None]:
    """Hold the state folder for this process: made with mode 0700, locked as long as the process lives.

    Raises:
        Unusable: it cannot be written, or another daemon has it.
    """
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        state.chmod(0o700)
        handle = os.open(state / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Unusable(f"cannot use the state folder {state}: {error.strerror}") from None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(handle, 32, 0).decode(errors="replace").strip() or "unknown"
            raise Unusable(f"another daemon (pid {holder}) has the state folder {state}; stop it first") from None
        try:
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            raise Unusable(f"cannot write to the state folder {state}: {error.strerror}") from None
        yield
    finally:
        os.close(handle)
