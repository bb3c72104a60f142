"""A server's socket with somebody in between who cuts a connection where it hurts: around a COMMIT."""

from __future__ import annotations

import contextlib
import socket
import threading
from enum import StrEnum
from pathlib import Path


class Cut(StrEnum):
    """What happens to the next COMMIT."""

    NEVER = "never"
    BEFORE = "before"
    """It does not reach the server, which hears that the client is gone."""
    HALF_OPEN = "half-open"
    """It does not reach the server, which hears nothing at all and waits for what comes next."""
    AFTER = "after"
    """It reaches the server, and its answer gets lost."""


class Cutter:
    """Listens in `folder` for those who look for the server of `target` there."""

    def __init__(self, folder: Path, target: Path) -> None:
        self.cut = Cut.NEVER
        self.cuts = 0
        self.happened = threading.Event()
        self._target = target / ".s.PGSQL.5432"
        self._kept: list[socket.socket] = []
        self._unanswered: set[socket.socket] = set()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / ".s.PGSQL.5432"))
        self._listener.listen(8)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for kept in self._kept:
            kept.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                try:
                    server.connect(str(self._target))
                except OSError:
                    server.close()
                    client.close()
                    continue
                self._kept += [client, server]
                threading.Thread(target=self._answers, args=(server, client), daemon=True).start()
                threading.Thread(target=self._asks, args=(client, server), daemon=True).start()

    def _asks(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while asked := client.recv(65536):
                how = self.cut if b"COMMIT\0" in asked else Cut.NEVER
                if how is not Cut.NEVER:
                    self.cut = Cut.NEVER
                    self.cuts += 1
                    self.happened.set()
                if how is Cut.AFTER:
                    self._unanswered.add(server)
                if how in {Cut.BEFORE, Cut.HALF_OPEN}:
                    client.shutdown(socket.SHUT_RDWR)
                    if how is Cut.HALF_OPEN:
                        return
                    break
                server.sendall(asked)
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)

    def _answers(self, server: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while (answered := server.recv(65536)) and server not in self._unanswered:
                client.sendall(answered)
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)
