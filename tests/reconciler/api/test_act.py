"""What people ask for through the API, and what comes of it."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

from planner.guard import Budgets
from planner.keys import Key
from planner.model.artifacts import Artifact
from planner.model.facts import Asked
from reconciler.backends.memory import Program
from reconciler.errors import Refused
from tests.reconciler.api.support import Answer, Api, World, dag, eventually, job, policy, service

pytestmark = [pytest.mark.unit, pytest.mark.anyio]


async def run_in(api: Api, key: str, status: str) -> Answer:
    """The run `key`, once it has `status`."""

    async def look() -> Answer | None:
        response = await api.client.get("/v1/run", params={"run": key})
        found = response.json()
        return found if response.status_code == 200 and found["status"] == status else None

    return await eventually(look)


async def asked(world: World) -> list[Asked]:
    """Every command that was recorded."""
    return [fact for _, fact in await world.ledger.facts() if isinstance(fact, Asked)]


async def test_run_makes_one_more_run_and_names_it() -> None:
    world = World()
    world.push({"a.yaml": job("train"), **policy("defaults: {runPolicy: manual}")})
    async with world.running() as api:
        await api.until("train", "manual")
        started = (await api.ask("run", "train"))["answers"][0]["run"]
        assert started["key"].startswith("train@req-")
        assert (await run_in(api, started["id"], "succeeded"))["key"] == started["key"]


async def test_run_with_params_runs_the_operation_with_other_values() -> None:
    world = World()
    world.push({"a.yaml": job("train")})
    async with world.running() as api:
        await api.until("train", "succeeded")
        started = (await api.ask("run", "train", params={"rate": "0.7"}))["answers"][0]["run"]
        found = await run_in(api, started["key"], "succeeded")
        assert found["bound"]["replicas"][0]["command"] == ["train", "0.7"]
        assert (await api.get("/v1/run", run="train@g1"))["bound"]["replicas"][0]["command"] == ["train", "0.1"]


async def test_params_that_do_not_compile_are_refused_with_every_problem_and_nothing_is_recorded() -> None:
    world = World()
    world.push({"a.yaml": job("train")})
    async with world.running() as api:
        await api.until("train", "succeeded")
        answer = await api.ask("run", "train", status=422, params={"nothing": "1", "rate": "fast"})
        assert {problem["code"] for problem in answer["problems"]} == {"PL-401", "PL-403"}
        assert not await asked(world)


async def test_params_are_taken_whatever_else_the_file_holds() -> None:
    world = World()
    text = job("train", more="description: 🚀 'quoted' \\u00e9\nparams: {rate: 0.2}")
    world.push({"a.yaml": job("other") + b"---\n" + text})
    async with world.running() as api:
        await api.until("train", "succeeded")
        started = (await api.ask("run", "train", params={"rate": "0.7"}))["answers"][0]["run"]
        found = await run_in(api, started["key"], "succeeded")
        assert found["bound"]["replicas"][0]["command"] == ["train", "0.7"]


async def test_a_problem_with_a_param_is_told_in_the_words_of_the_command_line() -> None:
    world = World()
    world.push({"a.yaml": job("train", more="params: {rate: 0.2}")})
    async with world.running() as api:
        await api.until("train", "succeeded")
        answer = await api.ask("run", "train", status=422, params={"rate": "fast", "speed": "fast"})
        assert [problem["path"] for problem in answer["problems"]] == ["-P rate=fast", "-P speed=fast"]


async def test_a_param_that_breaks_the_component_is_told_where_it_breaks() -> None:
    world = World()
    component = b"""\
