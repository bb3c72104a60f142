"""Metrics and artifacts through the API: whose they are, and that nobody takes a part of a file for the whole."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest
from structlog.testing import capture_logs

from planner.room import Limits
from reconciler.api.bodies import Sent
from reconciler.backends.memory import Program
from reconciler.ports import Content
from tests.reconciler.api.support import Answer, World, dag, eventually, job

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

LEFT = Program(seconds=0.0, metrics={"loss": 0.5, "acc": 1}, files={"model": b"\0\1\2", "plots/a.svg": b"<svg/>"})


async def test_what_a_run_left_and_measured() -> None:
    world = World(programs={"good": LEFT, "first": LEFT})
    world.push({"a.yaml": job("good"), "b.yaml": dag("graph")})
    async with world.running() as api:
        await api.until("good", "succeeded")
        await api.until("graph", "succeeded")
        run = await api.get("/v1/run", run="good")
        assert run["metrics"] == {"loss": 0.5, "acc": 1}
        assert run["artifacts"] == {"names": ["model", "plots"], "files": 2, "size": 9, "more": False}
        listed = await api.get("/v1/artifacts", run="graph@g1/first")
        assert [(one["path"], one["size"]) for one in listed["artifacts"]] == [("model", 3), ("plots/a.svg", 6)]
        file = await api.client.get("/v1/artifact", params={"run": "good", "path": "model"})
        assert (file.content, file.headers["content-length"]) == (b"\0\1\2", "3")
        assert file.headers["content-type"] == "application/octet-stream"
        lines = (await api.client.get("/v1/metrics", params={"run": "good", "name": "acc"})).text.splitlines()
        assert [json.loads(line)["value"] for line in lines] == [1]


async def test_a_dag_shows_what_its_nodes_left() -> None:
    world = World(programs={"first": LEFT, "second": Program(seconds=0.0, files={"report": b"x"})})
    world.push({"b.yaml": dag("graph")})
    async with world.running() as api:
        await api.until("graph", "succeeded")
        listed = await api.get("/v1/artifacts", run="graph")
        assert (listed["run"], listed["more"]) == ("graph@g1", False)
        assert [(one["path"], one["run"]) for one in listed["artifacts"]] == [
            ("first/model", "graph@g1/first"),
            ("first/plots/a.svg", "graph@g1/first"),
            ("second/report", "graph@g1/second"),
        ]
        one = await api.client.get("/v1/artifacts", params={"run": "graph@g1", "path": "second"})
        assert [found["path"] for found in one.json()["artifacts"]] == ["second/report"]
        file = await api.client.get("/v1/artifact", params={"run": "graph", "path": "first/model"})
        assert file.content == b"\0\1\2"
        for path, why in (("third", "no node of it"), ("first/nothing", "'nothing'")):
            answer = await api.client.get("/v1/artifact", params={"run": "graph", "path": path})
            assert (answer.status_code, why in answer.json()["detail"]) == (404, True)


async def test_a_dag_shows_the_newest_round_and_what_the_cache_had() -> None:
    world = World(programs={"first": LEFT})
    world.push({"b.yaml": dag("graph")})
    async with world.running() as api:
        await api.until("graph", "succeeded")
        world.push({"b.yaml": dag("graph"), "c.yaml": dag("other")})
        await api.until("other", "succeeded")
        listed = await api.get("/v1/artifacts", run="graph")
        again = await api.get("/v1/artifacts", run="other")
        # Of the two that did the same work, one has what the other left.
        assert listed["artifacts"] == again["artifacts"]
        await api.ask("retry", "graph@g1/first", mode="all")

        async def newer() -> bool:
            found = (await api.get("/v1/artifacts", run="graph"))["artifacts"]
            return bool(found) and {one["run"] for one in found} == {"graph@g1/first~1"}

        await eventually(newer)


@pytest.mark.parametrize("path", ["/v1/artifact", "/v1/metrics"])
async def test_a_dag_has_none_of_its_own_and_what_is_unknown_is_said(path: str) -> None:
    world = World()
    world.push({"b.yaml": dag("graph")})
    async with world.running() as api:
        await api.until("graph", "succeeded")
        said = await api.get(path, 409, run="graph")
        assert "name one of its nodes" in said["detail"]
        assert "`other`" in (await api.get(path, 404, run="other"))["detail"]


async def test_a_run_that_has_not_started_left_nothing() -> None:
    world = World(limits=Limits(runs=0))
    world.push({"a.yaml": job("waits")})
    async with world.running() as api:

        async def opened() -> Answer | None:
            return (await api.operation("waits")).get("last")

        await eventually(opened)
        said = await api.get("/v1/artifacts", 409, run="waits")
        assert said["detail"] == "waits@g1 has not started, so it left nothing"
        assert (await api.client.get("/v1/metrics", params={"run": "waits"})).text == ""


async def _sent(content: Content) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        messages.append(dict(message))

    async def receive() -> Any:
        await anyio.sleep_forever()

    await Sent(content)({"type": "http", "path": "/v1/artifact"}, receive, send)
    return messages


async def _of(*pieces: bytes, fails: bool = False) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
    if fails:
        raise OSError("the disk broke")


async def test_a_whole_file_is_ended_and_one_that_was_cut_is_broken_off() -> None:
    whole = await _sent(Content("file", 4, _of(b"ab", b"cd")))
    assert whole[-1] == {"type": "http.response.body", "body": b""}
    cut = await _sent(Content("file", 4, _of(b"ab")))
    assert cut[-1]["more_body"] is True


async def test_what_cannot_be_read_on_is_broken_off_and_logged() -> None:
    with capture_logs() as logs:
        broken = await _sent(Content("folder", None, _of(b"ab", fails=True)))
    assert broken[-1] == {"type": "http.response.body", "body": b"ab", "more_body": True}
    assert [line["event"] for line in logs] == ["an answer was cut short"]
