"""How the API says no: problems as values, whatever is sent."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs

from planner.model.facts import Asked
from reconciler.api.app import create_app
from reconciler.api.asked import LARGEST, LARGEST_PLAN
from reconciler.api.routes import ROUTES
from reconciler.errors import Transient, Unusable
from tests.reconciler.api.support import World, job

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

DOCS = Path(__file__).parents[3] / "docs" / "api.md"


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        pytest.param("GET", "/", 404, "docs/api.md", id="root"),
        pytest.param("GET", "/v1/nothing", 404, "docs/api.md", id="unknown"),
        pytest.param("GET", "/v1/status/", 404, "docs/api.md", id="slash"),
        pytest.param("DELETE", "/v1/status", 405, "takes GET", id="method"),
        pytest.param("GET", "/v1/commands", 405, "takes POST", id="get-of-a-post"),
        pytest.param("GET", "/v1/runs?rot=x", 400, "unknown parameter `rot`", id="parameter"),
        pytest.param("GET", "/v1/runs?limit=-1", 400, "`limit` is a whole number", id="negative"),
        pytest.param("GET", "/v1/runs?limit=²", 400, "`limit` is a whole number", id="not-ascii"),
        pytest.param("GET", "/v1/runs?live=maybe", 400, "`live` is true or false", id="flag"),
        pytest.param("GET", "/v1/plan?at=tomorrow", 400, "`at` is an instant", id="instant"),
        pytest.param("GET", "/v1/explain", 400, "`operation` is needed", id="needed"),
        pytest.param("GET", "/v1/commits/zz", 400, "is not a commit id", id="commit"),
    ],
)
async def test_a_bad_request_is_a_problem(method: str, path: str, status: int, words: str) -> None:
    async with World().client() as client:
        response = await client.request(method, path)
        assert response.status_code == status
        assert response.headers["content-type"] == "application/problem+json"
        body = response.json()
        assert body["status"] == status
        assert body["title"]
        assert words in body["detail"]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        pytest.param(b"", 400, "not JSON", id="empty"),
        pytest.param(b"{", 400, "not JSON", id="cut"),
        pytest.param(b"[" * 100_000, 400, "not JSON", id="deep"),
        pytest.param(b"[1]", 400, "JSON object", id="list"),
        pytest.param(b"\xff\xfe", 400, "not UTF-8", id="bytes"),
        pytest.param(b'"' + b"x" * LARGEST + b'"', 413, "more than", id="large"),
    ],
)
async def test_a_bad_body_is_a_problem(body: bytes, status: int, words: str) -> None:
    async with World().client() as client:
        response = await client.post("/v1/commands", content=body)
        assert response.status_code == status
        assert words in response.json()["detail"]


async def test_a_large_body_without_a_length_is_cut_off() -> None:
    async def endless():  # type: ignore[no-untyped-def]
        for _ in range(LARGEST_PLAN // 100_000 + 2):
            yield b"x" * 100_000

    async with World().client() as client:
        assert (await client.post("/v1/plan", content=endless())).status_code == 413


HALF = b"\\ud800"
STATE = b'"commit":"c","tree":"t","project":"project","files":{}'


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param("commands", b'{"verb":"run","target":"' + HALF + b'"}', id="target-half-a-character"),
        pytest.param("commands", b'{"verb":"' + HALF + b'","target":"train"}', id="verb-half-a-character"),
        pytest.param("commands", b'{"verb":"run","' + HALF + b'":1}', id="member-half-a-character"),
        pytest.param("commands", b'{"verb":"run","target":"train","by":"' + HALF + b'"}', id="by-half-a-character"),
        pytest.param(
            "commands", b'{"verb":"retry","target":"train","args":{"node":"' + HALF + b'"}}', id="node-half-a-character"
        ),
        pytest.param(
            "commands",
            b'{"verb":"run","target":"train","args":{"params":{"rate":"\\uDFFF\\uD800"}}}',
            id="param-two-halves-the-wrong-way-round",
        ),
        pytest.param("commands", b'{"verb":"suspend","target":"train","args":{"for":1e999}}', id="endless"),
        pytest.param("commands", b'{"verb":"suspend","target":"train","args":{"for":' + b"9" * 5000 + b"}}", id="huge"),
        pytest.param("commands", b'{"a":' * 50_000, id="command-deep"),
        pytest.param("plan", b"", id="plan-empty"),
        pytest.param("plan", b"null", id="plan-null"),
        pytest.param("plan", b"[" * 50_000, id="plan-deep"),
        pytest.param("plan", b"[" * 50_000 + b'"' + HALF + b'"', id="plan-deep-half-a-character"),
        pytest.param("plan", b'{"roots":' + b'{"a":' * 50_000, id="plan-deep-objects"),
        pytest.param("plan", b"\xff", id="plan-bytes"),
        pytest.param("plan", b"9" * 5000, id="plan-huge-number"),
        pytest.param("plan", b"{" + STATE.replace(b'"c"', b'"' + HALF + b'"') + b"}", id="commit-half-a-character"),
        pytest.param("plan", b"{" + STATE + b',"roots":{"a":{}}}', id="root-without-anything"),
    ],
)
async def test_no_body_is_our_fault(path: str, body: bytes) -> None:
    """Whatever somebody sends is refused for what it is, and recorded nowhere."""
    world = World()
    world.push({"a.yaml": job("train")})
    with capture_logs() as logged:
        async with world.running() as api:
            await api.until("train", "succeeded")
            response = await api.client.post(f"/v1/{path}", content=body)
            assert [fact for _, fact in await world.ledger.facts() if isinstance(fact, Asked)] == []
    assert response.status_code == 400, response.text
    assert [entry for entry in logged if entry["log_level"] == "error"] == []


async def test_a_pair_of_halves_is_a_character() -> None:
    async with World().client() as client:
        response = await client.post("/v1/commands", content=b'{"verb":"run","target":"\\ud83d\\ude80"}')
    assert response.status_code == 404
    assert "🚀" in response.json()["detail"]


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        pytest.param(Transient("the disk is busy"), 503, "the disk is busy", id="transient"),
        pytest.param(Unusable("the disk failed"), 503, "the disk failed", id="unusable"),
        pytest.param(RuntimeError("secret inside"), 500, "our fault", id="crash"),
    ],
)
async def test_what_fails_inside_is_answered_by_its_kind_and_never_with_a_traceback(
    error: Exception, status: int, words: str
) -> None:
    world = World()

    async def fail() -> None:
        raise error

    world.service.status = fail  # type: ignore[method-assign,assignment]
    with capture_logs() as logged:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(create_app(world.service)), base_url="http://plumbline"
        ) as client:
            response = await client.get("/v1/status")
    await world.backend.close()
    assert response.status_code == status
    assert words in response.json()["detail"]
    assert "secret" not in response.text
    assert "Traceback" not in response.text
    assert bool(logged) == (status == 500)


async def test_a_log_that_cannot_be_read_on_ends_with_a_word() -> None:
    world = World()
    world.push({"a.yaml": job("train")})
    async with world.running() as api:
        await api.until("train", "succeeded")

        async def broken(*_: object, **__: object):  # type: ignore[no-untyped-def]
            yield b"first line\n"
            raise RuntimeError("the disk is gone")

        world.backend.logs = broken  # type: ignore[method-assign,assignment]
        with capture_logs() as logged:
            response = await api.client.get("/v1/logs", params={"run": "train"})
        assert response.text.startswith("first line\n")
        assert "cut this short" in response.text
        assert [entry["log_level"] for entry in logged] == ["error"]


def test_the_documentation_lists_every_route_and_no_other() -> None:
    rows = [line.split("|") for line in DOCS.read_text().splitlines() if line.startswith(("| GET", "| POST"))]
    documented = {(row[1].strip(), row[2].strip().strip("`").partition("?")[0]) for row in rows}
    assert documented == {(listed.method, listed.path) for listed in ROUTES}


def test_what_the_documentation_shows_is_json() -> None:
    blocks = DOCS.read_text().split("```json\n")[1:]
    assert blocks
    for block in blocks:
        json.loads(block.split("```")[0])
