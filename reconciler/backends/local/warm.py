"""The daemon's end of the warm parent: starts it when it is not there, and hands claims to it.

The parent runs a copy of `supervisor.py` named by its content. Another content is another parent, with a socket of
its own, so a new version of Plumbline leaves the old one's runs alone and only asks it to go when they have ended.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from reconciler.backends.local import supervisor
from reconciler.errors import Transient

__all__ = ["SOURCE", "Warm"]

SOURCE = Path(supervisor.__file__)
PATIENCE = 10.0  # seconds for the parent to start or to answer


class Warm:
    """The parent of this version, by its socket."""

    def __init__(self, root: Path, groups: Sequence[str]) -> None:
        self._root = root
        self._groups = tuple(groups)
        self._code = SOURCE.read_bytes()
        self._ident = hashlib.sha256(self._code).hexdigest()[:16]
        self._starting = threading.Lock()

    def hand(self, folder: Path, names: Sequence[str]) -> None:
        """Have replicas `names` of the claim in `folder` supervised, unless somebody did or does.

        Raises:
            Transient: the parent cannot be started.
        """
        self._ask({"do": "start", "claim": str(folder), "names": list(names)})

    def ping(self) -> dict[str, Any]:
        """The parent's pid, number of supervisors and control group, after starting it if need be.

        Raises:
            Transient: it cannot be started.
        """
        return self._ask({"do": "ping"})

    def dismiss_others(self) -> None:
        """Ask parents of other versions to go once they have no supervisors."""
        for path in self._root.glob("parent-*.sock"):
            if path.name != f"parent-{self._ident}.sock":
                self.leave(path)

    def leave(self, path: Path | None = None) -> None:
        """Ask the parent at `path`, by default our own, to go once it has no supervisors."""
        with contextlib.suppress(OSError, ValueError):
            self._send((path or self._root / f"parent-{self._ident}.sock").name, {"do": "leave"})

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        name = f"parent-{self._ident}.sock"
        for _ in range(3):
            try:
                return self._send(name, request)
            except (OSError, ValueError):
                self._start(name)
        raise Transient("the parent process of local runs does not answer")

    def _send(self, name: str, request: dict[str, Any]) -> dict[str, Any]:
        with self._folder() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as link:
            link.settimeout(PATIENCE)
            link.connect(f"/proc/self/fd/{folder}/{name}")
            link.send(json.dumps(request).encode())
            answer: dict[str, Any] = json.loads(link.recv(1 << 16))
            return answer

    @contextlib.contextmanager
    def _folder(self) -> Iterator[int]:
        # Through /proc/self/fd no path is too long for a socket address.
        folder = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            yield folder
        finally:
            os.close(folder)

    def _start(self, name: str) -> None:
        with self._starting, self._locked():
            with contextlib.suppress(OSError, ValueError):
                self._send(name, {"do": "ping"})
                return  # somebody started it meanwhile
            self._launch()

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """One daemon at a time starts parents."""
        fd = os.open(self._root / "parent-start.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)

    def _launch(self) -> None:
        command = [sys.executable, "-I", "-S", str(self._copy()), str(self._root), self._ident, *self._groups]
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env={"PATH": os.defpath, "LANG": "C.UTF-8"},
                cwd="/",
                timeout=PATIENCE,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Transient(f"the parent process of local runs cannot be started: {error}") from error
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            why = said[-1] if said else f"see {self._root / 'parent.log'}"
            raise Transient(f"the parent process of local runs did not start: {why}")

    def _copy(self) -> Path:
        """The copy of the supervisor that this content is run from."""
        path = self._root / "code" / self._ident / "supervisor.py"
        if not path.exists():
            for folder in (path.parent.parent, path.parent):
                folder.mkdir(mode=0o700, exist_ok=True)
            fresh = path.with_name(f".{os.urandom(6).hex()}")
            supervisor.write_synced(fresh, self._code)
            fresh.replace(path)
        return path
