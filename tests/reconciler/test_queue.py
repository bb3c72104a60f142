"""The queue of names, in virtual time: each comes when its turn is, whoever of the workers waits, works or goes."""

from __future__ import annotations

import anyio
import anyio.lowlevel
import pytest
from trio.testing import MockClock

from reconciler.queue import Queue

pytestmark = [
    pytest.mark.unit,
    pytest.mark.anyio,
    pytest.mark.parametrize("anyio_backend", [("trio", {"clock": MockClock(autojump_threshold=0)})], ids=["virtual"]),
]


class Workers:
    """Workers that note when they got what; a name with a number works so many seconds, such as `long:20`."""

    def __init__(self, count: int) -> None:
        self.queue = Queue()
        self.count = count
        self.got: list[tuple[str, float]] = []
        self.begun = 0.0

    async def work(self) -> None:
        while True:
            name = await self.queue.get()
            self.got.append((name.partition(":")[0], anyio.current_time() - self.begun))
            await anyio.sleep(float(name.partition(":")[2] or 0))
            self.queue.done(name)

    async def run(self, seconds: float, *added: tuple[str, float]) -> list[tuple[str, float]]:
        """Have `added` looked at, each in so many seconds; what was got within `seconds`, and when."""
        self.begun = anyio.current_time()
        with anyio.move_on_after(seconds):
            async with anyio.create_task_group() as group:
                for _ in range(self.count):
                    group.start_soon(self.work)
                await anyio.lowlevel.checkpoint()
                for name, delay in added:
                    self.queue.add(name, delay)
        return [(name, round(at, 3)) for name, at in self.got]


CASES = {
    "at-once": (3, [("a", 0), ("b", 0)], [("a", 0), ("b", 0)]),
    "in-time": (3, [("late", 5), ("soon", 2)], [("soon", 2), ("late", 5)]),
    "the-earliest-wins": (3, [("a", 5), ("a", 2), ("a", 9)], [("a", 2)]),
    "many-at-one-instant": (2, [(name, 1) for name in "abcde"], [(name, 1) for name in "abcde"]),
    "who-kept-the-time-works": (2, [("long:50", 1), ("late", 3)], [("long", 1), ("late", 3)]),
    "all-work": (2, [("x:10", 0), ("y:6", 0), ("late", 2)], [("x", 0), ("y", 0), ("late", 6)]),
    "one-worker": (1, [("x:4", 0), ("late", 2), ("later", 9)], [("x", 0), ("late", 4), ("later", 9)]),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_each_name_comes_when_its_turn_is(case):
    count, added, wanted = case
    assert await Workers(count).run(20, *added) == wanted


async def test_a_name_that_is_worked_on_comes_again_afterwards():
    workers = Workers(3)

    async def add_again():
        await anyio.sleep(1)
        workers.queue.add("x:4")
        workers.queue.add("x:4")

    async with anyio.create_task_group() as group:
        group.start_soon(add_again)
        assert await workers.run(20, ("x:4", 0)) == [("x", 0), ("x", 4)]


@pytest.mark.parametrize("delay", [0.0, 3.0], ids=["was-woken", "kept-the-time"])
async def test_what_a_worker_that_goes_was_to_see_to_is_for_another_one(delay):
    """Whoever waits is cancelled, one after the other; the last one is left and gets it."""
    queue = Queue()
    scopes = [anyio.CancelScope() for _ in range(3)]
    got: list[str] = []

    async def wait(scope):
        with scope:
            got.append(await queue.get())
            group.cancel_scope.cancel()

    with anyio.fail_after(60):
        async with anyio.create_task_group() as group:
            for scope in scopes:
                group.start_soon(wait, scope)
                await anyio.wait_all_tasks_blocked()
            queue.add("x", delay)
            for scope in scopes[1:] if delay == 0 else scopes[:2]:
                scope.cancel()
    assert got == ["x"]


async def test_nothing_is_given_out_after_the_end_and_whoever_waits_for_the_end_goes_on():
    workers = Workers(2)
    ended: list[float] = []

    async def close():
        await anyio.sleep(1)
        workers.queue.add("more", 1)
        await workers.queue.close()
        ended.append(anyio.current_time() - workers.begun)

    async with anyio.create_task_group() as group:
        group.start_soon(close)
        group.start_soon(close)
        assert await workers.run(20, ("x:4", 0), ("y:7", 0)) == [("x", 0), ("y", 0)]
    assert [round(at, 3) for at in ended] == [7, 7]
