"""The laws of `reconciler.ports.Backend`, for every backend to subclass.

A subclass provides the fixture `world`. Everything is asserted of the world: what is listed, what ended how, how
many programs ever started; never which calls a backend made.
"""

import contextlib
from collections.abc import Callable
from enum import StrEnum
from typing import Protocol

import anyio
import pytest

from planner.keys import Key
from planner.model.run import Observation, Phase
from planner.model.status import StopReason
from reconciler.errors import Refused
from reconciler.ports import Backend, Ensured, Order

PATIENCE = 60.0


class Script(StrEnum):
    """What an attempt's program does."""

    SUCCEED = "succeed"  # ends with 0 after writing the line "hello" and the output answer=42
    FAIL = "fail"  # ends with 3
    FOREVER = "forever"  # runs until it is stopped
    STUBBORN = "stubborn"  # runs until it is killed
    REPORT = "report"  # runs until it is stopped, after the metric loss was 0.5 and 0.25 in steps 1 and 2
    SERVICE = "service"  # runs until it is stopped, with lifetime always


class World(Protocol):
    """A backend's surroundings, which outlive the daemon."""

    def open(self) -> Backend:
        """A backend as a daemon that starts now would have it."""
        ...

    def order(self, name: str, script: Script, attempt: int = 1) -> Order:
        """The order of an attempt of generation 1 of root `name`."""
        ...

    def starts(self, key: Key) -> int:
        """How many programs ever started under `key`."""
        ...

    async def wait(self) -> None:
        """Let a little time pass."""
        ...


async def until(world: World, condition: Callable[[], object]) -> None:
    """Wait for `condition`, an ordinary or an async function."""
    with anyio.fail_after(getattr(world, "patience", PATIENCE)):
        while True:
            found = condition()
            if hasattr(found, "__await__"):
                found = await found
            if found:
                return
            await world.wait()


async def seen(backend: Backend, key: Key) -> Observation | None:
    return (await backend.observe([key])).objects.get(key)


async def phase(world: World, backend: Backend, key: Key, wanted: Phase) -> Observation:
    """The first observation of `key` in phase `wanted`."""
    found: list[Observation] = []

    async def reached() -> bool:
        now = await seen(backend, key)
        found[:] = [now] if now else []
        return now is not None and now.phase is wanted

    await until(world, reached)
    return found[0]


