"""The socket of a node's first process, from the outside."""

from __future__ import annotations

import json
import signal
import socket
import struct
from pathlib import Path
from typing import Any


class ControlError(Exception):
    """The node refused, is silent, or is no more."""


class Control:
    """A connection. While it is open and has called `hold`, the cluster lives."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        try:
            self._socket.connect(str(path))
        except OSError as error:
            self._socket.close()
            raise ControlError(f"{path}: no node answers here: {error.strerror}") from error
        self._received = b""

    def close(self) -> None:
        self._socket.close()

    @property
    def pid(self) -> int:
        """The node's first process, as this process's namespace counts."""
        size = struct.calcsize("3i")
        pid, _, _ = struct.unpack("3i", self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
        return int(pid)

    def hold(self) -> None:
        self._ask({"do": "hold"})

    def release(self) -> int:
        """Hold it no longer; how many others do."""
        return int(self._ask({"do": "release"})["holders"])

    def start(self, name: str, argv: list[str], log: Path) -> None:
        self._ask({"do": "start", "name": name, "argv": argv, "log": str(log)})

    def stop(self, name: str, how: signal.Signals = signal.SIGTERM, patience: float = 20) -> None:
        """End a component and wait for its end; after `patience` seconds it is killed."""
        try:
            self._ask({"do": "stop", "name": name, "signal": int(how)}, patience)
        except TimeoutError:
            self._ask({"do": "stop", "name": name, "signal": int(signal.SIGKILL)})
            self._line(5)  # the same end answers the first request too

    def send(self, name: str, what: signal.Signals) -> None:
        """Send a signal to a component that goes on."""
        self._ask({"do": "send", "name": name, "signal": int(what)})

    def ended(self) -> dict[str, int]:
        """Components that have ended, with their exit code."""
        return {name: end for name, (_, end) in self._ask({"do": "state"}).items() if end is not None}

    def _ask(self, request: dict[str, Any], timeout: float = 30) -> dict[str, Any]:
        try:
            self._socket.sendall(json.dumps(request).encode() + b"\n")
            answer = json.loads(self._line(timeout))
        except ConnectionError as error:
            raise ControlError("the node's first process has ended") from error
        if "problem" in answer:
            raise ControlError(answer["problem"])
        return dict(answer)

    def _line(self, timeout: float) -> bytes:
        self._socket.settimeout(timeout)
        while b"\n" not in self._received:
            data = self._socket.recv(1 << 16)
            if not data:
                raise ConnectionResetError
            self._received += data
        line, _, self._received = self._received.partition(b"\n")
        return line
