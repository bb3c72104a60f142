"""Events from outside: what is posted, what runs tell one another, what commits tell, and who may send."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import AsyncIterator

import httpx
import pytest

from planner.model.facts import Received
from reconciler.api import event_listener
from reconciler.api.event_listener import events_app
from reconciler.backends.memory import Program
from reconciler.settings_api import Token
from tests.reconciler.api.support import Answer, Api, World, eventually, job

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

SECRET = "a token"
DRIFT = "events: [{ref: drift, kinds: [alert_warning]}]"
ALERT = {"kind": "alert_warning", "ref": "drift", "id": "7", "data": {"severity": "high"}}


def token(secret: str = SECRET, name: str = "grafana") -> Token:
    return Token(name=name, sha256=hashlib.sha256(secret.encode()).hexdigest())


async def run_of(api: Api, operation: str, status: str = "succeeded") -> Answer:
    """The newest run of an operation, once it has `status`."""

    async def look() -> Answer | None:
        response = await api.client.get("/v1/runs", params={"root": operation})
        runs = response.json().get("runs")
        return dict(runs[0]) if runs and runs[0]["status"] == status else None

    return await eventually(look)


async def posted(api: Api, body: object, status: int) -> Answer:
    text = body if isinstance(body, bytes) else json.dumps(body)
    response = await api.client.post("/v1/events", content=text)
    assert response.status_code == status, response.text
    return dict(response.json())


@contextlib.asynccontextmanager
async def listener(world: World, *tokens: Token) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(events_app(world.service, tokens or (token(),)))
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://events") as client:
            yield client
    finally:
        await world.backend.close()


def bearer(secret: str = SECRET) -> dict[str, str]:
    return {"authorization": f"Bearer {secret}"}


async def test_an_event_starts_what_listens_to_it_once() -> None:
    world = World()
    world.push({"a.yaml": job("alert", more=DRIFT)})
    async with world.running() as api:
        await api.until("alert", "listening")
        first = await posted(api, ALERT, 202)
        assert (first["id"], first["state"], first["operations"]) == ("7", "accepted", ["alert"])
        run = await run_of(api, "alert")
        assert [run["key"]] == first["runs"]
        assert "alert_warning of drift (7), sent by" in run["because"]
        again = await posted(api, ALERT, 200)
        assert (again["state"], again["runs"]) == ("seen before", [])
        assert len((await api.get("/v1/runs", root="alert"))["runs"]) == 1


async def test_an_event_without_an_id_is_another_one_each_time() -> None:
    world = World()
    world.push({"a.yaml": job("alert", more=DRIFT)})
    async with world.running() as api:
        await api.until("alert", "listening")
        ids = {(await posted(api, {"kind": "alert_warning", "ref": "drift"}, 202))["id"] for _ in range(3)}
        assert len(ids) == 3


async def test_an_id_of_another_event_is_refused() -> None:
    world = World()
    world.push({"a.yaml": job("alert", more="events: [{ref: drift, kinds: [alert_warning, alert_info]}]")})
    async with world.running() as api:
        await api.until("alert", "listening")
        await posted(api, ALERT, 202)
        answer = await posted(api, {**ALERT, "kind": "alert_info"}, 409)
        assert answer["detail"].startswith("the id `7` is that of another event, alert_warning of drift")


async def test_what_nobody_listens_to_is_not_recorded_and_may_be_sent_again() -> None:
    world = World()
    world.push({"a.yaml": job("alert", more=DRIFT)})
    async with world.running() as api:
        await api.until("alert", "listening")
        answer = await posted(api, {**ALERT, "ref": "smoke"}, 404)
        assert answer["detail"] == (
            "no operation listens to alert_warning of `smoke`: its operations listen to alert_warning of `drift`"
        )
        assert not [fact for _, fact in await world.ledger.facts() if isinstance(fact, Received)]


DEEP = '{"kind": "alert_info", "data": {"a": ' + "[" * 40 + "]" * 40 + "}}"


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        pytest.param(b"[]", 400, "the body must be a JSON object", id="a list"),
        pytest.param(b"{", 400, "the body is not JSON", id="no JSON"),
        pytest.param(b"\xff", 400, "the body is not UTF-8 text", id="bytes"),
        pytest.param(b'{"kind": NaN}', 400, "the body is not JSON", id="NaN"),
        pytest.param(b"[" * 60_000, 400, "the body is not JSON", id="deep nonsense"),
        pytest.param(DEEP.encode(), 400, "`data` is nested more than 32 deep", id="deep data"),
        pytest.param({}, 400, "an event has a `kind`: one of `alert_info`", id="no kind"),
        pytest.param({"kind": "alert_warnin"}, 400, "did you mean `alert_warning`?", id="misspelt"),
        pytest.param({"kind": "run_status_done"}, 400, "`run_status_done` cannot be sent", id="our own"),
        pytest.param({"kind": "alert_info", "ref": "runs.a"}, 400, "are Plumbline's own", id="our own source"),
        pytest.param({"kind": "alert_info", "ref": ""}, 400, "`ref` is a name", id="no name"),
        pytest.param({"kind": "alert_info", "ref": 1}, 400, "`ref` is a name", id="a number"),
        pytest.param({"kind": "alert_info", "id": "a\nb"}, 400, "`id` is a text", id="two lines"),
        pytest.param({"kind": "alert_info", "data": []}, 400, "`data` is an object", id="data"),
        pytest.param({"kind": "alert_info", "when": 1}, 400, "unknown member `when`", id="unknown"),
        pytest.param({"kind": "alert_info", "data": {"a": "x" * 65_536}}, 413, "more than 65536 bytes", id="large"),
    ],
)
async def test_what_is_no_event_is_refused_with_the_reason(body: object, status: int, detail: str) -> None:
    world = World()
    async with world.client() as client:
        assert detail in (await posted(Api(client), body, status))["detail"]


async def test_the_end_of_a_run_starts_another_operation() -> None:
    world = World()
    deploy = job("deploy", more="events: [{ref: runs.train, kinds: [run_status_succeeded]}]")
    world.push({"a.yaml": job("train"), "b.yaml": deploy})
    async with world.running() as api:
        run = await run_of(api, "deploy")
        assert run["because"] == "the event run_status_succeeded of runs.train (train@g1)"
        told = await api.get("/v1/explain", operation="deploy")
        assert told["answer"] == "it runs by events: run_status_succeeded of runs.train"


async def test_a_name_that_nothing_has_is_explained() -> None:
    world = World()
    deploy = job("deploy", more="events: [{ref: runs.trian, kinds: [run_status_succeeded]}]")
    world.push({"a.yaml": job("train"), "b.yaml": deploy})
    async with world.running() as api:
        await api.until("deploy", "listening")
        assert (await api.get("/v1/explain", operation="deploy"))["reasons"] == [
            "it runs by events: run_status_succeeded of runs.trian",
            "it listens to runs.trian, and the repository has no operation trian; did you mean `runs.train`?",
        ]


async def test_a_run_shows_its_event() -> None:
    world = World()
    world.push({"a.yaml": job("alert", more=DRIFT)})
    async with world.running() as api:
        await api.until("alert", "listening")
        await posted(api, ALERT, 202)
        event = (await api.get("/v1/run", run=(await run_of(api, "alert"))["key"]))["event"]
        assert (event["kind"], event["ref"], event["about"], event["data"]) == (
            "alert_warning",
            "drift",
            "7",
            {"severity": "high"},
        )


async def test_what_is_suspended_passes_over_it_and_the_answer_says_so() -> None:
    world = World()
    world.push({"a.yaml": job("alert", more=DRIFT)})
    async with world.running() as api:
        await api.until("alert", "listening")
        await api.ask("suspend", "alert")
        answer = await posted(api, ALERT, 202)
        assert (answer["operations"], answer["runs"], answer["suspended"]) == ([], [], ["alert"])


async def test_an_effect_that_is_seen_at_once_is_told_too() -> None:
    world = World(programs={"train": Program(seconds=None)})
    deploy = job("deploy", more="events: [{ref: runs.train, kinds: [run_status_running]}]")
    world.push({"a.yaml": job("train"), "b.yaml": deploy})
    async with world.running() as api:
        await run_of(api, "deploy")
        await api.ask("stop", "train")


async def test_a_commit_that_touches_a_path_starts_what_listens_to_it() -> None:
    world = World()
    more = "events: [{ref: repository, kinds: [connection_git_commit], paths: ['data/**']}]"
    files = {"a.yaml": job("load", more=more)}
    world.push({**files, "data/x.csv": b"1"})
    async with world.running() as api:
        await api.until("load", "listening")
        world.push({**files, "data/x.csv": b"1", "code.py": b"1"})
        world.push({**files, "data/x.csv": b"2", "code.py": b"1"})
        run = await run_of(api, "load")
        event = (await world.ledger.root("load")).runs
        told = next(one.event for one in event.values() if one.event is not None)
        assert "data/x.csv" in told.data["paths"]  # type: ignore[operator]
        assert "of repository (commit " in run["because"]
        assert len((await api.get("/v1/runs", root="load"))["runs"]) == 1


async def test_who_listens_is_known_after_a_restart() -> None:
    world = World()
    world.push({"a.yaml": job("alert", more=DRIFT)})
    async with world.running() as api:
        await api.until("alert", "listening")
    later = World()
    later.ledger.restore(world.ledger.snapshot())
    later.source.remote = world.remote
    async with later.running() as api:
        await api.until("alert", "listening")
        assert (await posted(api, ALERT, 202))["operations"] == ["alert"]


async def test_a_token_may_send_events() -> None:
    world = World()
    world.push({"a.yaml": job("alert", more=DRIFT)})
    async with world.running() as api, listener(world) as client:
        await api.until("alert", "listening")
        response = await client.post("/v1/events", json=ALERT, headers=bearer())
        assert response.status_code == 202
        assert (await run_of(api, "alert"))["because"].endswith("sent by grafana")
        assert (await client.post("/v1/events", json=ALERT, headers=bearer())).status_code == 200


async def test_ids_of_one_sender_are_not_those_of_another() -> None:
    world = World()
    world.push({"a.yaml": job("alert", more=DRIFT)})
    async with world.running() as api, listener(world, token(), token("other", "loki")) as client:
        await api.until("alert", "listening")
        answers = [await client.post("/v1/events", json=ALERT, headers=bearer(one)) for one in (SECRET, "other")]
        assert [answer.status_code for answer in answers] == [202, 202]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": "Bearer"},
        {"authorization": "Bearer wrong"},
        {"authorization": f"Basic {SECRET}"},
        {"authorization": f"Bearer {token().sha256}"},
    ],
    ids=["none", "empty", "no token", "unknown", "another scheme", "the digest"],
)
async def test_without_a_token_nothing_is_read(headers: dict[str, str]) -> None:
    world = World()
    async with listener(world) as client:
        response = await client.post("/v1/events", content=b"\xff" * 100_000, headers=headers)
        assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")


async def test_a_token_may_send_only_so_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_listener, "A_SECOND", 0.001)
    world = World()
    async with listener(world, token(), token("other", "loki")) as client:
        for _ in range(event_listener.BURST):
            assert (await client.post("/v1/events", content=b"{", headers=bearer())).status_code == 400
        response = await client.post("/v1/events", content=b"{", headers=bearer())
        assert response.status_code == 429
        assert int(response.headers["retry-after"]) > 1
        assert (await client.post("/v1/events", content=b"{", headers=bearer("other"))).status_code == 400


async def test_nothing_else_can_be_asked_for_over_tcp() -> None:
    world = World()
    async with listener(world) as client:
        assert (await client.get("/v1/events", headers=bearer())).status_code == 405
        for path in ("/v1/commands", "/v1/status", "/v1/runs", "/v1/events/"):
            assert (await client.post(path, headers=bearer())).status_code == 404


async def test_a_large_body_is_refused_over_tcp() -> None:
    world = World()
    async with listener(world) as client:
        response = await client.post("/v1/events", content=b" " * 70_000, headers=bearer())
        assert response.status_code == 413
