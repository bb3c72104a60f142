"""Plans over the API: what would happen, with nothing happening."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from planner.compile import CompileConfig
from reconciler import codec
from reconciler.compiler import SourceCompiler
from tests.reconciler.api.support import Answer, Api, World, dag, job

pytestmark = [pytest.mark.unit, pytest.mark.anyio]


def verbs(answer: Answer) -> dict[str, str]:
    """What the plan does to each operation."""
    return {action["root"]: action["verb"] for action in answer["plan"]["actions"]}


async def test_the_plan_of_a_commit_changes_nothing() -> None:
    world = World()
    world.push({"a.yaml": job("one"), "b.yaml": job("two", command="second")})
    async with world.running() as api:
        await api.until("two", "succeeded")
        await api.until("one", "succeeded")
    still = World()
    still.remote, still.source.remote = world.remote, world.remote
    still.ledger.restore(world.ledger.snapshot())
    ident = world.remote.commit({"a.yaml": job("one", command="other"), "c.yaml": job("three")})
    async with still.client() as client:
        api = Api(client)
        before = await still.ledger.sequence()
        answer = await api.get("/v1/plan")
        assert answer["plan"]["commit"] == ident
        assert verbs(answer) == {"one": "update", "two": "remove", "three": "start"}
        assert "+ start three (job): new in the repository" in answer["text"]
        assert "1 remove · 1 start · 1 update" in answer["markdown"]
        assert await still.ledger.sequence() == before
        assert still.backend.starts == {}


async def test_a_plan_can_be_of_any_commit_that_the_daemon_has_and_against_another() -> None:
    world = World()
    first = world.push({"a.yaml": job("one")})
    async with world.running() as api:
        await api.until("one", "succeeded")
        second = world.push({"a.yaml": job("one"), "b.yaml": job("two")})
        await api.until("two", "succeeded")
        assert verbs(await api.get("/v1/plan", head=second)) == {}
        assert verbs(await api.get("/v1/plan", head=first[:12])) == {"two": "remove"}
        assert verbs(await api.get("/v1/plan", head=second, base=first)) == {"two": "start"}
        assert "has no commit" in (await api.get("/v1/plan", head="0" * 40, status=404))["detail"]


async def test_files_that_were_never_committed_are_planned_against_the_world_as_it_is() -> None:
    world = World()
    world.push({"a.yaml": dag("graph")})
    async with world.running() as api:
        await api.until("graph", "succeeded")
        world.remote.commit({"a.yaml": dag("graph").replace(b"[two]", b"[other]")})
        commit = await world.source.fetch()
        assert commit is not None
        compiler = SourceCompiler(world.source, CompileConfig(project="project", instance="test"))
        desired = await compiler.compile(commit, {"graph": "a.yaml"})
        response = await api.client.post("/v1/plan", content=codec.encode(desired))
        assert response.status_code == 200, response.text
        (action,) = response.json()["plan"]["actions"]
        assert action["verb"] == "update"
        assert "first: carried over from graph@g1/first, will not run" in action["effects"]


async def test_a_body_that_is_no_desired_state_is_refused() -> None:
    async with World().client() as client:
        for body in ("", "{}", "[]", '{"commit": 3}', "not json"):
            response = await client.post("/v1/plan", content=body)
            assert response.status_code == 400, body
            assert "no desired state" in response.json()["detail"]


async def test_files_of_many_operations_are_planned_before_they_are_pushed() -> None:
    """More than the 1,000 that fit into the megabyte of a command."""
    world = World()
    text = await compiled(world, {f"{number}.yaml": job(f"job-{number}") for number in range(1200)})
    assert len(text) > 1_000_000
    async with world.client() as client:
        response = await client.post("/v1/plan", content=text)
        assert response.status_code == 200, response.text
        assert len(response.json()["plan"]["actions"]) == 1200


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param('"cron":"0 2 * * *"', '"cron":"whenever"', id="cron"),
        pytest.param('"name":"nightly"', '"name":"another"', id="name"),
        pytest.param('"trigger":"all_succeeded"', '"trigger":"perhaps"', id="trigger"),
    ],
)
async def test_a_desired_state_that_compile_did_not_make_is_refused(old: str, new: str) -> None:
    """Planning trusts what compile checked: what was changed since is no crash of ours."""
    world = World()
    text = await compiled(
        world,
        {"a.yaml": job("nightly", more="schedule: {kind: cron, cron: '0 2 * * *'}"), "b.yaml": dag("graph")},
    )
    assert old in text
    async with world.client() as client:
        response = await client.post("/v1/plan", content=text.replace(old, new))
        assert response.status_code == 400
        assert "not as compile made it" in response.json()["detail"]


async def compiled(world: World, files: Mapping[str, bytes]) -> str:
    """The stored form of what `files` ask for."""
    world.remote.commit(files)
    commit = await world.source.fetch()
    assert commit is not None
    compiler = SourceCompiler(world.source, CompileConfig(project="project", instance="test"))
    return codec.encode(await compiler.compile(commit, {}))


async def test_the_instant_of_planning_can_be_given() -> None:
    world = World()
    world.push({"a.yaml": job("nightly", more="schedule: {kind: cron, cron: '0 2 * * *'}")})
    async with world.client() as client:
        answer = await Api(client).get("/v1/plan", at="2031-05-06T00:00:00Z")
        (action,) = answer["plan"]["actions"]
        assert action["effects"][-1].startswith("next ticks: 2031-05-06 02:00 UTC")


async def test_without_a_branch_there_is_nothing_to_plan() -> None:
    async with World().client() as client:
        assert "does not exist" in (await Api(client).get("/v1/plan", status=409))["detail"]


async def test_a_plan_says_whom_the_commit_wakes() -> None:
    world = World()
    listens = "events: [{ref: repository, kinds: [connection_git_commit], paths: ['data/**']}]"
    files = {"a.yaml": job("train", more=listens)}
    world.push(files)
    async with world.running() as api:
        await api.until("train", "listening")
        world.remote.commit({**files, "data/x": b"1"})
        found = await api.get("/v1/plan")
        assert "wakes train: its event listens to data/**; it touches data/x" in found["plan"]["notes"]
        assert found["listening"] == {"train": ["data/**"]}
        assert "note: wakes train" in found["text"]
