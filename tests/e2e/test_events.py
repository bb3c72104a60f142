"""Events through a real daemon: from a run, from a commit and over TCP, and people are told; killed in between."""

from __future__ import annotations

import hashlib
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.e2e.harness import Place, job, until
from tests.ports import free_port

pytestmark = pytest.mark.process

TOKEN = "a token of a test"


@pytest.fixture
def hook() -> Iterator[type[BaseHTTPRequestHandler]]:
    """A server that takes what it is told."""

    told: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    Handler.told = told
    Handler.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    yield Handler
    server.shutdown()
    thread.join()
    server.server_close()


def send(address: str, body: object, token: str = TOKEN) -> tuple[int, dict[str, object]]:
    """The answer of the listener."""
    request = urllib.request.Request(
        f"http://{address}/v1/events", json.dumps(body).encode(), {"authorization": f"Bearer {token}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def test_events_start_operations_once_and_people_are_told(places: Callable[..., Place], hook) -> None:
    address = f"127.0.0.1:{free_port()}"
    token = {"name": "tester", "sha256": hashlib.sha256(TOKEN.encode()).hexdigest()}
    place = places(
        api={"events": address, "tokens": [token]},
        connections=[{"name": "hook", "kind": "webhook", "schema": {"url": hook.url}}],
    )
    events = [
        {"ref": "runs.train", "kinds": ["run_status_succeeded"]},
        {"ref": "repository", "kinds": ["connection_git_commit"], "paths": ["data/**"]},
        {"ref": "drift", "kinds": ["alert_warning"]},
    ]
    told = {"notifications": [{"connections": ["hook"]}]}
    files = {"train.yaml": job("train", "true"), "deploy.yaml": job("deploy", "true", events=events, plugins=told)}

    def runs(count: int) -> list[str] | None:
        found = [run for run in place.get("/v1/runs", root="deploy")["runs"] if run["status"] == "succeeded"]
        return [run["because"] for run in found] if len(found) == count else None

    place.settled_start(files)
    until(lambda: runs(1), "the end of train starts deploy")
    alert = {"kind": "alert_warning", "ref": "drift", "id": "7", "data": {"severity": "high"}}
    assert send(address, alert)[0] == 202
    until(lambda: runs(2), "what was sent starts it")
    place.daemons[-1].kill()
    place.start()
    assert send(address, alert) == (
        200,
        {"id": "7", "state": "seen before", "operations": [], "runs": [], "suspended": []},
    )
    assert send(address, alert, "another token")[0] == 401
    place.settled(place.push({"data/a.csv": "1\n"}))
    because = until(lambda: runs(3), "a commit that touches its paths starts it")
    assert because[0].startswith("the event connection_git_commit of repository (commit ")
    assert because[1:] == [
        "the event alert_warning of drift (7), sent by tester",
        "the event run_status_succeeded of runs.train (train@g1)",
    ]
    until(lambda: len({one["id"] for one in hook.told}) == 3, "people are told of each")
    assert {(one["operation"], one["status"]) for one in hook.told} == {("deploy", "succeeded")}
