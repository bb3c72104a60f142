"""`plumbline open` of a service that is reached through the daemon: bytes, ends and failures of connections."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import socket
import socketserver
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import pytest

from planner.keys import Key
from reconciler.errors import Transient
from reconciler.ports_reach import Stream
from tests.reconciler.api.support import World, job, service
from tests.reconciler.cli.support import Shell, daemon, until

pytestmark = pytest.mark.process

PATIENCE = 120.0
"""Seconds after which a test that waits in vain is ended."""
SIZE = 24 << 20
"""More than all buffers on the way together."""


@dataclass
class Reach:
    """Leads to programs of this test."""

    ports: dict[int, int]
    url: str = ""
    trouble: str = ""
    asked: list[str] = field(default_factory=list)

    async def outside(self, key: Key) -> str:
        self.asked.append(str(key))
        return self.url

    async def connect(self, key: Key, port: int) -> Stream:
        if self.trouble:
            raise Transient(self.trouble)
        self.asked.append(str(key))
        return await anyio.connect_tcp("127.0.0.1", self.ports[port])


@contextlib.contextmanager
def program(says: Callable[[socket.socket], None]) -> Iterator[int]:
    """The port of a program that treats each connection like this."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):
                says(self.request)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def digests(connection: socket.socket) -> None:
    """Read to the end, and only then say what was read."""
    found = hashlib.sha256()
    while piece := connection.recv(1 << 16):
        found.update(piece)
    connection.sendall(found.hexdigest().encode())


def pours(connection: socket.socket) -> None:
    connection.sendall(bytes(SIZE))


def echoes(connection: socket.socket) -> None:
    while piece := connection.recv(1 << 16):
        connection.sendall(piece)


