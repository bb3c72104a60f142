"""Health: alive, ready or why not, and numbers."""

from __future__ import annotations

from datetime import datetime, timedelta

import httpx
import pytest

from reconciler.api.health import STALE, health_app
from reconciler.errors import Transient
from tests.reconciler.api.support import Answer, World, eventually, job

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

OURS = "the daemon's log has the traceback, please report it"
AGE = "plumbline_source_age_seconds "


async def get(world: World, path: str, client: str = "127.0.0.1") -> httpx.Response:
    """What the listener answers."""
    transport = httpx.ASGITransport(health_app(world.core, world.loop), client=(client, 40_000))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as asking:
        return await asking.get(path)


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


@pytest.mark.parametrize("client", ["192.0.2.1", "2001:db8::1"])
async def test_another_machine_is_told_whether_and_not_why(client: str) -> None:
    world = World()
    async with world.client():
        world.loop.commits.failing = "https://forge.example/secret-project.git: no route to host"
        found = await get(world, "/readyz", client)
        assert (found.status_code, found.json()) == (503, {"status": "not ready", "reasons": []})
        assert (await get(world, "/metrics", client)).status_code == 200


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
        world.loop.commits.unanswered("no route to host")
        found = await get(world, "/readyz")
        assert found.status_code == status
        assert ("the repository does not answer" in found.text) is (status == 503)


@pytest.mark.parametrize(("age", "status"), [(STALE - 60, 200), (STALE + 60, 503)])
async def test_answers_from_which_nothing_can_be_planned_make_it_unready(age: float, status: int) -> None:
    """Its newest commit cannot be fetched, while each ref check is answered."""
    world = World()
    world.push({"a.yaml": job("train")})
    async with world.running() as api:
        await api.until("train", "succeeded")
        world.source.fail("fetch", times=1000)
        commits = world.loop.commits
        commits.seen_at = known = world.core.clock.now() - timedelta(seconds=age)
        newest = world.push({"a.yaml": job("other")})
        await eventually(api.failing)
        commits.answered(newest)
        found = await get(world, "/readyz")
        assert found.status_code == status
        assert ("nothing new can be planned" in found.text) is (status == 503)
        (line,) = [line for line in (await get(world, "/metrics")).text.splitlines() if line.startswith(AGE)]
        assert float(line.removeprefix(AGE)) >= age
        source = (await api.get("/v1/status"))["source"]
        assert (source["answers"], source["failing"]) == (True, "fetch fails as told")
        assert datetime.fromisoformat(source["answeredAt"]) > known + timedelta(seconds=age - 2)
        assert source["ageSeconds"] >= age


async def test_a_branch_that_is_where_it_was_planned_is_known_to_be() -> None:
    world = World()
    head = world.push({"a.yaml": job("train")})
    async with world.running() as api:
        await api.until("train", "succeeded")
        commits = world.loop.commits
        commits.seen_at = world.core.clock.now() - timedelta(seconds=STALE)
        commits.answered("f" * 40)
        commits.answered(None)
        assert (await api.get("/v1/status"))["source"]["ageSeconds"] >= STALE
        commits.answered(head)
        assert (await api.get("/v1/status"))["source"]["ageSeconds"] < STALE


async def test_a_fault_of_ours_while_planning_is_said_in_the_status() -> None:
    world = World()
    world.push({"a.yaml": job("train")})
    async with world.running() as api:
        await api.until("train", "succeeded")
        world.source.fail("tree", RuntimeError("a bug"), times=1000)
        newest = world.push({"a.yaml": job("other")})
        source = await eventually(api.failing)
        assert source["failing"] == f"commit {newest[:10]} was not planned by a fault of ours: {OURS}"
        world.source.fail("fetch", RuntimeError("a bug"), times=1000)
        world.core.queue.add("source")

        async def look() -> Answer | None:
            found = await api.failing() or {"failing": ""}
            return found if "the repository was not read by a fault of ours" in found["failing"] else None

        await eventually(look)


async def test_a_branch_that_never_was_is_named_as_the_reason() -> None:
    world = World()
    async with world.running() as api:
        await eventually(api.failing)
        assert (await get(world, "/readyz")).json()["reasons"] == [
            "no commit was planned yet: the branch does not exist"
        ]


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
