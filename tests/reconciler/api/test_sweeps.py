"""What the API shows of sweeps."""

from __future__ import annotations

import pytest

from planner.keys import parse
from reconciler.api.stories import one
from reconciler.backends.memory import Program
from tests.reconciler.api.support import Answer, Api, World, eventually, job
from tests.reconciler.sweeps import GRID, NESTED, REPORTS, SEARCH, search

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

INSIDE = f"""\
version: 1.1
kind: operation
name: flow
component:
  run:
    kind: dag
    operations:
      - name: tune
        matrix: {GRID}
        component:
          inputs: [{{name: rate, type: float}}]
          run: {{kind: job, container: {{image: i, command: [fit], args: ["{{{{ rate }}}}"]}}}}
""".encode()
WAITING = b"""\
version: 1.1
kind: operation
name: flow
component:
  run:
    kind: dag
    operations:
      - name: wait
        component: {run: {kind: job, container: {image: i, command: [wait]}}}
"""
OVER_DAG = f"""\
version: 1.1
kind: operation
name: deep
matrix: {SEARCH}
component:
  inputs: [{{name: rate, type: float, value: 0.5}}, {{name: kind, type: str, value: a}}]
  run:
    kind: dag
    operations:
      - name: fit
        component: {{run: {{kind: job, container: {{image: i, command: [fit]}}}}}}
      - name: score
        dependencies: [fit]
        component: {{run: {{kind: job, container: {{image: i, command: [score]}}}}}}
""".encode()


async def settled(api: Api, name: str, progress: str, **params: str | bool) -> Answer:
    """What is said of a sweep once it stands so."""

    async def look() -> Answer | None:
        response = await api.client.get("/v1/sweep", params={"run": name, **params})
        found = response.json()
        return found if found.get("progress") == progress else None

    return await eventually(look)


async def test_a_whole_that_has_begun_is_processing_wherever_it_is_shown() -> None:
    world = World(programs={**REPORTS, "wait": Program(seconds=None)})
    world.push({"tune.yaml": search(), "flow.yaml": WAITING})
    async with world.running() as api:
        await settled(api, "tune", "5 of 6 trials ended, 1 running, best loss 0.25 of 0001")
        await eventually(lambda: running(api, "flow@g1/wait"))
        listed = (await api.client.get("/v1/runs")).json()["runs"]
        shown = (await api.client.get("/v1/status")).json()["operations"]
        for name in ("tune", "flow"):
            assert [run["status"] for run in listed if run["key"] == f"{name}@g1"] == ["processing"]
            assert (await api.client.get("/v1/run", params={"run": f"{name}@g1"})).json()["status"] == "processing"
            (root,) = (root for root in shown if root["operation"] == name)
            assert [run["status"] for run in (*root["open"], root["last"])] == ["processing", "processing"]


async def test_a_sweep_inside_and_its_trials_are_processing_too_and_have_the_nodes_below_them() -> None:
    world = World(programs={**REPORTS, "wait": Program(seconds=None)})
    world.push({"flow.yaml": NESTED})
    async with world.running() as api:
        await eventually(lambda: running(api, "flow@g1/tune/0000/wait"))
        listed = {run["key"]: run["status"] for run in (await api.client.get("/v1/runs")).json()["runs"]}
        assert [listed[key] for key in ("flow@g1", "flow@g1/tune", "flow@g1/tune/0000")] == ["processing"] * 3
        assert "flow@g1/tune/0001" not in listed, "there is a place for one"
        for key, nodes in (
            ("flow@g1", ["first", "tune/0000/wait"]),
            ("flow@g1/tune", ["tune/0000/wait"]),
            ("flow@g1/tune/0000", ["tune/0000/wait"]),
            ("flow@g1/tune/0000/wait", []),
        ):
            shown = (await api.client.get("/v1/run", params={"run": key})).json()
            assert shown["status"] == ("running" if key.endswith("wait") else "processing")
            assert [node["node"] for node in shown["nodes"] if node["status"] != "created"] == nodes
            assert shown["breadth"] == 5
        counts = [(await api.get("/v1/run", run=f"flow@g1/tune{name}"))["nodeCount"] for name in ("", "/0000")]
        assert counts == [4, 2]
        found = await api.get("/v1/sweep", run="flow@g1/tune")
        assert found["progress"] == "0 of 2 trials ended, 1 running"
        assert [trial["status"] for trial in found["trials"]] == ["processing"]
        assert "processing" in (await api.get("/v1/explain", operation="flow@g1/tune/0000"))["answer"]


async def running(api: Api, key: str) -> Answer | None:
    found = (await api.client.get("/v1/run", params={"run": key})).json()
    return found if found.get("status") == "running" else None