def resets(connection: socket.socket) -> None:
    connection.recv(1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()


@contextlib.contextmanager
def serving(folder: Path, reach: Reach) -> Iterator[tuple[Shell, World]]:
    world = World()
    world.backend.reach = reach  # type: ignore[attr-defined]
    two = service("serve").replace(b"ports: [8080]", b"ports: [8080, 9090]")
    world.push({"a.yaml": two, "b.yaml": job("good")})
    with daemon(world, folder / "state") as shell:
        until(shell, "ready", "status")
        yield shell, world


class Opened:
    """`plumbline open` as it runs."""

    def __init__(self, shell: Shell, *args: str) -> None:
        words = [sys.executable, "-m", "reconciler.cli", "open", "serve", "--no-browser", *args]
        env = {**os.environ, "PLUMBLINE_STATE": str(shell.state)}
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(words, env=env, stdout=pipe, stderr=pipe, text=True)
        self._watch = threading.Timer(PATIENCE, self.process.kill)
        self._watch.start()

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def said(self) -> str:
        assert self.process.stderr is not None
        return self.process.stderr.readline().strip()

    def end(self, number: int = signal.SIGKILL) -> int:
        self._watch.cancel()
        self.process.send_signal(number)
        self.process.communicate(timeout=PATIENCE)
        return self.process.returncode


@contextlib.contextmanager
def opened(shell: Shell, *args: str) -> Iterator[Opened]:
    command = Opened(shell, *args)
    try:
        yield command
    finally:
        command.end()


def connected(url: str) -> socket.socket:
    host, _, port = url.removeprefix("http://").strip("/").partition(":")
    return socket.create_connection((host, int(port)), timeout=PATIENCE)


def read_all(connection: socket.socket) -> bytes:
    found = bytearray()
    while piece := connection.recv(1 << 16):
        found += piece
    return bytes(found)


def test_each_port_is_reached_and_ctrl_c_ends_it(tmp_path: Path) -> None:
    with program(digests) as first, program(pours) as second:
        reach = Reach({8080: first, 9090: second})
        with serving(tmp_path, reach) as (shell, _), opened(shell) as command:
            one, two = command.line(), command.line()
            assert command.said() == "serve@g1 is forwarded until Ctrl-C"
            data = os.urandom(SIZE)
            with connected(one) as connection:
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
                assert read_all(connection) == hashlib.sha256(data).hexdigest().encode(), "it heard the end"
            with connected(two) as connection:
                assert len(read_all(connection)) == SIZE
            assert reach.asked == ["serve@g1#1"] * 2
            assert command.end(signal.SIGINT) == 130


def test_connections_are_independent(tmp_path: Path) -> None:
    with program(echoes) as port, serving(tmp_path, Reach({8080: port})) as (shell, _), opened(shell) as command:
        url = command.line()
        with connected(url) as one, connected(url) as two:
            for connection, word in ((two, b"two"), (one, b"one")):
                connection.sendall(word)
                assert connection.recv(10) == word
            one.close()
            two.sendall(b"still")
            assert two.recv(10) == b"still"


def test_what_is_wrong_is_said_once_and_the_next_connection_is_tried(tmp_path: Path) -> None:
    with program(echoes) as port:
        reach = Reach({8080: port}, trouble="no pod of serve@g1#1 is ready now")
        with serving(tmp_path, reach) as (shell, world), opened(shell) as command:
            url = command.line()
            command.said()
            for _ in range(3):
                with connected(url) as connection:
                    assert read_all(connection) == b""
            assert command.said() == "no pod of serve@g1#1 is ready now"
            reach.trouble = ""
            with connected(url) as connection:
                connection.sendall(b"well")
                assert connection.recv(10) == b"well"
            shell("stop", "serve")
            until(shell, "down", "status")
            world.core.queue.add("survey")
            with connected(url) as connection:
                assert read_all(connection) == b""
            assert "plumbline retry serve" in command.said(), "the daemon's reason, and nothing in between"


def test_a_connection_that_is_cut_is_no_end(tmp_path: Path) -> None:
    with program(resets) as port, serving(tmp_path, Reach({8080: port})) as (shell, _), opened(shell) as command:
        url = command.line()
        command.said()
        with connected(url) as connection:
            connection.sendall(b"x")
            with contextlib.suppress(ConnectionResetError):
                assert connection.recv(10) == b""
        assert command.said() == "a connection to serve was cut; plumbline logs serve shows what it says"


def test_the_daemon_may_go_away(tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        port = stack.enter_context(program(echoes))
        with serving(tmp_path, Reach({8080: port})) as (shell, _):
            command = stack.enter_context(opened(shell))
            url = command.line()
            command.said()
        with connected(url) as connection:
            assert read_all(connection) == b""
        assert "no daemon answers any more" in command.said()


def test_json_and_a_port_of_ones_choice(tmp_path: Path) -> None:
    with program(echoes) as port, serving(tmp_path, Reach({8080: port})) as (shell, _):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            number = taken.getsockname()[1]
            refused = shell("open", "serve", "--no-browser", "--port", str(number), code=3)
            assert f"cannot listen on 127.0.0.1:{number}" in refused.stderr
        with opened(shell, "-o", "json", "--port", str(number)) as command:
            lines = [command.line()]
            while lines[-1] != "}":
                lines.append(command.line())
            answer: dict[str, Any] = json.loads("\n".join(lines))
            assert answer["url"] == answer["urls"][0] == f"http://127.0.0.1:{number}/"
            assert (answer["run"], answer["ports"], answer["forward"]) == ("serve@g1", [8080, 9090], True)
            with connected(answer["url"]) as connection:
                connection.sendall(b"x")
                assert connection.recv(1) == b"x"


def test_what_cannot_be_opened_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with serving(tmp_path, Reach({})) as (shell, _):
        until(shell, "succeeded", "status")
        assert "good@g1 is a job; only services can be opened" in shell("open", "good@last", code=2).stderr


def test_a_way_in_from_outside_is_named(tmp_path: Path) -> None:
    reach = Reach({}, url="https://serve.example.org/")
    world = World()
    world.backend.reach = reach  # type: ignore[attr-defined]
    world.push({"a.yaml": service("serve").replace(b"ports:", b"isExternal: true\n    ports:")})
    with daemon(world, tmp_path / "state") as shell:
        until(shell, "ready", "status")
        assert shell("open", "serve", "--no-browser").stdout == "https://serve.example.org/\n"
