"""The build of an operation by itself, as people see it: a run of its own, below the run that wants the image."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.compile import CompileConfig
from reconciler.backends.memory import Program
from reconciler.clock import WallClock
from reconciler.compiler import SourceCompiler
from reconciler.hubs import FolderHub
from reconciler.outside import Lookup, References
from reconciler.urls import Urls
from tests.reconciler.api.support import World

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

BUILDER = """\
version: 1.1
kind: component
name: builder
inputs: [{name: destination, type: image}]
outputs: [{name: image, type: image}]
run: {kind: job, container: {image: i, command: [build, "{{ destination }}"]}}
"""
TRAIN = b"""\
version: 1.1
kind: operation
name: train
component:
  build: {hubRef: builder}
  run: {kind: job, container: {command: [fit]}}
"""


@pytest.fixture
def world(tmp_path: Path) -> World:
    (tmp_path / "builder.yaml").write_text(BUILDER)
    made = World()
    outside = References(made.ledger, Lookup((FolderHub("own", tmp_path),), Urls(())), WallClock())
    made.core.compiler = SourceCompiler(made.source, CompileConfig(project="project", instance="test"), outside)
    return made


async def test_a_build_that_failed_is_explained_and_retried(world):
    world.programs["build"] = Program(seconds=0.0, exit_code=3)
    world.push({"a.yaml": TRAIN})
    async with world.running() as api:
        await api.until("train", "failed")
        reasons = (await api.get("/v1/explain", operation="train"))["reasons"]
        assert reasons[0].startswith("train@g1 failed: its build train@g1/build failed: exit code 3; ")
        assert "plumbline logs train@g1/build shows why" in reasons[0]
        assert "train@g1/build failed: exit code 3" in reasons
        assert (await api.get("/v1/explain", operation="train@g1/build"))["state"] == "failed"
        world.programs["build"] = Program(seconds=0.0, outputs={"image": "project:1"})
        assert (await api.ask("retry", "train"))["ok"]
        await api.until("train", "succeeded")
        run = await api.get("/v1/run", run="train")
        assert (run["key"], [(one["node"], one["status"]) for one in run["nodes"]]) == (
            "train@g1~1",
            [("build", "succeeded")],
        )
        assert run["bound"]["replicas"][0]["image"] == "project:1"


async def test_the_graph_has_both(world):
    world.programs["build"] = Program(seconds=0.0, outputs={"image": "project:1"})
    world.push({"a.yaml": TRAIN})
    async with world.running() as api:
        await api.until("train", "succeeded")
        graph = await api.get("/v1/graph", run="train@last")
        assert [(one["path"], one["layer"], one["told"]["status"]) for one in graph["nodes"]] == [
            ("build", 1, "succeeded"),
            ("", 2, "succeeded"),
        ]
        assert [(one["source"], one["target"]) for one in graph["edges"]] == [("build", "")]
