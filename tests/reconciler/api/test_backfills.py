"""Backfills through the API: asking, looking, explaining and stopping."""

from __future__ import annotations

import pytest

from reconciler.backends.memory import Program
from tests.reconciler.api.support import Answer, Api, World, eventually, job

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

HOURLY = "schedule: {kind: cron, cron: '0 * * * *', timezone: Europe/Berlin}"
STRETCH = {"from": "2020-03-29T00:00", "to": "2020-03-29T05:00"}


async def nightly_in_force(api: Api) -> Answer:
    """`nightly`, once its schedule is in force: it is planned a moment before."""

    async def look() -> Answer | None:
        found = await api.operation("nightly")
        return found if found.get("generation") else None

    return await eventually(look)


async def backfill_in(api: Api, over: str) -> Answer:
    """The backfill of `nightly`, once it is `over` for that reason."""

    async def look() -> Answer | None:
        (operation,) = (await api.get("/v1/status"))["operations"]
        found = operation["backfills"]
        return found[-1] if found and found[-1]["over"] == over else None

    return await eventually(look)


async def test_a_backfill_runs_every_tick_once_and_says_how_far_it_is() -> None:
    world = World()
    world.push({"a.yaml": job("nightly", more=HOURLY)})
    async with world.running() as api:
        await nightly_in_force(api)
        told = await api.get("/v1/backfill", operation="nightly", **STRETCH)
        # Clocks skip 02:00 in that night.
        assert [tick["local"][4:] for tick in told["ticks"]] == [
            f"2020-03-29 {clock}" for clock in ("00:00:00 +0100", "01:00:00 +0100", "03:00:00 +0200", "04:00:00 +0200")
        ]
        assert (told["starts"], told["total"]) == (4, 4)
        await api.ask("backfill", "nightly", **STRETCH, concurrency=2)
        done = await backfill_in(api, "done")
        assert (done["started"], done["passed"], done["open"]) == (4, 0, 0)
        told = await api.get("/v1/backfill", operation="nightly", **STRETCH)
        assert [tick["status"] for tick in told["ticks"]] == ["succeeded"] * 4
        await api.ask("backfill", "nightly", **STRETCH)
        assert (await backfill_in(api, "done"))["passed"] == 4
        runs = (await api.get("/v1/runs", root="nightly"))["runs"]
        assert sorted(run["key"] for run in runs) == [
            f"nightly@2020-03-2{tick}" for tick in ("8T23:00Z", "9T00:00Z", "9T01:00Z", "9T02:00Z")
        ]


async def test_a_tick_that_waits_is_explained_and_a_stop_ends_them_all() -> None:
    world = World(programs={"nightly": Program(seconds=None)})
    world.push({"a.yaml": job("nightly", more=HOURLY)})
    async with world.running() as api:
        await nightly_in_force(api)
        await api.ask("backfill", "nightly", **STRETCH, concurrency=3)
        ident = (await backfill_in(api, ""))["backfill"]
        explained = await api.get("/v1/explain", operation="nightly@2020-03-29T02:00Z")
        assert explained["answer"].startswith(f"waiting for 3 of backfill {ident} since ")
        assert explained["answer"].endswith(f"plumbline stop {ident}")
        await api.get("/v1/explain", operation="nightly@2020-03-29T02:30Z", status=404)
        (operation,) = (await api.get("/v1/status"))["operations"]
        assert f"3 of backfill {ident}" in operation["why"]
        await api.ask("stop", ident)
        stopped = await backfill_in(api, f"stopped by {operation['backfills'][0]['by']}")
        assert stopped["started"] == 3
        await api.ask("stop", "b-aaaaaaaa", status=404)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        pytest.param({"from": "2020-01-01"}, "a backfill needs `to`", id="no-to"),
        pytest.param({**STRETCH, "concurrency": 0}, "`concurrency` is a whole number from 1 to 1,000", id="none"),
        pytest.param({**STRETCH, "concurrency": True}, "`concurrency` is a whole number from 1 to 1,000", id="bool"),
    ],
)
async def test_what_is_no_backfill_is_refused_before_it_is_recorded(args: dict[str, object], words: str) -> None:
    world = World()
    world.push({"a.yaml": job("nightly", more=HOURLY)})
    async with world.running() as api:
        await nightly_in_force(api)
        assert words in (await api.ask("backfill", "nightly", status=400, **args))["detail"]


async def test_a_dry_run_says_how_many_ticks_are_too_many() -> None:
    world = World()
    world.push({"a.yaml": job("nightly", more=HOURLY), "b.yaml": job("once")})
    async with world.running() as api:
        await nightly_in_force(api)
        asked = {"operation": "nightly", "from": "2010-01-01", "to": "2020-01-01"}
        said = await api.get("/v1/backfill", status=400, **asked)
        assert said["detail"].startswith("87,648 ticks lie from 2009-12-31 23:00 UTC")
        await api.get("/v1/backfill", status=404, **{**asked, "operation": "once"})
