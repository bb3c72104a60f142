"""What agents in pods may ask: each of its own attempt, while that is alive, and nothing without its token."""

from __future__ import annotations

import contextlib
import io
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from planner.keys import Key
from planner.model.gang import CodeTree
from planner.model.run import Stamp
from reconciler.api.pods import MOST, pods_app
from reconciler.backends.kubernetes.bringing import Bringing, Sources
from reconciler.backends.kubernetes.desk import Desk as Files
from reconciler.backends.kubernetes.tokens import Tokens
from reconciler.backends.memory import Program
from reconciler.ports import Order
from reconciler.ports_pods import Brought, Wanted
from tests.reconciler.api.support import Api, World, eventually, job

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

OWNER = Stamp("l", 1, "test", "project")
TOKENS = Tokens(b"s" * 32, OWNER)
FOREVER = Program(seconds=None)


class Trees:
    async def export(self, tree: CodeTree, dest: Path) -> None:
        _exported(dest)


def _exported(dest: Path) -> None:
    dest.mkdir()
    (dest / "main.py").write_text("print(1)\n")


class Desk:
    """A backend's desk, without its cluster."""

    def __init__(self, folder: Path) -> None:
        self.files = Files(folder / "left", Trees(), folder / "trees")
        self.active: list[tuple[Key, float | None]] = []
        self.bringing = Bringing(Sources(folder / "left", Trees(), None, folder / "trees"), OWNER)

    def attempt_of(self, token: str) -> Key | None:
        return TOKENS.key_of(token)

    async def place(self) -> str:
        return await self.files.place()

    async def code(self, tree: CodeTree) -> Path:
        return await self.files.code(tree)

    async def bring(self, order: Order, wanted: Wanted) -> AsyncIterator[bytes]:
        return await self.bringing.bring(order, wanted)

    async def take_metrics(self, key: Key, offset: int, data: bytes, of: str = "") -> int:
        return await self.files.take_metrics(str(key), offset, data, of)

    async def take_artifact(self, key: Key, brought: Brought, pieces: AsyncIterator[bytes]) -> None:
        await self.files.take_artifact(str(key.run), brought, pieces)

    async def take_activity(self, key: Key, at: float | None) -> None:
        self.active.append((key, at))

    async def take_end(self, key: Key, output: bytes) -> None:
        await self.files.take_end(str(key), output)


CODE = """\
version: 1.1
kind: operation
name: code
component:
  run:
    kind: job
    init: [{git: {}}]
    container: {image: i, command: [python3, main.py]}
"""


@contextlib.asynccontextmanager
async def asking(folder: Path, **programs: Program) -> AsyncIterator[tuple[World, Api, httpx.AsyncClient, Desk]]:
    world, desk = World(programs=programs), Desk(folder)
    async with world.running() as api:
        transport = httpx.ASGITransport(pods_app(world.core, desk))
        async with httpx.AsyncClient(transport=transport, base_url="http://pods") as client:
            yield world, api, client, desk


async def started(api: Api, name: str, status: str = "running") -> Key:
    async def look():
        found = (await api.client.get("/v1/runs", params={"root": name})).json().get("runs")
        return found[0] if found and found[0]["status"] == status else None

    await eventually(look)
    return Key(name, "g1", attempt=1)


def bearer(key: Key) -> dict[str, str]:
    return {"authorization": f"Bearer {TOKENS.of(key)}"}


async def test_an_attempt_gets_its_code_and_appends(tmp_path):
    async with asking(tmp_path, code=FOREVER) as (world, api, client, desk):
        world.push({"flow/code.yaml": CODE.encode(), "flow/main.py": b"print(1)\n"})
        key = await started(api, "code")
        answer = await client.get("/v1/attempt/code/0", headers=bearer(key))
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-tar")
        assert b"main.py" in answer.content
        assert (await client.get("/v1/attempt/code/1", headers=bearer(key))).status_code == 404
        answer = await client.post("/v1/attempt/metrics?offset=0", content=b"abc", headers=bearer(key))
        assert answer.json() == {"offset": 3}
        assert answer.headers["Plumbline-Place"] == await desk.place()
        assert (await client.post("/v1/attempt/end", content=b"a=1\n", headers=bearer(key))).status_code == 200
        assert await desk.files.output(str(key)) == b"a=1\n"


async def test_a_run_leaves_files(tmp_path):
    async with asking(tmp_path, train=FOREVER) as (world, api, client, desk):
        world.push({"train.yaml": job("train")})
        key = await started(api, "train")
        for path, content in {"m/model.bin": b"one", "run.sh": b"#!/bin/sh\n"}.items():
            said = f"/v1/attempt/artifacts/{path}?modified=1000.5&executable={int(path == 'run.sh')}"
            assert (await client.put(said, content=content, headers=bearer(key))).status_code == 200
        again = "/v1/attempt/artifacts/m/model.bin?modified=2000"
        assert (await client.put(again, content=b"two!", headers=bearer(key))).status_code == 200
        found = await desk.files.artifacts(str(key.run), 1, "")
        assert [(one.path, one.kind, one.size, one.executable) for one in found] == [
            ("run.sh", "file", 10, True),
            ("m", "folder", 0, True),
            ("m/model.bin", "file", 4, False),
        ]
        content = await desk.files.artifact(str(key.run), "m/model.bin")
        assert b"".join([piece async for piece in content.pieces]) == b"two!"


