"""The last step of clearing up: processes of the demo's runs that nobody stopped, found by what they were started with.

It looks at this machine's processes and not at records, so that it works when the daemon or its state are damaged. It
must never end anything that is not certainly the demo's: a shell in its folder and a pager of its log are a person's.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

__all__ = ["end"]

_TERM_SECONDS = 5.0
_KILL_SECONDS = 10.0
_LOOK = 0.05


def end(runs: Path, state: Path) -> list[int]:
    """End what runs with artifacts below `runs`, then the supervisors of `state`; returns what would not end."""
    left = _end(lambda pid: _is_run(pid, runs))
    # Their supervisors write down how runs ended, so they go last.
    return left + _end(lambda pid: _is_supervisor(pid, state))


def _end(is_ours: Callable[[int], bool]) -> list[int]:
    for number, seconds in ((signal.SIGTERM, _TERM_SECONDS), (signal.SIGKILL, _KILL_SECONDS)):
        deadline = time.monotonic() + seconds
        while left := [pid for pid in _pids() if is_ours(pid)]:
            for pid in left:
                _send(pid, number, is_ours)
            if time.monotonic() > deadline:
                break
            time.sleep(_LOOK)
        if not left:
            return []
    return left


def _pids() -> list[int]:
    with os.scandir("/proc") as entries:
        return [int(entry.name) for entry in entries if entry.name.isdigit()]


def _send(pid: int, number: signal.Signals, is_ours: Callable[[int], bool]) -> None:
    """Signal `pid` while it is ours: the descriptor keeps its number from meaning another process."""
    with contextlib.suppress(OSError):
        process = os.pidfd_open(pid)
        try:
            if is_ours(pid):
                signal.pidfd_send_signal(process, number)
        finally:
            os.close(process)


def _is_run(pid: int, runs: Path) -> bool:
    """Whether it, or the process that it was forked from, was started as a run below `runs`."""
    mark = f"PLUMBLINE_ARTIFACTS={runs}/".encode()
    return any(variable.startswith(mark) for variable in _words(pid, "environ"))


def _is_supervisor(pid: int, state: Path) -> bool:
    """Whether it runs the copy of the supervisor that the daemon keeps in its state."""
    mark = f"{state}/local/code/".encode()
    return any(word.startswith(mark) for word in _words(pid, "cmdline"))


def _words(pid: int, name: str) -> list[bytes]:
    # A zombie has neither, and is its parent's to reap.
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/{name}").read_bytes().split(b"\0")
    return []
