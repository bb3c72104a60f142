"""What the listener remembers and how often it wakes whom, in virtual time."""

from __future__ import annotations

import anyio
import pytest
from trio.testing import MockClock

from reconciler.hints import PULLS, SOURCE, Hints
from reconciler.queue import Queue
from reconciler.webhooks.memory import Seen, Strikes
from reconciler.webhooks.senders import Forge

pytestmark = [
    pytest.mark.unit,
    pytest.mark.anyio,
    pytest.mark.parametrize("anyio_backend", [("trio", {"clock": MockClock(autojump_threshold=0)})], ids=["virtual"]),
]


async def test_a_delivery_is_forgotten_after_a_day() -> None:
    seen = Seen()
    assert [seen.again(Forge.GITHUB, "a"), seen.again(Forge.GITHUB, "a")] == [False, True]
    await anyio.sleep(23 * 3600)
    assert seen.again(Forge.GITHUB, "a")
    await anyio.sleep(2 * 3600)
    assert not seen.again(Forge.GITHUB, "a"), "three days late it is a hint like any other"


async def test_what_is_remembered_is_bounded() -> None:
    seen = Seen(most=100)
    for number in range(1_000):
        assert not seen.again(Forge.GITEA, f"{number}" * 1_000)
    assert len(seen) <= 101
    assert seen.again(Forge.GITEA, "999" * 1_000)
    assert not seen.again(Forge.GITEA, "0" * 1_000)


async def test_wrong_ones_get_their_allowance_back() -> None:
    strikes = Strikes(most=3, a_second=0.5)
    assert [strikes.take() for _ in range(5)] == [True, True, True, False, False]
    await anyio.sleep(4)
    assert [strikes.take() for _ in range(3)] == [True, True, False]
    await anyio.sleep(1_000)
    assert [strikes.take() for _ in range(4)] == [True, True, True, False]


class Looking:
    """Somebody who looks at what hints are about, and notes when."""

    def __init__(self, handled: tuple[str, ...] = (PULLS,)) -> None:
        self.queue = Queue()
        self.hints = Hints(self.queue, handled)
        self.at: list[float] = []
        self.begun = anyio.current_time()

    @property
    def now(self) -> float:
        return round(anyio.current_time() - self.begun, 3)

    async def look(self) -> None:
        while True:
            name = await self.queue.get()
            self.at.append(self.now)
            self.queue.done(name)


async def test_hints_have_pull_requests_looked_at_at_once_and_then_at_a_least_pause() -> None:
    looking = Looking()
    async with anyio.create_task_group() as group:
        group.start_soon(looking.look)
        for _ in range(12_000):
            looking.hints.pulls()
            await anyio.sleep(0.001)
        await anyio.sleep(60)
        assert looking.at == [0, 5, 10, 15]
        looking.hints.pulls()
        await anyio.sleep(1)
        assert looking.at[4:] == [72], "after a pause one is at once again"
        group.cancel_scope.cancel()


async def test_a_push_has_the_branch_looked_at_once_a_second_at_most() -> None:
    looking = Looking((SOURCE,))
    async with anyio.create_task_group() as group:
        group.start_soon(looking.look)
        for _ in range(2_500):
            looking.hints.push()
            await anyio.sleep(0.001)
        await anyio.sleep(60)
        assert looking.at == [0, 1, 2, 3]
        group.cancel_scope.cancel()


@pytest.mark.parametrize("after", [0.001, 1.0, 4.999, 5.0, 5.001])
async def test_after_every_hint_comes_a_look(after: float) -> None:
    looking = Looking()
    async with anyio.create_task_group() as group:
        group.start_soon(looking.look)
        looking.hints.pulls()
        await anyio.sleep(after)
        hinted = looking.now
        looking.hints.pulls()
        await anyio.sleep(30)
        assert len(looking.at) == 2
        assert looking.at[1] >= hinted
        group.cancel_scope.cancel()
