"""Why a run is as it is: for each way in which it can wait, not start, or end."""

from __future__ import annotations

import re

import pytest

from planner.model.status import RunStatus
from reconciler.api import explain_run
from reconciler.backends.memory import Program
from tests.reconciler.api.support import Api, World, dag, eventually, job, service

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

INSTANT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"


async def reasons(api: Api, name: str) -> list[str]:
    """What is said of a run, without its instants."""
    answer = await api.get("/v1/explain", operation=name)
    assert answer["answer"] == answer["reasons"][0]
    return [re.sub(INSTANT, "T", reason) for reason in answer["reasons"]]


async def until(api: Api, name: str, words: str) -> list[str]:
    """What is said of a run once it has `words`."""

    async def look() -> list[str] | None:
        if (await api.client.get("/v1/explain", params={"operation": name})).status_code == 404:
            return None  # not opened yet
        said = await reasons(api, name)
        return said if any(words in reason for reason in said) else None

    return await eventually(look)


async def test_how_a_run_ended() -> None:
    world = World(programs={"bad": Program(seconds=0.0, exit_code=3), "slow": Program(seconds=None)})
    world.push({"a.yaml": job("good"), "b.yaml": job("bad"), "c.yaml": job("slow")})
    async with world.running() as api:
        await api.until("good", "succeeded")
        await api.until("bad", "failed")
        await api.until("slow", "running")
        assert await reasons(api, "good@g1") == ["it has succeeded"]
        again = "plumbline logs bad@g1 shows why, plumbline retry bad@g1 starts it once more"
        assert await reasons(api, "bad@last") == [f"it has failed: exit code 3; {again}"]
        assert await reasons(api, "slow@g1") == ["it is running since T: its program runs"]
        await api.ask("stop", "slow")
        await api.until("slow", "stopped")
        again = "plumbline retry slow@g1 starts it once more"
        assert await reasons(api, "slow@g1") == [f"it was stopped by somebody; {again}"]
        last = (await api.get("/v1/run", run="bad"))["id"]
        assert await reasons(api, last) == await reasons(api, "bad@g1")
        assert "no run" in (await api.get("/v1/explain", operation="bad@g7", status=404))["detail"]
        said = (await api.get("/v1/explain", operation="bad@g1", digest=True, status=400))["detail"]
        assert said == "`digest` is asked of an operation, not of a run"


async def test_a_run_that_cannot_start_says_what_its_backend_waits_for() -> None:
    words = "the image i cannot be pulled: not found"
    world = World(programs={"stuck": Program(waits_for=words), "serve": Program(waits_for=words)})
    commit = world.push({"a.yaml": job("stuck"), "b.yaml": service("serve")})
    async with world.running() as api:
        await api.until("stuck", "starting")
        await api.until("serve", "starting")
        program = "the backend has it, and its program has not started"
        assert await reasons(api, "stuck@g1") == [f"it is starting since T: {program}; {words}"]
        assert await reasons(api, "stuck") == [f"it runs: stuck@g1 is starting: {words}"]
        found = await api.until("stuck", "starting")
        assert found["why"] == words
        said = (await api.client.get(f"/v1/commits/{commit}")).json()
        told = {status["operation"]: status["description"] for status in said["statuses"]}
        assert told["stuck"] == told["serve"] == f"starting: {words}"
        await api.ask("stop", "stuck")
        await api.until("stuck", "stopped")
        assert words not in " ".join(await reasons(api, "stuck@g1"))


async def test_a_node_says_which_ends_kept_it_from_its_start() -> None:
    world = World(programs={"first": Program(seconds=0.0, exit_code=3)})
    world.push({"a.yaml": dag("graph")})
    async with world.running() as api:
        await api.until("graph", "failed")
        assert await reasons(api, "graph@g1/second") == [
            "it was not started, upstream_failed: trigger all_succeeded cannot be met: first",
            "graph@g1/first failed: exit code 3",
        ]
        nodes = [
            "graph@g1/first failed: exit code 3",
            "graph@g1/second upstream_failed: trigger all_succeeded cannot be met: first",
        ]
        assert (await reasons(api, "graph@g1"))[1:] == nodes
        assert [one for one in await reasons(api, "graph") if one.startswith("graph@g1/")] == nodes


async def test_a_node_without_a_run_says_what_it_waits_for() -> None:
    world = World(programs={"first": Program(seconds=None)})
    inner = b"""\
version: 1.1
kind: operation
name: outer
component:
  run:
    kind: dag
    operations:
      - name: first
        component: {run: {kind: job, container: {image: i, command: [one]}}}
      - name: inner
        dependencies: [first]
        trigger: all_done
        component:
          run:
            kind: dag
            operations: [{name: x, component: {run: {kind: job, container: {image: i, command: [two]}}}}]
"""
    world.push({"a.yaml": dag("graph"), "b.yaml": inner})
    async with world.running() as api:
        await until(api, "graph@g1/first", "running")
        await until(api, "outer@g1/first", "running")
        answer = await api.get("/v1/explain", operation="graph@g1/second")
        assert (answer["run"], answer["kind"], answer["state"]) == (None, "job", "waiting")
        assert answer["reasons"] == ["it waits for first (running) (all_succeeded)"]
        said = await reasons(api, "outer@g1/inner/x")
        assert said == ["the DAG inner around it waits for first (running) (all_done)"]
        assert "no run" in (await api.get("/v1/explain", operation="graph@g1/third", status=404))["detail"]


async def test_a_run_that_was_skipped_says_why() -> None:
    world = World()
    world.push({"a.yaml": job("it", more="conditions: rate > 5")})
    async with world.running() as api:
        await api.until("it", "skipped")
        assert await reasons(api, "it@g1") == ["it was not started, skipped: the condition `rate > 5` does not hold"]


async def test_a_run_that_is_held_says_who_releases_it() -> None:
    world = World()
    world.push({"a.yaml": job("it").replace(b"component:\n", b"isApproved: false\ncomponent:\n")})
    async with world.running() as api:
        (first, *_) = await until(api, "it@g1", "held since")
        assert re.fullmatch(r"held since T: .* wants to be approved; plumbline approve h-\w+", first)


async def test_a_run_that_waits_says_for_what_and_what_to_do() -> None:
    world = World()
    world.push({"a.yaml": job("it")})
    async with world.running() as api:
        await api.until("it", "succeeded")
        await api.ask("suspend", "it")
        world.push({"a.yaml": job("it", command="other")})
        said = await until(api, "it", "suspension")
        assert any("plumbline unsuspend it" in reason for reason in said)


async def test_what_was_carried_over_names_the_run_that_did_it() -> None:
    world = World(programs={"first": Program(seconds=0.0), "second": Program(seconds=0.0)})
    world.push({"a.yaml": dag("graph")})
    async with world.running() as api:
        await api.until("graph", "succeeded")
        world.push({"a.yaml": dag("graph").replace(b"[two]", b"[three]")})
        said = await until(api, "graph@g2/first", "it did not run")
        assert said[0] == "it did not run: graph@g1/first had done its work"


async def test_a_service_that_is_up_is_running() -> None:
    world = World()
    world.push({"a.yaml": service("serve")})
    async with world.running() as api:
        await api.until("serve", "ready")
        assert await reasons(api, "serve@g1") == ["it is running since T: its program runs"]


@pytest.mark.parametrize("status", [status for status in RunStatus if not status.final])
def test_every_status_of_a_run_that_is_not_over_has_words(status: RunStatus) -> None:
    assert explain_run._WORDS[status]
