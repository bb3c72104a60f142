"""Files at URLs: only from hosts of the configuration, and nothing that is large, slow or somewhere else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from reconciler.errors import Refused, Transient
from reconciler.urls import Urls

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

SPEC = b"version: 1.1\nkind: component\n"


@pytest.fixture
def anyio_backend():
    return "asyncio"


class Answers(BaseHTTPRequestHandler):
    """Answers by path; `seen` has the headers of every request."""

    seen: list[dict[str, str]]
    late: threading.Event

    def do_GET(self) -> None:
        self.seen.append(dict(self.headers))
        port = self.server.server_address[1]
        match self.path.split("?")[0]:
            case "/good.yaml":
                self.answer(200, SPEC)
            case "/moved.yaml":
                self.answer(302, b"", location="/good.yaml")
            case "/away.yaml":
                self.answer(302, b"", location=f"http://localhost:{port}/good.yaml")
            case "/round.yaml":
                self.answer(302, b"", location="/round.yaml")
            case "/large.yaml":
                self.answer(200, b"#" * 1_000_001)
            case "/packed.yaml":
                self.answer(200, SPEC, content_encoding="gzip")
            case "/down.yaml":
                self.answer(503, b"")
            case "/slow.yaml":
                self.late.wait(30)
                self.answer(200, SPEC)
            case _:
                self.answer(404, b"")

    def answer(self, code: int, body: bytes, **headers: str) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def served() -> Iterator[type[Answers]]:
    handler = type("Handler", (Answers,), {"seen": [], "late": threading.Event()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    handler.host = f"127.0.0.1:{server.server_address[1]}"
    yield handler
    handler.late.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("path", ["good.yaml", "moved.yaml", "good.yaml?ref=1#part"])
async def test_a_file_is_read(served, path):
    assert await Urls([served.host]).get(f"http://{served.host}/{path}") == SPEC


async def test_nothing_of_the_daemon_is_told(served, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    await Urls([served.host]).get(f"http://{served.host}/good.yaml")
    (headers,) = served.seen
    assert {name.lower() for name in headers} <= {"host", "accept", "accept-encoding", "connection", "user-agent"}


REFUSED = {
    "gone.yaml": "answers 404",
    "large.yaml": "more than 1,000,000 bytes",
    "packed.yaml": "compressed",
    "away.yaml": "localhost is not in `hosts`|another host",
    "round.yaml": "redirects more than 3 times",
}


@pytest.mark.parametrize(("path", "words"), REFUSED.items(), ids=REFUSED)
async def test_what_can_be_no_component_is_refused(served, path, words):
    with pytest.raises(Refused, match=words):
        await Urls([served.host]).get(f"http://{served.host}/{path}")


async def test_a_redirect_to_another_host_is_not_followed_though_that_is_listed(served):
    port = served.host.partition(":")[2]
    with pytest.raises(Refused, match="redirects to another host"):
        await Urls([served.host, f"localhost:{port}"]).get(f"http://{served.host}/away.yaml")
    assert len(served.seen) == 1


@pytest.mark.parametrize(("path", "words"), [("down.yaml", "answers 503"), ("slow.yaml", "did not send it within")])
async def test_what_may_pass_is_tried_again(served, path, words):
    with pytest.raises(Transient, match=words):
        await Urls([served.host], seconds=0.3 if path == "slow.yaml" else 10).get(f"http://{served.host}/{path}")


async def test_a_host_that_does_not_answer_may_later():
    with pytest.raises(Transient, match="cannot be reached"):
        await Urls(["127.0.0.1:1"]).get("http://127.0.0.1:1/a.yaml")


NOT_ALLOWED = {
    "no host is allowed": ([], "https://example.org/a", "not in `hosts`"),
    "another host": (["example.org"], "https://example.com/a", "not in `hosts`"),
    "a host below it": (["example.org"], "https://a.example.org/a", "not in `hosts`"),
    "a host that begins alike": (["example.org"], "https://example.org.evil.com/a", "not in `hosts`"),
    "another port": (["example.org"], "https://example.org:8443/a", "not in `hosts`"),
    "no TLS": (["example.org"], "http://example.org/a", "not in `hosts`"),
    "TLS where the list says none": (["http://example.org"], "https://example.org/a", "not in `hosts`"),
    "a user": (["example.org"], "https://ada@example.org/a", "credentials"),
    "a backslash": (["example.org"], "https://example.org\\@evil.com/a", "no valid URL"),
    "a line end": (["example.org"], "https://example.org/a\n", "no valid URL"),
    "a port that is none": (["example.org"], "https://example.org:99999/a", "no valid URL"),
    "a file": (["example.org"], "file:///etc/passwd", "starts with https"),
    "no host": (["example.org"], "https:///a", "starts with https"),
}


@pytest.mark.parametrize(("hosts", "url", "words"), NOT_ALLOWED.values(), ids=NOT_ALLOWED)
async def test_what_is_not_allowed_is_not_asked(hosts, url, words):
    with pytest.raises(Refused, match=words):
        await Urls(hosts).get(url)
