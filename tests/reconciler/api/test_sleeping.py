"""Services that sleep: how that reads, and that opening one wakes it."""

from __future__ import annotations

import re

import pytest

from reconciler.backends.memory import Program
from tests.reconciler.api.support import World, service

pytestmark = [pytest.mark.unit, pytest.mark.anyio]


def idle(seconds: int) -> bytes:
    """A service that is culled so soon."""
    culling = f"termination: {{culling: {{timeout: {seconds}}}}}\ncomponent:"
    return service("serve").replace(b"component:", culling.encode())


async def test_a_service_that_nobody_uses_sleeps_says_so_and_is_woken() -> None:
    world = World(programs={"serve": Program(seconds=None, active_for=-3600)})
    world.push({"a.yaml": idle(1)})
    async with world.running() as api:
        found = await api.until("serve", "asleep")
        words = r"sleeps since \S+, as nobody used it; plumbline open serve wakes it"
        assert re.fullmatch(words, found["why"])
        assert re.fullmatch(f"it {words}", (await api.get("/v1/explain", operation="serve"))["answer"])
        refused = await api.get("/v1/open", status=409, run="serve")
        assert refused["asleep"]
        assert re.fullmatch(f"serve {words}", refused["detail"])
        world.programs["serve"] = Program(seconds=None, active_for=3600)
        assert (await api.ask("retry", "serve", wake=True))["message"] == "serve@g1 round 1: serve"
        assert (await api.until("serve", "ready"))["last"]["key"] == "serve@g1~1"
        assert (await api.ask("retry", "serve", wake=True))["message"] == "serve@g1~1 is awake"
        assert (await api.get("/v1/open", run="serve"))["run"] == "serve@g1~1"


async def test_what_a_person_stopped_does_not_sleep() -> None:
    world = World(programs={"serve": Program(seconds=None, active_for=3600)})
    world.push({"a.yaml": idle(3600)})
    async with world.running() as api:
        await api.until("serve", "ready")
        await api.ask("stop", "serve")
        await api.until("serve", "down")
        answer = await api.ask("retry", "serve", status=409, wake=True)
        assert answer["detail"] == "serve@g1 does not sleep: it is stopped"
