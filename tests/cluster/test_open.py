"""Services of a real cluster as people reach them: by `plumbline open`, through pods that come and go."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest

from planner.keys import Key
from planner.model.gang import Lifetime
from planner.model.run import Phase
from reconciler.backends.kubernetes.access import Access
from reconciler.backends.kubernetes.backend import KubernetesBackend
from reconciler.backends.kubernetes.reaching import KubernetesReach
from reconciler.errors import Refused, Transient
from reconciler.ports_reach import Stream
from tests.cluster.test_daemon import PATIENCE, TICK, WEB, ClusterPlace
from tests.cluster.world import OWNER, ClusterWorld, let_go
from tests.contracts.backend import seen
from tests.contracts.backend import until as eventually
from tests.e2e.harness import Nursery, environment, until

pytestmark = pytest.mark.cluster

NEVER = WEB.replace("name: web", "name: never").replace("path: /,", "path: /nothing,")
OUTSIDE = WEB.replace("name: web", "name: outside").replace("ports:", "isExternal: true\n    ports:")


@pytest.fixture
def place(cluster: Any, namespace: str, tmp_path: Path) -> Iterator[ClusterPlace]:
    nursery = Nursery()
    made = ClusterPlace(cluster, namespace, tmp_path / "place", nursery)
    route = {"host": "{service}.ml.example.org", "tlsSecret": "certificate"}
    made.configure(backends={"kubernetes": {**made.settings["backends"]["kubernetes"], "route": route}})
    yield made
    nursery.close()
    let_go(cluster, namespace)


class Opened:
    """`plumbline open` as it runs, with the address that it printed."""

    def __init__(self, place: ClusterPlace, name: str) -> None:
        words = [sys.executable, "-m", "reconciler.cli", "open", name, "--no-browser"]
        env = {**environment(), "PLUMBLINE_STATE": str(place.state)}
        self._process = subprocess.Popen(words, env=env, stdout=subprocess.PIPE, text=True)
        self._watch = threading.Timer(PATIENCE, self._process.kill)
        self._watch.start()
        assert self._process.stdout is not None
        host, _, port = self._process.stdout.readline().strip().removeprefix("http://").strip("/").partition(":")
        self.address = host, int(port)

    def end(self, number: int) -> int:
        self._watch.cancel()
        self._process.send_signal(number)
        self._process.communicate(timeout=PATIENCE)
        return self._process.returncode

    def get(self) -> bytes:
        """What the service answers, "" where nobody does."""
        with contextlib.suppress(OSError), self.connected() as connection:
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            connection.shutdown(socket.SHUT_WR)  # who has asked and says no more is answered all the same
            return _rest(connection)
        return b""

    def connected(self) -> socket.socket:
        return socket.create_connection(self.address, timeout=PATIENCE)


def _rest(connection: socket.socket) -> bytes:
    found = b""
    while piece := connection.recv(1 << 16):
        found += piece
    return found


def _pods(place: ClusterPlace) -> set[str]:
    """Names of the pods that are ready and stay."""
    found = place.cluster.api.get(f"/api/v1/namespaces/{place.namespace}/pods")["items"]
    ready = [one for one in found if _is_ready(one) and "deletionTimestamp" not in one["metadata"]]
    return {one["metadata"]["name"] for one in ready}


def _is_ready(pod: dict[str, Any]) -> bool:
    said = pod["status"].get("conditions") or ()
    return any(one["type"] == "Ready" and one["status"] == "True" for one in said)


def test_a_service_is_reached_while_the_command_runs(place):
    place.push({"web.yaml": place.spec(WEB, word="one")})
    place.start()
    place.becomes("web", "ready")
    command = Opened(place, "web")
    try:
        assert b"one" in command.get()
        with command.connected() as first, command.connected() as second:
            for connection in (second, first):
                connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
                assert b"one" in _rest(connection)
        (old,) = _pods(place)
        place.cluster.api.delete(f"/api/v1/namespaces/{place.namespace}/pods/{old}")
        until(lambda: _pods(place) - {old}, "another pod is ready", PATIENCE)
        until(lambda: b"one" in command.get(), "it answers by the same address", PATIENCE)
        place.push({"web.yaml": place.spec(WEB, word="two")})
        until(lambda: b"two" in command.get(), "the next generation answers there", PATIENCE)
        assert command.end(signal.SIGINT) == 130
    finally:
        command.end(signal.SIGKILL)


def test_what_cannot_be_opened_says_why_and_a_route_is_named(place):
    place.push({"never.yaml": place.spec(NEVER, word="x"), "outside.yaml": place.spec(OUTSIDE, word="x")})
    place.push({"tick.yaml": place.spec(TICK)})
    place.start()
    place.becomes("outside", "ready")
    assert place.plumbline("open", "outside", "--no-browser").startswith("https://outside-")
    assert place.plumbline("open", "outside", "--no-browser").strip().endswith(".ml.example.org/")
    until(lambda: "is starting and not ready yet" in _complaint(place, "never"), "why it is not opened", PATIENCE)
    until(lambda: "tick@" in place.plumbline("runs", "--root", "tick"), "a job was there", PATIENCE)
    assert "is a job; only services can be opened" in _complaint(place, "tick@last")


def _complaint(place: ClusterPlace, name: str) -> str:
    words = [sys.executable, "-m", "reconciler.cli", "open", name]
    env = {**environment(), "PLUMBLINE_STATE": str(place.state)}
    done = subprocess.run(words, env=env, stderr=subprocess.PIPE, text=True, check=False, timeout=PATIENCE)
    assert done.returncode == 2, os.fsdecode(done.stderr)
    return done.stderr


class TestWays:
    """What leads to pods, without a daemon around it."""

    pytestmark = pytest.mark.anyio

    @pytest.fixture
    async def world(self, cluster, namespace, tmp_path):
        world = ClusterWorld(cluster, namespace, tmp_path)
        yield world
        await world.close()

    async def served(self, world: ClusterWorld) -> tuple[KubernetesBackend, Key]:
        """A service that says back what it hears on 8080; nobody listens on 9090."""
        backend, order = world.open(), world.shell("web", "exec nc -ll -p 8080 -e cat")
        gang = replace(order.run.gang, lifetime=Lifetime.ALWAYS, ports=(8080, 9090))
        await backend.ensure(replace(order, run=replace(order.run, kind="service", gang=gang)))

        async def ready() -> bool:
            now = await seen(backend, order.key)
            return now is not None and now.phase is Phase.RUNNING and now.ready

        await eventually(world, ready)
        return backend, order.key

    def reach(self, world: ClusterWorld, backend: KubernetesBackend, access: Access) -> KubernetesReach:
        return KubernetesReach(access, backend._objects, OWNER, world.settings)

    async def test_a_daemon_in_the_cluster_reaches_pods_by_their_address(self, world):
        backend, key = await self.served(world)
        inside = self.reach(world, backend, Access())
        stream = await inside.connect(key, 8080)
        await stream.send(b"hello")
        assert await stream.receive() == b"hello"
        await stream.aclose()
        with pytest.raises(Transient, match=r"port 9090 of pod \S+ does not answer"):
            await inside.connect(key, 9090)

    async def test_the_api_server_passes_bytes_on(self, world):
        """More than all buffers between: what is not read stops who writes, and nothing of it is lost."""
        backend, key = await self.served(world)
        data = os.urandom(1 << 20) * 8
        stream = await backend.reach.connect(key, 8080)
        async with anyio.create_task_group() as group:
            group.start_soon(_send, stream, data)
            assert await _read(stream, len(data)) == data
        await stream.aclose()
        silent = await backend.reach.connect(key, 9090)
        with pytest.raises((anyio.BrokenResourceError, anyio.EndOfStream)):
            await silent.receive()
        await silent.aclose()

    async def test_a_right_that_is_missing_is_named(self, world, cluster, namespace):
        backend, key = await self.served(world)
        powerless = self.reach(world, backend, Access(cluster.kubeconfig_for_account(namespace, "default")))
        with pytest.raises(
            Refused, match=r"its account needs `get` and `create` on `pods/portforward` in the namespace"
        ):
            await powerless.connect(key, 8080)
        await powerless.close()


async def _send(stream: Stream, data: bytes) -> None:
    for at in range(0, len(data), 1 << 16):
        await stream.send(data[at : at + (1 << 16)])


async def _read(stream: Stream, size: int) -> bytes:
    found = bytearray()
    while len(found) < size:
        found += await stream.receive()
    return bytes(found)
