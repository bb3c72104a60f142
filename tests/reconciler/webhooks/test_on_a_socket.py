"""The listener on a real socket: bodies that are announced, come in pieces, come too slowly, or never end."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import anyio
import pytest
from anyio.abc import SocketStream

from reconciler.servers import answer, server_of, tcp_socket
from reconciler.webhooks import listener
from tests.reconciler.api.support import eventually
from tests.reconciler.webhooks.deliveries import Delivery, delivery
from tests.reconciler.webhooks.hearing import Hearing

pytestmark = [pytest.mark.process, pytest.mark.anyio]


@contextlib.asynccontextmanager
async def served() -> AsyncIterator[tuple[Hearing, int]]:
    async with Hearing().open() as hearing, anyio.create_task_group() as group:
        server, socket = server_of(hearing.app, most=50), tcp_socket("127.0.0.1:0", "webhooks.listen")
        group.start_soon(answer, (server, socket))
        yield hearing, socket.getsockname()[1]
        server.should_exit = True


async def begin(port: int, sent: Delivery, *, length: int | None = None) -> SocketStream:
    """A connection on which the head of a request was said."""
    stream = await anyio.connect_tcp("127.0.0.1", port)
    sized = "transfer-encoding: chunked" if length is None else f"content-length: {length}"
    fields = [f"{name}: {value}" for name, value in sent.headers.items()]
    head = ["POST /webhook HTTP/1.1", "host: hooks", sized, *fields, "", ""]
    await stream.send("\r\n".join(head).encode())
    return stream


async def status(stream: SocketStream) -> int:
    """Of the answer."""
    with anyio.fail_after(30):
        said = b""
        while b"\r\n" not in said:
            said += await stream.receive()
    return int(said.split()[1])


async def counted(hearing: Hearing, verdict: str, forge: str) -> None:
    """Return once a delivery had this verdict."""

    async def look() -> float | None:
        return hearing.counted(verdict, forge) or None

    await eventually(look)


async def test_a_delivery_in_pieces_is_one() -> None:
    async with served() as (hearing, port):
        sent = delivery("github")
        async with await begin(port, sent) as stream:
            for at in range(0, len(sent.body), 100):
                piece = sent.body[at : at + 100]
                await stream.send(b"%x\r\n%s\r\n" % (len(piece), piece))
            await stream.send(b"0\r\n\r\n")
            assert await status(stream) == 202
        await anyio.wait_all_tasks_blocked()
        assert hearing.hints.heard_of == "github"


async def test_a_body_of_50_megabytes_is_refused_before_it_is_sent() -> None:
    async with served() as (hearing, port):
        async with await begin(port, delivery("github"), length=50_000_000) as stream:
            assert await status(stream) == 413
        assert hearing.hints.heard_at is None


async def test_pieces_without_end_are_cut_off_at_the_largest() -> None:
    async with served() as (hearing, port):
        async with await begin(port, delivery("gitea")) as stream:
            piece = b"10000\r\n" + b" " * 65536 + b"\r\n"
            with contextlib.suppress(anyio.BrokenResourceError):
                for _ in range(2 * listener.LARGEST // 65536):
                    await stream.send(piece)
            # The end of the connection may overtake the answer: what counts is that it was refused.
            with contextlib.suppress(anyio.EndOfStream, anyio.BrokenResourceError):
                assert await status(stream) == 413
        await counted(hearing, "large", "gitea")


async def test_a_body_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "_SLOWEST", 0.2)
    async with served() as (_, port):
        async with await begin(port, delivery("github"), length=1_000) as slow:
            await slow.send(b"{")
            assert await status(slow) == 408
        sent = delivery("github")
        async with await begin(port, sent, length=len(sent.body)) as stream:
            await stream.send(sent.body)
            assert await status(stream) == 202


async def test_large_bodies_of_strangers_do_not_keep_the_forge_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """More of them than may be in memory, none of which ever ends."""
    monkeypatch.setattr(listener, "_SLOWEST", 20.0)
    async with served() as (_, port), contextlib.AsyncExitStack() as strangers:
        for _ in range(16):
            stream = await strangers.enter_async_context(await begin(port, delivery("github"), length=1_000_000))
            await stream.send(b" " * 200_000)
        sent = delivery("github")
        async with await begin(port, sent, length=len(sent.body)) as stream:
            await stream.send(sent.body)
            assert await status(stream) == 202


async def test_who_goes_away_in_the_middle_leaves_nothing() -> None:
    async with served() as (hearing, port):
        async with await begin(port, delivery("github"), length=1_000) as stream:
            await stream.send(b"{")
        await counted(hearing, "malformed", "github")
        assert (hearing.polls, hearing.looks) == (0, 0)


async def test_a_thousand_at_once_are_answered_and_are_one_look() -> None:
    async with served() as (hearing, port):
        statuses: list[int] = []
        begun = anyio.current_time()

        async def send(first: int) -> None:
            for number in range(first, first + 25):
                sent = delivery("github", ident=f"d-{number}")
                async with await begin(port, sent, length=len(sent.body)) as stream:
                    await stream.send(sent.body)
                    statuses.append(await status(stream))

        async with anyio.create_task_group() as group:
            for first in range(0, 1_000, 25):
                group.start_soon(send, first)
        assert statuses == [202] * 1_000
        pauses = (anyio.current_time() - begun) / 5
        assert hearing.looks <= 2 + pauses, "one at once, and one for each least pause that passed"