async def test_until_when_a_service_was_in_use_is_told(tmp_path):
    async with asking(tmp_path, web=FOREVER) as (world, api, client, desk):
        world.push({"web.yaml": job("web")})
        key = await started(api, "web")
        for query, status in (("?at=100.5", 200), ("", 200), ("?at=soon", 400), ("?at=-1", 400), ("?at=inf", 400)):
            answer = await client.post(f"/v1/attempt/activity{query}", headers=bearer(key))
            assert answer.status_code == status, query
        assert desk.active == [(key, 100.5), (key, None)]
        assert (await client.post("/v1/attempt/activity")).status_code == 401


READS = """\
version: 1.1
kind: operation
name: eval
component:
  run:
    kind: job
    init:
      - file: {content: "{{ globals.uuid }}", filename: id}
      - lineageRef: "train@g1:model.bin"
      - paths: [other-1/outputs/x]
    container: {image: i, command: [cat, model.bin]}
"""


def members(data: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(data), mode="r|") as archive:
        return {one.name: found.read() for one in archive if (found := archive.extractfile(one)) is not None}


async def test_an_attempt_gets_what_its_order_names_and_nothing_else(tmp_path):
    async with asking(tmp_path, eval=FOREVER) as (world, api, client, desk):
        world.push({"train.yaml": job("train")})
        train = await started(api, "train", "succeeded")
        folder = train.run.dns_name("test", "project")
        await desk.files.take_artifact(folder, Brought("model.bin", 1.0), _once(b"weights"))
        world.push({"eval.yaml": READS.encode()})
        key = await started(api, "eval")
        told = bearer(key)
        answer = await client.get("/v1/attempt/init/0", headers=told)
        assert members(answer.content) == {"id": key.short_id("test", "project").encode()}
        answer = await client.get("/v1/attempt/init/1", headers=told)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-tar")
        assert members(answer.content) == {"model.bin": b"weights"}
        answer = await client.get("/v1/attempt/init/2", headers=told)
        assert (answer.status_code, "other-1/outputs/x" in answer.text) == (422, True)
        for path in ("init/3", "runs/0", f"runs/{folder}", f"init/{folder}", "init/-1"):
            assert (await client.get(f"/v1/attempt/{path}", headers=told)).status_code in {404, 422}
        assert members((await client.get("/v1/attempt/earlier", headers=told)).content) == {}
        for path in ("init/1", "earlier", "runs/0"):
            assert (await client.get(f"/v1/attempt/{path}", headers=bearer(train))).status_code == 410


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


@pytest.mark.parametrize("path", ["../x", "a/../../x", "", "m", "m/model.bin/x"])
async def test_a_file_without_a_place_is_refused(tmp_path, path):
    async with asking(tmp_path, train=FOREVER) as (world, api, client, desk):
        world.push({"train.yaml": job("train")})
        key = await started(api, "train")
        there = "/v1/attempt/artifacts/m/model.bin?modified=1"
        assert (await client.put(there, content=b"one", headers=bearer(key))).status_code == 200
        odd = httpx.URL("http://pods", path=f"/v1/attempt/artifacts/{path}", query=b"modified=1")
        answer = await client.put(odd, content=b"x", headers=bearer(key))
        assert answer.status_code in {404, 422}
        assert [one.path for one in await desk.files.artifacts(str(key.run), 1, "")] == ["m", "m/model.bin"]


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer x"}, {"authorization": "Basic eDp5"}])
@pytest.mark.parametrize("path", ["code/0", "init/0", "earlier", "runs/0", "metrics?offset=0", "end"])
async def test_nobody_else_learns_anything(tmp_path, headers, path):
    async with asking(tmp_path, train=FOREVER) as (world, api, client, _):
        world.push({"train.yaml": job("train")})
        await started(api, "train")
        method = "POST" if path.startswith(("metrics", "end")) else "GET"
        assert (await client.request(method, f"/v1/attempt/{path}", headers=headers)).status_code == 401


async def test_what_is_over_is_over(tmp_path):
    async with asking(tmp_path) as (world, api, client, desk):
        world.push({"train.yaml": job("train")})
        key = await started(api, "train", "succeeded")
        for late in (key, Key("train", "g1", attempt=2), Key("other", "g1", attempt=1)):
            answer = await client.post("/v1/attempt/end", content=b"a=2\n", headers=bearer(late))
            assert (answer.status_code, await desk.files.output(str(late))) == (410, None)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("metrics", b"", 400),
        ("metrics?offset=-1", b"", 400),
        ("metrics?offset=x", b"", 400),
        ("end", b"x" * (MOST + 1), 413),
        ("code/x", b"", 404),
        ("other", b"", 404),
        ("artifacts/x", b"", 405),
    ],
)
async def test_what_makes_no_sense_is_said(tmp_path, path, body, status):
    async with asking(tmp_path, train=FOREVER) as (world, api, client, _):
        world.push({"train.yaml": job("train")})
        key = await started(api, "train")
        answer = await client.post(f"/v1/attempt/{path}", content=body, headers=bearer(key))
        assert answer.status_code == status


async def test_a_pod_that_goes_in_the_middle_of_a_body_is_no_fault_of_ours(tmp_path, capfd):
    async with asking(tmp_path, train=FOREVER) as (world, api, _, desk):
        world.push({"train.yaml": job("train")})
        key = await started(api, "train")
        told = iter([{"type": "http.request", "body": b"a=", "more_body": True}, {"type": "http.disconnect"}])
        sent = []

        async def receive():
            return next(told)

        async def send(message):
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": "/v1/attempt/end", "query_string": b"", "root_path": ""}
        headers = [(name.encode(), value.encode()) for name, value in bearer(key).items()]
        await pods_app(world.core, desk)({**scope, "headers": headers}, receive, send)
        assert sent[0]["status"] == 408
        assert await desk.files.output(str(key)) is None
    assert "crashed" not in "".join(capfd.readouterr())
