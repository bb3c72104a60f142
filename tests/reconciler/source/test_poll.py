from __future__ import annotations

import random
from collections.abc import AsyncIterator
from itertools import pairwise

import anyio
import anyio.abc
import pytest
import trio.testing

from reconciler.errors import Transient
from reconciler.source.memory import MemorySource
from reconciler.source.memory_remote import MemoryRepository
from reconciler.source.poll import LOCAL, Moved, News, Nudge, Pace, Unreachable, watch_head

pytestmark = [pytest.mark.unit, pytest.mark.anyio]


@pytest.fixture
def anyio_backend():
    return "trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}


class Desk:
    """A poll of a source in memory, in virtual time."""

    def __init__(self) -> None:
        self.remote = MemoryRepository()
        self.source = MemorySource(self.remote)
        self.nudge = Nudge()
        self.news: list[tuple[float, News]] = []
        self.asked: list[float] = []

    async def head(self) -> str | None:
        self.asked.append(anyio.current_time())
        return await self.source.head()

    def tell(self, news: News) -> None:
        self.news.append((anyio.current_time(), news))

    def start(self, tasks: anyio.abc.TaskGroup, pace: Pace, hints: AsyncIterator[None] | None = None) -> None:
        tasks.start_soon(watch_head, self, self.tell, self.nudge, (pace, random.Random(7)), hints)

    @property
    def gaps(self) -> list[float]:
        return [after - before for before, after in pairwise(self.asked)]


@pytest.fixture
def desk():
    return Desk()


async def test_one_question_an_interval_and_news_only_of_moves(desk):
    async with anyio.create_task_group() as tasks:
        desk.start(tasks, Pace(interval=60, jitter=0.2))
        await anyio.sleep(3600)
        assert [news for _, news in desk.news] == [Moved(None)]
        tip = desk.remote.commit({"a": b"1"})
        await anyio.sleep(3600)
        assert [news for _, news in desk.news] == [Moved(None), Moved(tip)]
        desk.remote.delete()
        await anyio.sleep(100)
        assert desk.news[-1][1] == Moved(None)
        tasks.cancel_scope.cancel()
    assert all(60 <= gap <= 72 for gap in desk.gaps)
    assert len(set(desk.gaps)) > 50
    assert 100 <= len(desk.asked) <= 122


async def test_a_nudge_asks_at_once_and_many_are_one(desk):
    async with anyio.create_task_group() as tasks:
        desk.start(tasks, Pace(interval=60, floor=1))
        await anyio.sleep(30)
        tip = desk.remote.commit({"a": b"1"})
        for _ in range(100):
            desk.nudge.wake()
        await anyio.sleep(0.5)
        assert desk.news[-1][1] == Moved(tip)
        assert len(desk.asked) == 2
        tasks.cancel_scope.cancel()


async def test_a_flood_of_nudges_is_held_to_the_floor(desk):
    async with anyio.create_task_group() as tasks:
        desk.start(tasks, Pace(interval=60, floor=1))
        for _ in range(1000):
            desk.nudge.wake()
            await anyio.sleep(0.01)
        tasks.cancel_scope.cancel()
    assert 10 <= len(desk.asked) <= 12
    assert min(desk.gaps) >= 1


async def test_the_newest_of_many_pushes_is_always_told(desk):
    async with anyio.create_task_group() as tasks:
        desk.start(tasks, LOCAL)
        for number in range(100):
            tip = desk.remote.commit({"a": str(number).encode()})
            desk.nudge.wake()
            await anyio.sleep(0.2)
            assert desk.news[-1][1] == Moved(tip)
        tasks.cancel_scope.cancel()


async def test_errors_slow_the_poll_down_to_a_cap_and_recovery_is_told(desk):
    tip = desk.remote.commit({"a": b"1"})
    async with anyio.create_task_group() as tasks:
        desk.start(tasks, Pace(interval=60, retry=1, cap=300))
        await anyio.sleep(1)
        desk.remote.unreachable = "the network is down"
        await anyio.sleep(7200)
        failures = [news for _, news in desk.news if isinstance(news, Unreachable)]
        waits = [news.retry_in for news in failures]
        assert [news.failures for news in failures] == list(range(1, len(failures) + 1))
        assert failures[0].reason == "the network is down"
        assert all(2.0**n / 2 <= wait <= 2.0**n for n, wait in enumerate(waits[:8]))
        assert all(150 <= wait <= 300 for wait in waits[9:])
        assert len(set(waits[9:])) > 5
        desk.remote.unreachable = ""
        await anyio.sleep(301)
        assert desk.news[-1][1] == Moved(tip)
        tasks.cancel_scope.cancel()


async def test_hints_are_nudges(desk):
    send, receive = anyio.create_memory_object_stream[None](10)

    async def hints() -> AsyncIterator[None]:
        async for _ in receive:
            yield None

    async with anyio.create_task_group() as tasks:
        desk.start(tasks, LOCAL, hints())
        await anyio.sleep(1)
        tip = desk.remote.commit({"a": b"1"})
        await send.send(None)
        await anyio.sleep(0.05)
        assert desk.news[-1][1] == Moved(tip)
        tasks.cancel_scope.cancel()
    send.close()
    receive.close()


async def test_another_exception_is_a_bug_and_comes_out(desk):
    desk.source.fail("head", RuntimeError("bug"))
    with pytest.raises(ExceptionGroup) as caught:
        async with anyio.create_task_group() as tasks:
            desk.start(tasks, LOCAL)
    assert caught.group_contains(RuntimeError, match="bug")


async def test_a_pause_after_very_many_errors_is_still_the_cap():
    pace = Pace(retry=1, cap=300)
    assert pace.pause(100_000, random.Random(1)) <= 300


async def test_memory_faults_come_as_told(desk):
    desk.remote.commit({"a": b"1"})
    desk.source.fail("fetch", times=2)
    for _ in range(2):
        with pytest.raises(Transient):
            await desk.source.fetch()
    assert await desk.source.fetch() is not None
