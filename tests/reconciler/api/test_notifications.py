"""People are told of runs, beside all reconciling."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import pytest

from planner.desire.view import Identity
from planner.model.notices import Notice
from reconciler.backends.memory import Program
from reconciler.errors import Refused
from reconciler.loop import Loop, LoopSettings
from reconciler.messages import Channel
from tests.reconciler.api.support import Answer, Api, World, eventually, job

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

TELL = "plugins: {notifications: [{connections: [chat], trigger: failed}, {connections: [screen]}]}"


class Recorded:
    """A channel that takes everything."""

    def __init__(self) -> None:
        self.told: list[str] = []

    async def send(self, notice: Notice, _: Identity) -> None:
        self.told.append(f"{notice.key} {notice.status}")


class Locked:
    """A channel that nothing is set up for."""

    async def send(self, *_: object) -> None:
        raise Refused("hooks.example answers 404 Not Found")


@contextlib.asynccontextmanager
async def telling(world: World, **channels: Channel) -> AsyncIterator[Api]:
    world.loop = Loop(world.core, LoopSettings(workers=4, post_interval=0.01, channels=channels))
    world.service.loop = world.loop
    async with world.running() as api:
        yield api


async def test_a_failure_is_told_once_through_each_connection() -> None:
    world = World(programs={"train": Program(seconds=0.0, exit_code=1)})
    world.push({"a.yaml": job("train", more=TELL)})
    chat, screen = Recorded(), Recorded()
    async with telling(world, chat=chat, screen=screen) as api:
        await api.until("train", "failed")

        async def told() -> Answer | None:
            return {"done": True} if chat.told and screen.told else None

        await eventually(told)
        await api.ask("retry", "train")

        async def twice() -> Answer | None:
            return {"done": True} if len(chat.told) == len(screen.told) == 2 else None

        await eventually(twice)
    assert chat.told == screen.told == ["train@g1 failed", "train@g1~1 failed"]


async def test_what_cannot_be_told_is_shown_and_keeps_nothing_from_running() -> None:
    world = World(programs={"train": Program(seconds=0.0, exit_code=1)})
    world.push({"a.yaml": job("train", more=TELL), "b.yaml": job("report")})
    async with telling(world, chat=Locked(), screen=Recorded()) as api:
        await api.until("report", "succeeded")
        await api.until("train", "failed")

        async def shown() -> Answer | None:
            warnings = (await api.get("/v1/status"))["warnings"]
            return {"warnings": warnings} if warnings else None

        assert (await eventually(shown))["warnings"] == [
            "nobody is told through the connection `chat`: hooks.example answers 404 Not Found"
        ]


async def test_what_was_owed_is_told_after_a_restart() -> None:
    world = World(programs={"train": Program(seconds=0.0, exit_code=1)})
    world.push({"a.yaml": job("train", more=TELL)})
    async with telling(world, chat=Locked(), screen=Recorded()) as api:
        await api.until("train", "failed")
    later, chat = World(), Recorded()
    later.ledger.restore(world.ledger.snapshot())
    later.source.remote = world.remote
    async with telling(later, chat=chat):

        async def told() -> Answer | None:
            return {"done": True} if chat.told else None

        await eventually(told)
    assert chat.told == ["train@g1 failed"]