async def test_a_sweep_shows_its_trials_the_best_first() -> None:
    world = World(programs=REPORTS)
    world.push({"tune.yaml": search()})
    async with world.running() as api:
        said = "5 of 6 trials ended, 1 running, best loss 0.25 of 0001"
        found = await settled(api, "tune", said)
        assert [trial["number"] for trial in found["trials"]] == [1, 0, 4, 2, 3, 5]
        assert [trial["value"] for trial in found["trials"]] == [0.25, 0.5, 0.75, None, None, None]
        assert found["best"]["run"] == "tune@g1/0001"
        assert found["best"]["params"].keys() == {"rate", "kind"}
        assert found["counts"] == {
            "opened": 6,
            "ended": 5,
            "running": 1,
            "waiting": 0,
            "succeeded": 3,
            "failed": 2,
            "others": 0,
        }
        by_number = {trial["number"]: trial for trial in found["trials"]}
        assert "exit code 3" in by_number[2]["reason"]
        assert "loss" in by_number[3]["reason"], "it ended well and reported no finite number"
        assert [step["best"] for step in sorted(found["history"], key=lambda step: step["number"])][-1] == 0.25
        assert {param["name"]: param["numeric"] for param in found["params"]} == {"rate": True, "kind": False}
        assert (found["search"], found["metric"], found["maximize"]) == ("hyperopt", "loss", False)
        status = await api.operation("tune")
        assert status["why"] == said
        explained = await api.get("/v1/explain", operation="tune@g1")
        assert said in explained["reasons"]
        runs = await api.get("/v1/runs", root="tune", query="kind: matrix")
        assert [run["reason"] for run in runs["runs"]] == [said]


async def test_another_metric_and_another_direction() -> None:
    world = World(programs=REPORTS)
    world.push({"tune.yaml": search()})
    async with world.running() as api:
        found = await settled(api, "tune", "5 of 6 trials ended, 1 running, best loss 0.75 of 0004", minimize=False)
        assert found["best"]["number"] == 4
        other = await api.get("/v1/sweep", run="tune", metric="accuracy")
        assert (other["best"], other["metric"], other["maximize"]) == (None, "accuracy", True)


async def test_a_grid_has_no_metric_until_one_is_named() -> None:
    world = World(programs={f"000{index}": Program(seconds=0.0, metrics={"loss": index / 4}) for index in range(3)})
    world.push({"tune.yaml": search(matrix=GRID)})
    async with world.running() as api:
        found = await settled(api, "tune", "3 of 3 trials ended")
        assert (found["metric"], found["best"], found["history"]) == (None, None, [])
        assert [trial["number"] for trial in found["trials"]] == [0, 1, 2]
        found = await api.get("/v1/sweep", run="tune", metric="loss", minimize="true")
        assert found["best"]["params"] == {"rate": 0.1}
        assert found["params"][0]["correlation"] == pytest.approx(1.0)
        await api.get("/v1/sweep", run="tune", minimize="true", status=400)


async def test_a_sweep_inside_a_dag_is_found_by_its_name() -> None:
    world = World()
    world.push({"flow.yaml": INSIDE, "other.yaml": job("other")})
    async with world.running() as api:
        for name in ("flow/tune", "flow", "flow@g1", "flow@g1/tune"):
            found = await settled(api, name, "3 of 3 trials ended")
            assert found["sweep"] == "flow@g1/tune"
        assert "no sweep" in (await api.get("/v1/sweep", run="other", status=409))["detail"]
        assert "flow@g1/tune" in (await api.get("/v1/sweep", run="flow@g1/tune/0001", status=409))["detail"]
        await api.get("/v1/sweep", run="flow/nothing", status=404)
        await api.get("/v1/sweep", run="nothing/tune", status=404)
        await api.get("/v1/sweep", status=400)


async def test_a_trial_that_is_a_dag_has_what_the_last_of_its_operations_reported() -> None:
    world = World(
        programs={
            "fit": Program(seconds=0.0, metrics={"loss": 9.0}),
            "score": Program(seconds=0.0, metrics={"loss": 0.5}),
        }
    )
    world.push({"deep.yaml": OVER_DAG})
    async with world.running() as api:
        found = await settled(api, "deep", "6 of 6 trials ended, best loss 0.5 of 0000")
        assert {trial["value"] for trial in found["trials"]} == {0.5}


async def test_a_trial_took_as_long_as_what_ran_for_it_and_not_what_was_carried_over() -> None:
    score = Program(seconds=0.05, metrics={"loss": 0.5})
    world = World(programs={"fit": Program(seconds=0.05), "score": score})
    world.push({"deep.yaml": OVER_DAG})
    async with world.running() as api:
        await settled(api, "deep@g1", "6 of 6 trials ended, best loss 0.5 of 0000")
        world.push({"deep.yaml": OVER_DAG.replace(b"[score]", b"[score, again]")})
        await api.until("deep", "succeeded")
        found = await settled(api, "deep@g2", "6 of 6 trials ended, best loss 0.5 of 0000")
        (trial,) = (trial for trial in found["trials"] if trial["number"] == 0)  # the others have what it made
        fit, ran = [(await one(world.core, parse(f"deep@g2/0000/{name}"))).source for name in ("fit", "score")]
        assert fit.key.cause == "g1", "it was carried over"
        assert trial["seconds"] == round((ran.finished_at - ran.started_at).total_seconds(), 3)
        assert trial["seconds"] < (ran.finished_at - fit.started_at).total_seconds()


async def test_a_trial_that_is_tried_again_counts_with_its_newest_round() -> None:
    world = World(programs={**REPORTS, "0005": Program(seconds=0.0, metrics={"loss": 1.0})})
    world.push({"tune.yaml": search()})
    async with world.running() as api:
        await settled(api, "tune", "6 of 6 trials ended, best loss 0.25 of 0001")
        world.programs["0002"] = Program(seconds=0.0, metrics={"loss": 0.125})
        await api.ask("retry", "tune")
        found = await settled(api, "tune", "6 of 6 trials ended, best loss 0.125 of 0002")
        assert found["best"]["run"] == "tune@g1/0002~1"