version: 1.1
kind: component
inputs: [{name: count, type: int, value: 1}]
run: {kind: job, container: {image: i, command: [c], args: ["{{ 1 / count }}"]}}
"""
    world.push({"a.yaml": b"version: 1.1\nkind: operation\nname: train\npathRef: c.yaml\n", "c.yaml": component})
    async with world.running() as api:
        await api.until("train", "succeeded")
        answer = await api.ask("run", "train", status=422, params={"count": "0"})
        assert [(problem["path"], problem["line"]) for problem in answer["problems"]] == [("c.yaml", 4)]


async def test_a_commit_with_another_project_name_changes_nothing() -> None:
    world = World()
    world.push({"a.yaml": job("train"), "b.yaml": job("other"), **policy("project: project")})
    async with world.running() as api:
        await api.until("train", "succeeded")
        await api.until("other", "succeeded")
        head = world.push({"a.yaml": job("train", command="new"), **policy("project: renamed")})

        async def look() -> Answer | None:
            response = await api.client.get(f"/v1/commits/{head}")
            return response.json() if response.status_code == 200 else None

        commit = await eventually(look)
        assert "PL-602" in commit["firstProblem"]
        status = await api.get("/v1/status")
        assert status["project"] == "project"
        assert {item["operation"] for item in status["operations"]} == {"train", "other"}


async def test_excluding_a_file_removes_its_operations() -> None:
    world = World()
    files = {"a.yaml": service("serve"), "b.yaml": job("train")}
    world.push(files)
    async with world.running() as api:
        await api.until("serve", "ready")
        await api.until("train", "succeeded")
        world.push({**files, **policy("paths: {exclude: a.yaml}")})

        async def look() -> Answer | None:
            found = await api.get("/v1/status")
            names = {item["operation"] for item in found["operations"] if item["state"] != "removed"}
            return found if names == {"train"} else None

        await eventually(look)


async def test_what_a_person_stops_stays_down_until_a_person_wants_it() -> None:
    world = World()
    world.push({"a.yaml": service("serve")})
    async with world.running() as api:
        ready = await api.until("serve", "ready")
        assert (await api.ask("stop", ready["last"]["id"]))["message"] == "stopping 1 run"
        down = await api.until("serve", "down")
        assert down["down"]["by"] == "somebody"
        answer = (await api.get("/v1/explain", operation="serve"))["answer"]
        assert re.fullmatch(r"stopped by somebody since \S+; plumbline retry serve, or commit a change", answer)
        refused = await api.ask("stop", "serve", status=409)
        assert refused["detail"] == "nothing of serve is running"
        await api.ask("run", "serve")
        assert (await api.until("serve", "ready"))["last"]["key"].startswith("serve@req-")


async def test_a_retry_takes_back_a_stop() -> None:
    world = World()
    world.push({"a.yaml": service("serve")})
    async with world.running() as api:
        await api.until("serve", "ready")
        await api.ask("stop", "serve")
        await api.until("serve", "down")
        await api.ask("retry", "serve")
        assert (await api.until("serve", "ready"))["last"]["key"] == "serve@g1~1"


async def test_retry_starts_what_failed_once_more() -> None:
    world = World(programs={"train": Program(seconds=0.0, exit_code=1)})
    world.push({"a.yaml": job("train")})
    async with world.running() as api:
        await api.until("train", "failed")
        world.programs.clear()
        await api.ask("retry", "train@last-failed")
        found = await api.until("train", "succeeded")
        assert found["last"]["key"] == "train@g1~1"
        assert (await api.get("/v1/run", run="train@g1"))["status"] == "failed"
        again = await api.client.get("/v1/logs", params={"run": "train"})
        assert again.text == "train@g1~1#1 ran in memory\n"


async def test_retry_of_one_node_leaves_the_others() -> None:
    world = World()
    world.push({"a.yaml": dag("graph")})
    async with world.running() as api:
        await api.until("graph", "succeeded")
        await api.ask("retry", "graph", node="second", mode="all")
        await run_in(api, "graph@g1/second~1", "succeeded")
        nodes = (await api.get("/v1/run", run="graph@g1"))["nodes"]
        assert [node["key"] for node in nodes] == ["graph@g1/first", "graph@g1/second~1"]
        answer = await api.ask("retry", "graph", status=404, node="third")
        assert "it has `first` or `second`" in answer["detail"]


async def failed_with_a_rate(api: Api) -> str:
    """The key of a run of `train` that a person gave a rate and that has failed."""
    await api.until("train", "failed")
    run = str((await api.ask("run", "train", params={"rate": "0.7"}))["answers"][0]["run"]["key"])
    await run_in(api, run, "failed")
    return run


async def test_a_retry_goes_by_the_spec_then_or_now_and_keeps_what_a_person_gave() -> None:
    world = World(programs={"train": Program(seconds=0.0, exit_code=1)})
    world.push({"a.yaml": job("train")})
    async with world.running() as api:
        run = await failed_with_a_rate(api)
        world.push({"a.yaml": job("train", command="mended")})
        await run_in(api, "train@g2", "failed")
        await api.ask("retry", run, spec="then")
        assert (await run_in(api, f"{run}~1", "failed"))["bound"]["replicas"][0]["command"] == ["train", "0.7"]
        said = (await api.ask("retry", run, spec="now"))["message"]
        assert said == f"{run} round 2: train, with the spec of train as it is now"
        assert (await run_in(api, f"{run}~2", "failed"))["bound"]["replicas"][0]["command"] == ["mended", "0.7"]


async def test_a_retry_goes_on_with_artifacts_unless_they_are_gone() -> None:
    world = World(programs={"train": Program(seconds=0.0, exit_code=1)})
    world.push({"a.yaml": job("train")})
    async with world.running() as api:
        await api.until("train", "failed")
        both = await api.ask("retry", "train", status=400, resume=True, copy=True)
        assert "take one" in both["detail"]
        said = (await api.ask("retry", "train", copy=True))["message"]
        assert said == "train@g1 round 1: train, with a copy of the artifacts of the round before"
        await run_in(api, "train@g1~1", "failed")
        assert "with a copy" in (await api.get("/v1/run", run="train@g1~1"))["because"]

        async def gone(key: Key, path: str = "") -> list[Artifact]:
            raise Refused(f"{key} has none at {path!r}")

        world.backend.artifacts = gone  # type: ignore[method-assign]
        answer = await api.ask("retry", "train", status=409, resume=True)
        assert answer["detail"] == (
            "the artifacts of train@g1~1 are gone, so there is nothing to go on with or to copy; "
            "plumbline retry train starts it without"
        )


async def test_a_retry_with_a_spec_of_now_that_the_params_do_not_fit_is_refused() -> None:
    world = World(programs={"train": Program(seconds=0.0, exit_code=1)})
    world.push({"a.yaml": job("train")})
    async with world.running() as api:
        run = await failed_with_a_rate(api)
        world.push({"a.yaml": job("train", command="x").replace(b"rate", b"speed")})
        await run_in(api, "train@g2", "failed")
        answer = await api.ask("retry", run, status=422, spec="now")
        assert [problem["path"] for problem in answer["problems"]] == ["-P rate=0.7"]
        assert (await api.get("/v1/run", run=run))["status"] == "failed"


@pytest.mark.parametrize(("baseline", "state"), [(False, "succeeded"), (True, "in force")])
async def test_approve_releases_a_hold_of_all_its_operations(baseline: bool, state: str) -> None:
    world = World(budgets=Budgets(starts=1))
    world.push({"a.yaml": job("one"), "b.yaml": job("two")})
    async with world.running() as api:
        held = await api.until("one", "held")
        args = {"baseline": True} if baseline else {}
        answer = await api.ask("approve", held["hold"], **args)
        assert {part["operation"] for part in answer["answers"]} == {"one", "two"}
        await api.until("one", state)
        await api.until("two", state)
        assert "nothing is held now" in (await api.ask("approve", held["hold"], status=404))["detail"]


@pytest.mark.parametrize("target", ["train", ""])
async def test_a_suspension_ends_by_itself_or_by_a_person(target: str) -> None:
    world = World()
    world.push({"a.yaml": job("train")})
    async with world.running() as api:
        await api.until("train", "succeeded")
        await api.ask("suspend", target, **{"for": 3600})
        world.push({"a.yaml": job("train", command="other")})

        async def waits() -> Answer | None:
            found = await api.operation("train")
            return found if found["waits"] else None

        assert (await eventually(waits))["waits"][0]["until"] is not None
        assert any("suspended by" in reason for reason in (await api.get("/v1/explain", operation="train"))["reasons"])
        await api.ask("unsuspend", target)

        async def ran() -> Answer | None:
            found = await api.operation("train")
            return found if found["generation"] == 2 and found["state"] == "succeeded" else None

        await eventually(ran)


async def test_what_vanished_is_believed_when_a_person_says_so() -> None:
    world = World()
    world.push({"a.yaml": job("train")})
    async with world.running() as api:
        await api.until("train", "succeeded")
        world.loop.observer.lost = "4 of 4 live runs vanished at once"
        (hold,) = (await api.get("/v1/status"))["holds"]
        assert hold["release"] == "plumbline approve lost"
        assert (await api.ask("approve", "lost"))["ok"]
        assert (await api.get("/v1/status"))["holds"] == []


async def test_a_command_that_nobody_plans_yet_is_kept_and_can_be_asked_after() -> None:
    world = World(patience=0.05)
    world.push({"a.yaml": job("train")})
    async with world.running() as api:
        await api.until("train", "succeeded")
    again = World(patience=0.05)
    again.ledger.restore(world.ledger.snapshot())
    async with again.client() as client:
        api = Api(client)
        answer = await api.ask("stop", "train", status=202)
        assert answer["state"] == "waiting"
        ident = answer["answers"][0]["id"]
        assert (await api.get(f"/v1/commands/{ident}"))["state"] == "waiting"
        assert "there is no command" in (await api.get("/v1/commands/other", status=404))["detail"]
        assert again.core.queue.depth == 1
    (fact,) = await asked(again)
    assert (fact.command.verb, fact.command.by) == ("stop", "somebody")


async def test_the_name_of_who_asks_is_kept_short_and_on_one_line() -> None:
    world = World()
    world.push({"a.yaml": job("train")})
    async with world.running() as api:
        await api.until("train", "succeeded")
        body = {"verb": "suspend", "target": "train", "by": "ada\nroot" + "x" * 500}
        assert (await api.client.post("/v1/commands", json=body)).status_code == 200
        by = (await api.get("/v1/explain", operation="train"))["suspended"]["by"]
        assert by.startswith("ada root")
        assert len(by) == 100


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        pytest.param({"verb": "destroy"}, 400, "is not a command", id="verb"),
        pytest.param({"verb": ["run"]}, 400, "as texts", id="verb-type"),
        pytest.param({"verb": "run", "target": "train", "force": True}, 400, "unknown member `force`", id="member"),
        pytest.param({"verb": "run", "target": 3}, 400, "as texts", id="target-type"),
        pytest.param({"verb": "run", "target": "train", "args": []}, 400, "as an object", id="args-type"),
        pytest.param({"verb": "run", "target": "train", "args": {"x": 1}}, 400, "no argument `x`", id="argument"),
        pytest.param({"verb": "stop", "target": "train", "args": {"x": 1}}, 400, "it takes none", id="no-arguments"),
        pytest.param({"verb": "run", "target": "train", "args": {"params": {"a": 1}}}, 400, "texts", id="param-type"),
        pytest.param({"verb": "suspend", "args": {"for": -1}}, 400, "above 0", id="span"),
        pytest.param({"verb": "suspend", "args": {"for": "2h"}}, 400, "a number of seconds", id="span-type"),
        pytest.param({"verb": "suspend", "args": {"for": True}}, 400, "a number of seconds", id="span-bool"),
        pytest.param({"verb": "retry", "target": "train", "args": {"mode": "some"}}, 400, "`all`", id="mode"),
        pytest.param({"verb": "approve", "target": "h", "args": {"baseline": 1}}, 400, "true or false", id="baseline"),
        pytest.param({"verb": "run", "target": "x" * 2000}, 400, "too long", id="long-target"),
        pytest.param({"verb": "run", "target": "tarin"}, 404, "did you mean train?", id="typo"),
        pytest.param({"verb": "run", "target": ""}, 404, "is no operation", id="no-target"),
        pytest.param({"verb": "stop", "target": "train@g9"}, 404, "there is no run train@g9", id="no-run"),
        pytest.param({"verb": "approve", "target": "h-00000000"}, 404, "there is no hold", id="no-hold"),
        pytest.param({"verb": "suspend", "target": "tarin"}, 404, "did you mean train?", id="suspend-typo"),
    ],
)
async def test_a_command_that_makes_no_sense_is_refused_before_anything_is_recorded(
    body: Mapping[str, object], status: int, words: str
) -> None:
    world = World()
    world.push({"a.yaml": job("train")})
    async with world.running() as api:
        await api.until("train", "succeeded")
        response = await api.client.post("/v1/commands", json=body)
        assert (response.status_code, words in response.json()["detail"]) == (status, True), response.text
        assert not await asked(world)
