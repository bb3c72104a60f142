"""Health: alive, ready or why not, and numbers."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from reconciler.api.health import STALE, health_app
from reconciler.errors import Transient
from tests.reconciler.api.support import World, job

pytestmark = [pytest.mark.unit, pytest.mark.anyio]


async def get(world: World, path: str) -> httpx.Response:
    """What the listener answers."""
    transport = httpx.ASGITransport(health_app(world.core, world.loop))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        return await client.get(path)


async def test_a_daemon_is_ready_once_a_commit_was_planned() -> None:
    world = World()
    async with world.client():
        assert (await get(world, "/healthz")).json() == {"status": "alive"}
        early = await get(world, "/readyz")
        assert early.status_code == 503
        assert early.json()["reasons"] == ["the loop has not read the repository yet"]
    world = World()
    world.push({"a.yaml": job("train")})
    async with world.running() as api:
        await api.until("train", "succeeded")
        assert (await get(world, "/readyz")).json() == {"status": "ready", "reasons": []}


async def test_a_repository_that_never_answered_is_named_as_the_reason() -> None:
    world = World()
    async with world.client():
        world.loop.commits.failing = "no route to host"
        assert (await get(world, "/readyz")).json()["reasons"] == ["the repository was not read yet: no route to host"]


@pytest.mark.parametrize(("age", "status"), [(STALE - 60, 200), (STALE + 60, 503)])
async def test_a_repository_that_is_away_for_long_makes_it_unready(age: float, status: int) -> None:
    world = World()
    world.push({"a.yaml": job("train")})
    async with world.running() as api:
        await api.until("train", "succeeded")
        world.loop.commits.seen_at = world.core.clock.now() - timedelta(seconds=age)
        world.loop.commits.failing = "no route to host"
        assert (await get(world, "/readyz")).status_code == status


async def test_a_ledger_that_cannot_be_written_makes_it_unready() -> None:
    world = World()
    world.push({"a.yaml": job("train")})
    async with world.running() as api:
        await api.until("train", "succeeded")

        async def full(_: object) -> None:
            raise Transient("the disk is full")

        world.ledger.before = full
        found = await get(world, "/readyz")
        assert found.status_code == 503
        assert found.json()["reasons"] == ["the ledger cannot be written: the disk is full"]
        world.ledger.before = None


async def test_metrics_are_measured_when_they_are_read() -> None:
    world = World()
    world.push({"a.yaml": job("train")})
    async with world.running() as api:
        await api.until("train", "succeeded")
        text = (await get(world, "/metrics")).text
        assert "plumbline_source_age_seconds" in text
        assert "plumbline_live_attempts 0.0" in text
        assert 'plumbline_reconcile_seconds_count{kind="root"}' in text


async def test_there_is_nothing_else_on_that_listener() -> None:
    world = World()
    async with world.client():
        assert (await get(world, "/v1/status")).status_code == 404
