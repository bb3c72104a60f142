"""A replica that stands by: what it answers itself, and what it passes on to the leader."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from anyio.abc import SocketStream

from reconciler.elected import Leader
from reconciler.errors import Unusable
from reconciler.passing import pass_on
from reconciler.standing import Listening, Standing
from tests.ports import free_port

pytestmark = [pytest.mark.unit, pytest.mark.anyio]


def free() -> str:
    return f"127.0.0.1:{free_port()}"


class Election:
    def __init__(self) -> None:
        self.leader: Leader | None = None
        self.unseen = ""
        self.lease, self.replica = "ml/plumbline", "plumbline-b_2"


async def answers(url: str, socket_at: Path | None = None) -> httpx.Response:
    """What is answered, once somebody listens."""
    transport = httpx.AsyncHTTPTransport(uds=str(socket_at) if socket_at else None)
    async with httpx.AsyncClient(transport=transport, trust_env=False) as client:
        while True:
            try:
                return await client.get(url)
            except httpx.TransportError:
                await anyio.sleep(0.01)


@contextlib.asynccontextmanager
async def standing(folder: Path, **said: Any) -> AsyncIterator[tuple[Election, Standing]]:
    election = Election()
    stands = Standing(Listening(folder, **{"health": "", "passed": {}, "own": (), **said}), election)
    with anyio.fail_after(30):
        async with anyio.create_task_group() as group:
            group.start_soon(stands.run)
            yield election, stands
            await stands.stop()


async def test_it_says_who_leads(tmp_path):
    health = free()
    async with standing(tmp_path, health=health) as (election, stands):

        async def ready() -> tuple[int, dict[str, Any]]:
            answer = await answers(f"http://{health}/readyz")
            return answer.status_code, answer.json()

        assert await ready() == (200, {"status": "standing by", "leader": ""})
        assert (await answers(f"http://{health}/healthz")).json() == {"status": "alive"}
        assert "plumbline_leader 0.0" in (await answers(f"http://{health}/metrics")).text
        election.leader = Leader("plumbline-a_1", "2026-11-26T06:00:00Z", {})
        assert await ready() == (200, {"status": "standing by", "leader": "plumbline-a_1"})
        answer = await answers("http://plumbline/v1/status", tmp_path / "plumbline.sock")
        words = "this replica stands by: plumbline-a_1 leads since 2026-11-26T06:00:00Z; ask there"
        assert (answer.status_code, answer.json()["detail"]) == (503, words)
        assert answer.json()["standingBy"] is True
        assert answer.json()["election"] == {
            "lease": "ml/plumbline",
            "replica": "plumbline-b_2",
            "leader": "plumbline-a_1",
            "since": "2026-11-26T06:00:00Z",
            "leads": False,
            "unseen": "",
        }
        election.unseen = "leases is forbidden"
        assert (await ready())[0] == 503
        answer = await answers("http://plumbline/v1/commands", tmp_path / "plumbline.sock")
        assert "cannot tell who leads: leases is forbidden" in answer.json()["detail"]
        election.unseen, stands.begins = "", True
        assert (await ready())[1]["reasons"] == ["this replica is about to lead: ask again in a moment"]


async def test_it_gives_its_addresses_back(tmp_path):
    health, pods = free(), free()
    for early in (True, False):
        async with standing(tmp_path, health=health, passed={"pods": pods}) as (_, stands):
            if not early:
                await answers(f"http://{health}/healthz")
            await stands.stop()
            for address in (health, pods):
                host, _, port = address.rpartition(":")
                socket.create_server((host, int(port))).close()


async def test_an_address_that_is_taken_is_said(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ExceptionGroup) as caught:
            await Standing(Listening(tmp_path, "", {"pods": address}, ()), Election()).run()
        assert caught.group_contains(Unusable, match=f"cannot listen on {address}")


@contextlib.asynccontextmanager
async def echo(say: bytes) -> AsyncIterator[str]:
    """A leader: reads to the end, and answers with that and a word of its own."""

    async def handle(stream: SocketStream) -> None:
        async with stream:
            data = b""
            with contextlib.suppress(anyio.EndOfStream):
                while True:
                    data += await stream.receive()
            await stream.send(say + data)

    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, handle)
        yield f"127.0.0.1:{listener.listeners[0].extra(anyio.abc.SocketAttribute.local_port)}"
        group.cancel_scope.cancel()


async def ask(address: str, data: bytes) -> bytes:
    host, _, port = address.rpartition(":")
    while True:
        with contextlib.suppress(OSError):
            stream = await anyio.connect_tcp(host, int(port))
            break
        await anyio.sleep(0.01)
    async with stream:
        answer = b""
        with contextlib.suppress(anyio.EndOfStream, anyio.BrokenResourceError):
            await stream.send(data)
            await stream.send_eof()
            while True:
                answer += await stream.receive()
        return answer


async def test_connections_are_passed_on_to_whoever_leads():
    leader, large = "", b"x" * 3_000_000
    here = free()
    with anyio.fail_after(60):
        async with anyio.create_task_group() as group, echo(b"one:") as one, echo(b"two:") as two:
            group.start_soon(pass_on, here, "pods", lambda: leader)
            assert await ask(here, b"hello") == b"", "nobody leads: it is closed"
            leader = one
            assert await ask(here, large) == b"one:" + large
            leader = two
            assert await ask(here, b"hello") == b"two:hello"
            leader = free()
            assert await ask(here, b"hello") == b"", "nobody is there"
            leader = "nonsense"
            assert await ask(here, b"hello") == b""
            group.cancel_scope.cancel()


async def test_it_never_passes_on_to_itself(tmp_path):
    pods = free()
    async with standing(tmp_path, passed={"pods": pods}, own=[pods]) as (election, _):
        election.leader = Leader("this pod, before it was started again", "", {"pods": pods})
        assert await ask(pods, b"hello") == b""
