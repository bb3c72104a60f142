"""The first process of a node: `python -m tests.cluster.init FOLDER`, in namespaces of its own.

It starts and ends components as it is asked over a socket, reaps what nobody else does, and knows nothing of
Kubernetes. Whoever uses the cluster *holds* it: an open connection that said so. When the last of them closes, in order
or because its process was killed, this process ends, and with the first process the kernel ends all others of the node,
components and containers, with their mounts, links and rules. So nothing needs to be asked to stop, and no order of
stopping matters.

Requests and answers are a line of JSON each:
`{"do": "hold"}`, `{"do": "release"}`, `{"do": "start", "name": N, "argv": [..], "log": PATH}`,
`{"do": "stop", "name": N, "signal": 15}` (answered when it has ended), `{"do": "send", "name": N, "signal": 19}`,
`{"do": "state"}`.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

UNHELD = 120.0
"""Seconds until it ends where nobody holds it from the start."""
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}
"""Of every component: nothing of the tests' own, such as a proxy that would stand before the API server."""
KERNEL = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}
"""What a kubelet sets for the whole machine. Here it finds it so, in files over the real ones; the machine stays."""


@dataclass
class Component:
    """A started program."""

    pid: int
    ended: int | None = None
    """Its exit code, minus the number of the signal that ended it."""
    waiting: list[socket.socket] = field(default_factory=list)
    """Who asked it to stop and gets the answer."""


def mounts(folder: Path) -> None:
    """Give the node places of its own for everything that components keep at fixed paths."""
    for name in ("log", "lib", "tmp", "cache"):
        (folder / "var" / name).mkdir(parents=True, exist_ok=True)
    if not (folder / "var" / "run").is_symlink():
        (folder / "var" / "run").symlink_to("/run")
    tunables = folder / "kernel"
    commands = [
        ["mount", "--make-rshared", "/"],
        ["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run"],
        ["mount", "--bind", str(folder / "var"), "/var"],
        ["ip", "link", "set", "lo", "up"],
    ]
    for name, value in KERNEL.items():
        (tunables / name).parent.mkdir(parents=True, exist_ok=True)
        (tunables / name).write_text(f"{value}\n")
        if Path("/proc/sys", name).exists():
            commands.append(["mount", "--bind", str(tunables / name), f"/proc/sys/{name}"])
    for command in commands:
        subprocess.run(command, check=True)
    Path("/run/lock").mkdir()
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")  # of this network namespace


class Init:
    """The loop. One thread; nothing in it waits for a single connection or process."""

    def __init__(self, path: Path) -> None:
        self.components: dict[str, Component] = {}
        self.holders: set[socket.socket] = set()
        self.held = False
        self.received: dict[socket.socket, bytes] = {}
        self.selector = selectors.DefaultSelector()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(64)
        self.selector.register(self.listener, selectors.EVENT_READ, self.accept)
        self.woken, waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self.selector.register(self.woken, selectors.EVENT_READ, self.reap)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def run(self) -> None:
        """Serve until nobody holds the node."""
        while not self.held or self.holders:
            events = self.selector.select(None if self.held else UNHELD)
            if not events and not self.held:
                return
            for key, _ in events:
                act: Callable[[Any], None] = key.data
                act(key.fileobj)

    def accept(self, listener: socket.socket) -> None:
        connection, _ = listener.accept()
        self.received[connection] = b""
        self.selector.register(connection, selectors.EVENT_READ, self.receive)

    def receive(self, connection: socket.socket) -> None:
        try:
            data = connection.recv(1 << 16)
        except ConnectionError:
            data = b""
        if not data:
            self.selector.unregister(connection)
            self.holders.discard(connection)
            del self.received[connection]
            connection.close()
            return
        *lines, self.received[connection] = (self.received[connection] + data).split(b"\n")
        for line in lines:
            self.answer(connection, json.loads(line))

    def answer(self, connection: socket.socket, request: dict[str, Any]) -> None:
        match request["do"]:
            case "hold":
                self.held = True
                self.holders.add(connection)
                reply(connection, {"holders": len(self.holders)})
            case "release":
                self.holders.discard(connection)
                reply(connection, {"holders": len(self.holders)})
            case "start":
                reply(connection, self.start(request))
            case "stop":
                self.stop(connection, request)
            case "send":
                self.send(request)
                reply(connection, {})
            case "state":
                reply(connection, {name: [item.pid, item.ended] for name, item in self.components.items()})
            case other:
                reply(connection, {"problem": f"{other}: nothing of that name is done here"})

    def start(self, request: dict[str, Any]) -> dict[str, Any]:
        name, argv = request["name"], request["argv"]
        old = self.components.get(name)
        if old and old.ended is None:
            return {"problem": f"{name} runs already"}
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, request["log"], flags, 0o644),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ]
        try:
            pid = os.posix_spawn(argv[0], argv, ENVIRONMENT, file_actions=actions, setsid=True)
        except OSError as error:
            return {"problem": f"{argv[0]}: {error.strerror}"}
        self.components[name] = Component(pid)
        return {"pid": pid}

    def stop(self, connection: socket.socket, request: dict[str, Any]) -> None:
        component = self.components.get(request["name"])
        if component is None or component.ended is not None:
            reply(connection, {"ended": component.ended if component else None})
            return
        component.waiting.append(connection)
        os.kill(component.pid, request["signal"])

    def send(self, request: dict[str, Any]) -> None:
        component = self.components.get(request["name"])
        if component and component.ended is None:
            os.kill(component.pid, request["signal"])

    def reap(self, woken: int) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(woken, 1 << 12)
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            for component in self.components.values():
                if component.pid == pid and component.ended is None:
                    component.ended = os.waitstatus_to_exitcode(status)
                    for connection in component.waiting:
                        reply(connection, {"ended": component.ended})
                    component.waiting.clear()


def reply(connection: socket.socket, answer: dict[str, Any]) -> None:
    """Answers are shorter than any socket's buffer; who has gone gets none."""
    with contextlib.suppress(OSError):
        connection.sendall(json.dumps(answer).encode() + b"\n")


if __name__ == "__main__":
    base = Path(sys.argv[1])
    mounts(base)
    Init(base / "control").run()
