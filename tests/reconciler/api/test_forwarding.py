"""Connections through the API: who reads slowly is waited for, and who is gone is let go."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import anyio
import pytest

from reconciler.api.forwarding import Forwarded
from tests.reconciler.api.support import World, service

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

Message = MutableMapping[str, Any]


class Slow:
    """A service that takes one piece only when it is told to, and says nothing."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.turn = anyio.Semaphore(0)
        self.ended = self.closed = False

    async def receive(self) -> bytes:
        await anyio.sleep_forever()
        raise anyio.EndOfStream

    async def send(self, item: bytes, /) -> None:
        await self.turn.acquire()
        self.taken.append(item)

    async def send_eof(self) -> None:
        self.ended = True

    async def aclose(self) -> None:
        self.closed = True


async def test_nothing_is_read_ahead_of_who_reads_slowly() -> None:
    slow, read, sent = Slow(), 0, list[Message]()
    gone = anyio.Event()

    async def receive() -> Message:
        nonlocal read
        if read == 3:
            await gone.wait()
            return {"type": "http.disconnect"}
        read += 1
        return {"type": "http.request", "body": b"%d" % read, "more_body": read < 3}

    async def send(message: Message) -> None:
        sent.append(message)

    async with anyio.create_task_group() as group:
        group.start_soon(Forwarded(slow), {}, receive, send)
        await anyio.wait_all_tasks_blocked()
        assert (read, slow.taken) == (1, [])
        slow.turn.release()
        await anyio.wait_all_tasks_blocked()
        assert (read, slow.taken, slow.ended) == (2, [b"1"], False)
        slow.turn.release()
        slow.turn.release()
        await anyio.wait_all_tasks_blocked()
        assert (slow.taken, slow.ended, slow.closed) == ([b"1", b"2", b"3"], True, False)
        gone.set()
    assert slow.closed
    assert all(message.get("more_body", True) for message in sent), "cut, and not ended"


async def test_a_daemon_whose_services_answer_by_themselves_connects_to_none() -> None:
    world = World()
    world.push({"a.yaml": service("serve")})
    async with world.running() as api:
        await api.until("serve", "ready")
        for port, status in ((8080, 409), ("x", 400), (99_999, 400)):
            response = await api.client.post("/v1/connect", params={"run": "serve", "port": port})
            assert response.status_code == status, response.text
        assert (await api.get("/v1/open", run="serve"))["forward"] is False