class BackendContract:
    """What every backend promises."""

    @pytest.fixture
    def anyio_backend(self):
        return "asyncio"

    @pytest.fixture
    def backend(self, world):
        return world.open()

    # --- lifecycle ---

    async def test_a_job_runs_and_ends(self, world, backend):
        order = world.order("train", Script.SUCCEED)
        assert await backend.ensure(order) is Ensured.CREATED
        end = await phase(world, backend, order.key, Phase.ENDED)
        assert end.exit_code == 0
        assert end.reason is StopReason.EXITED
        assert end.started_at is not None
        assert end.ended_at is not None
        assert end.started_at <= end.ended_at
        assert end.stamp == order.stamp
        assert not end.ready

    async def test_a_failure_keeps_its_exit_code(self, world, backend):
        order = world.order("train", Script.FAIL)
        await backend.ensure(order)
        end = await phase(world, backend, order.key, Phase.ENDED)
        assert (end.exit_code, end.reason) == (3, StopReason.EXITED)

    async def test_outputs_are_there_with_the_end(self, world, backend):
        order = world.order("train", Script.SUCCEED)
        await backend.ensure(order)
        end = await phase(world, backend, order.key, Phase.ENDED)
        assert dict(end.outputs) == {"answer": 42}

    async def test_a_service_is_ready_and_ends_when_stopped(self, world, backend):
        order = world.order("serve", Script.SERVICE)
        await backend.ensure(order)

        async def ready():
            now = await seen(backend, order.key)
            return now is not None and now.ready

        await until(world, ready)
        await backend.stop(order.key, 5.0)
        end = await phase(world, backend, order.key, Phase.ENDED)
        assert not end.ready

    async def test_an_end_never_changes(self, world, backend):
        order = world.order("train", Script.FAIL)
        await backend.ensure(order)
        end = await phase(world, backend, order.key, Phase.ENDED)
        await backend.stop(order.key, 0.0)
        await backend.ensure(order)
        assert await seen(backend, order.key) == end
        assert await seen(world.open(), order.key) == end

    async def test_attempts_are_objects_of_their_own(self, world, backend):
        first, second = world.order("train", Script.FAIL), world.order("train", Script.SUCCEED, attempt=2)
        await backend.ensure(first)
        await phase(world, backend, first.key, Phase.ENDED)
        await backend.ensure(second)
        assert (await phase(world, backend, second.key, Phase.ENDED)).exit_code == 0
        assert (await phase(world, backend, first.key, Phase.ENDED)).exit_code == 3

    # --- at most one start ---

    async def test_a_second_ensure_changes_nothing(self, world, backend):
        order = world.order("train", Script.FOREVER)
        await backend.ensure(order)
        await phase(world, backend, order.key, Phase.RUNNING)
        await until(world, lambda: world.starts(order.key))
        assert await backend.ensure(order) is Ensured.UNCHANGED
        assert await world.open().ensure(order) is Ensured.UNCHANGED
        assert world.starts(order.key) == 1

    async def test_of_many_at_once_one_starts(self, world, backend):
        order = world.order("train", Script.SUCCEED)
        said: list[Ensured] = []

        async def ensure(through):
            said.append(await through.ensure(order))

        other = world.open()
        async with anyio.create_task_group() as tasks:
            for through in (backend, other) * 4:
                tasks.start_soon(ensure, through)
        await phase(world, backend, order.key, Phase.ENDED)
        assert sorted(said) == [Ensured.CREATED] + [Ensured.UNCHANGED] * 7
        assert world.starts(order.key) == 1

    async def test_an_ended_key_does_not_start_again(self, world, backend):
        order = world.order("train", Script.SUCCEED)
        await backend.ensure(order)
        await phase(world, backend, order.key, Phase.ENDED)
        assert await backend.ensure(order) is Ensured.UNCHANGED
        assert world.starts(order.key) == 1

    # --- stop ---

    async def test_stop_ends_a_run(self, world, backend):
        order = world.order("train", Script.FOREVER)
        await backend.ensure(order)
        await phase(world, backend, order.key, Phase.RUNNING)
        await backend.stop(order.key, 5.0)
        end = await phase(world, backend, order.key, Phase.ENDED)
        assert end.exit_code == 143

    async def test_stop_ends_what_ignores_it(self, world, backend):
        order = world.order("train", Script.STUBBORN)
        await backend.ensure(order)
        await until(world, lambda: world.starts(order.key))
        await backend.stop(order.key, 0.1)
        end = await phase(world, backend, order.key, Phase.ENDED)
        assert end.exit_code not in {0, None}

    async def test_a_shorter_grace_replaces_a_longer_one(self, world, backend):
        order = world.order("train", Script.STUBBORN)
        await backend.ensure(order)
        await until(world, lambda: world.starts(order.key))
        await backend.stop(order.key, 3600.0)
        await backend.stop(order.key, 0.0)
        await phase(world, backend, order.key, Phase.ENDED)

    async def test_a_key_stopped_before_it_was_made_never_starts(self, world, backend):
        order = world.order("train", Script.SUCCEED)
        await backend.stop(order.key, 1.0)
        end = await phase(world, backend, order.key, Phase.ENDED)
        assert end.exit_code is None
        assert end.started_at is None
        assert await backend.ensure(order) is Ensured.UNCHANGED
        assert await world.open().ensure(order) is Ensured.UNCHANGED
        assert (await phase(world, backend, order.key, Phase.ENDED)).exit_code is None
        assert world.starts(order.key) == 0

    async def test_stop_twice_is_stop_once(self, world, backend):
        order = world.order("train", Script.FOREVER)
        await backend.ensure(order)
        await phase(world, backend, order.key, Phase.RUNNING)
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(backend.stop, order.key, 5.0)
        end = await phase(world, backend, order.key, Phase.ENDED)
        await backend.stop(order.key, 5.0)
        assert await seen(backend, order.key) == end

    async def test_ensure_and_stop_at_once_end(self, world, backend):
        orders = [world.order(f"train{number}", Script.FOREVER) for number in range(6)]
        async with anyio.create_task_group() as tasks:
            for order in orders:
                tasks.start_soon(backend.ensure, order)
                tasks.start_soon(world.open().stop, order.key, 0.0)
        for order in orders:
            await phase(world, backend, order.key, Phase.ENDED)
            assert world.starts(order.key) <= 1

    # --- restart ---

    async def test_a_restart_adopts_what_lives(self, world, backend):
        order = world.order("train", Script.FOREVER)
        await backend.ensure(order)
        before = await phase(world, backend, order.key, Phase.RUNNING)
        await until(world, lambda: world.starts(order.key))
        await backend.close()
        again = world.open()
        assert await seen(again, order.key) == before
        await again.stop(order.key, 5.0)
        await phase(world, again, order.key, Phase.ENDED)
        assert world.starts(order.key) == 1

    async def test_an_end_while_the_daemon_is_away_is_seen(self, world, backend):
        order = world.order("train", Script.FAIL)
        await backend.ensure(order)
        await backend.close()
        assert (await phase(world, world.open(), order.key, Phase.ENDED)).exit_code == 3

    # --- looking ---

    async def test_what_was_never_made_is_proved_absent(self, world, backend):
        order = world.order("train", Script.SUCCEED)
        look = await backend.observe([order.key])
        assert look.asked == frozenset({order.key})
        assert look.proves_absent(order.key, None, look.asked_at)

    async def test_observe_shows_what_is_asked_for(self, world, backend):
        orders = [world.order(name, Script.SUCCEED) for name in ("one", "two", "three")]
        for order in orders:
            await backend.ensure(order)
        part = await backend.observe([orders[0].key, orders[2].key])
        assert set(part.objects) == {orders[0].key, orders[2].key}
        whole = await backend.observe()
        assert whole.asked is None
        assert set(whole.objects) == {order.key for order in orders}

    async def test_changes_hint_at_the_end(self, world, backend):
        order = world.order("train", Script.FOREVER)
        await backend.ensure(order)
        await phase(world, backend, order.key, Phase.RUNNING)
        heard: set[Key] = set()

        async def listen():
            async for key in backend.changes():
                heard.add(key)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(listen)
            await anyio.wait_all_tasks_blocked()
            await world.wait()
            await backend.stop(order.key, 5.0)
            await until(world, lambda: order.key in heard)
            tasks.cancel_scope.cancel()

    async def test_logs_are_what_it_wrote(self, world, backend):
        order = world.order("train", Script.SUCCEED)
        await backend.ensure(order)
        with anyio.fail_after(getattr(world, "patience", PATIENCE)):
            said = b"".join([chunk async for chunk in backend.logs(order.key, follow=True)])
        assert said

    async def test_logs_of_what_was_never_made_are_empty(self, world, backend):
        order = world.order("train", Script.SUCCEED)
        with anyio.fail_after(getattr(world, "patience", PATIENCE)):
            assert [chunk async for chunk in backend.logs(order.key, follow=True)] == []

    # --- clean ---

    async def test_clean_forgets_and_keeps_the_name(self, world, backend):
        order = world.order("train", Script.SUCCEED)
        await backend.ensure(order)
        await phase(world, backend, order.key, Phase.ENDED)
        await backend.clean(order.key)
        await backend.clean(order.key)
        for through in (backend, world.open()):
            assert await seen(through, order.key) is None
            assert order.key not in (await through.observe()).objects
            with contextlib.suppress(Refused):  # a backend may say that it has forgotten the attempt
                assert await through.ensure(order) is Ensured.UNCHANGED
            assert await seen(through, order.key) is None
        assert world.starts(order.key) == 1

    async def test_logs_stay_after_clean(self, world, backend):
        order = world.order("train", Script.SUCCEED)
        await backend.ensure(order)
        await phase(world, backend, order.key, Phase.ENDED)
        await backend.clean(order.key)
        assert [chunk async for chunk in backend.logs(order.key)]

    async def test_a_cleaned_stop_still_starts_nothing(self, world, backend):
        order = world.order("train", Script.SUCCEED)
        await backend.stop(order.key, 0.0)
        await backend.clean(order.key)
        assert await seen(backend, order.key) is None
        with contextlib.suppress(Refused):
            await backend.ensure(order)
        assert await seen(backend, order.key) is None
        assert world.starts(order.key) == 0

    async def test_clean_of_what_was_never_made_is_nothing(self, world, backend):
        order = world.order("train", Script.SUCCEED)
        await backend.clean(order.key)
        assert await backend.ensure(order) is Ensured.CREATED
