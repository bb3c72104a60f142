"""Traps for what bad input may try: a connection to anywhere but where it may go, and a program but git.

They are hooks of the interpreter, below every library. One cannot be taken away again, so that it only looks while
`trapped` is open; what it saw fails the test there.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["trapped"]

_NETWORK = frozenset({"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"})
_PROGRAMS = frozenset({"os.exec", "os.posix_spawn", "os.system", "os.fork", "os.forkpty", "pty.spawn"})


@dataclass
class _Trap:
    ports: Collection[int]
    git: bool
    canary: str
    seen: list[str] = field(default_factory=list)

    def see(self, event: str, arguments: tuple[object, ...]) -> None:
        if event in _NETWORK and not self._may(event, arguments):
            self.seen.append(f"{event} {arguments[1:] if event == 'socket.connect' else arguments}")
        elif event in _PROGRAMS:
            self.seen.append(f"{event} {arguments}")
        elif event == "subprocess.Popen":
            # GitPython hands over the daemon's environment, of which `env -i` leaves nothing.
            command = [str(word) for word in arguments[1]]  # type: ignore[attr-defined]
            names = [Path(word).name for word in command]
            ours = self.git and names[:2] == ["env", "-i"] and "git" in names
            if not ours or (self.canary and self.canary in str(command)):
                self.seen.append(f"{event} {command}")

    def _may(self, event: str, arguments: tuple[object, ...]) -> bool:
        where = arguments[1] if event == "socket.connect" else arguments[:2]
        return isinstance(where, tuple) and where[0] == "127.0.0.1" and int(where[1] or 0) in self.ports


_open: list[_Trap] = []


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    for trap in _open:
        trap.see(event, arguments)


sys.addaudithook(_hook)


@contextlib.contextmanager
def trapped(*, ports: Collection[int] = (), git: bool = False, canary: str = "") -> Iterator[list[str]]:
    """Fail at the end if anything was tried in here; gives what was, so that a test of the traps can take it out.

    Args:
        ports: of loopback, that may be connected to.
        git: whether git may be started, as the daemon does it.
        canary: what may stand in no command.
    """
    trap = _Trap(ports, git, canary)
    _open.append(trap)
    try:
        yield trap.seen
    finally:
        _open.remove(trap)
    assert trap.seen == []
