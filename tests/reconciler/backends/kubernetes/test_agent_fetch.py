"""The agent's init container and a daemon that breaks off: nothing starts with half of what it needs."""

import io
import json
import os
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from reconciler.backends.kubernetes import agent
from tests.reconciler.backends.kubernetes.test_agent import artifacts, ordered, pod, told

__all__ = ["pod"]

pytestmark = pytest.mark.unit


def archive(files):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.PAX_FORMAT) as made:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(text), 1000
            made.addfile(member, io.BytesIO(text.encode()))
    return data.getvalue()


class Daemon:
    """Answers each path with the next of its answers, the last one again and again: whole, or cut after so many bytes.

    A cut with `chunked` is a connection that closes; without, one that says a length and does not keep it.
    """

    def __init__(self):
        answers = self.answers = {}
        asked = self.asked = []
        sent = self.sent = []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                path = self.path.removeprefix("/v1/attempt/")
                asked.append(path)
                known = answers.get(path)
                if known is None:
                    self.send_error(404)
                    return
                data, cut, chunked = known.pop(0) if len(known) > 1 else known[0]
                if isinstance(data, int):
                    self.send_error(data, "no such thing")
                    return
                self.send_response(200)
                if chunked:
                    self.send_header("Transfer-Encoding", "chunked")
                else:
                    self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                body = data[:cut]
                for start in range(0, len(body), 700):
                    piece = body[start : start + 700]
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
                if cut is None and chunked:
                    self.wfile.write(b"0\r\n\r\n")
                self.close_connection = True

            def do_PUT(self):
                sent.append(self.path.removeprefix("/v1/attempt/artifacts/").partition("?")[0])
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(422 if "odd" in self.path else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_POST = do_PUT  # noqa: N815 -- as the server calls it

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def daemon(pod):
    (pod / "token").write_text("t")
    made = Daemon()
    yield made
    made.close()


@pytest.fixture
def free_umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.parametrize("chunked", [True, False], ids=["connection-closed", "length-not-kept"])
@pytest.mark.parametrize("cut", [0, 100, 512, 1024, 1536, 3000, "end"])
def test_what_was_cut_is_fetched_again_from_the_start(pod, daemon, free_umask, chunked, cut):
    """At each place: within a head, between two files, in the content of one, and where only the end is missing."""
    files = {"a": "A" * 400, "sub/b": "B" * 1500, "c": "C"}
    data = archive(files)
    at = data.rstrip(b"\0") if cut == "end" else data[:cut]
    daemon.answers["init/0"] = [
        (data, (len(at) + 511) // 512 * 512 if cut == "end" else cut, chunked),
        (data, None, chunked),
    ]
    ordered(pod, contact=daemon.url, init=[{}])
    assert agent.main(["init"]) == 0
    assert daemon.asked == ["init/0", "init/0"]
    assert {
        str(path.relative_to(agent.WORK)): path.read_text() for path in agent.WORK.rglob("*") if path.is_file()
    } == files


def test_a_daemon_that_never_gives_all_fails_the_start(pod, daemon, free_umask, monkeypatch, capsys):
    monkeypatch.setattr(agent, "PATIENCE", 0.0)
    data = archive({"a": "A" * 5000})
    daemon.answers["init/0"] = [(data, 3000, True)]
    ordered(pod, contact=daemon.url, init=[{}])
    assert agent.main(["init"]) == 1
    assert "cannot go on: the daemon did not give init/0" in capsys.readouterr().err


def test_what_can_never_be_given_is_said_at_once(pod, daemon, free_umask, capsys):
    daemon.answers["init/0"] = [(422, None, False)]
    ordered(pod, contact=daemon.url, init=[{}])
    assert agent.main(["init"]) == 1
    assert daemon.asked == ["init/0"]
    assert "cannot go on" in capsys.readouterr().err


def test_everything_is_put_where_the_program_looks(pod, daemon, free_umask):
    for path, name in {"code/0": "main.py", "init/0": "conf/a", "runs/0": "other-1/artifacts/outputs/m"}.items():
        daemon.answers[path] = [(archive({name: path}), None, True)]
    daemon.answers["earlier"] = [(archive({"outputs/ckpt": "7"}), None, True)]
    ordered(pod, contact=daemon.url, code=[{"target": "src"}], init=[{}], reads=1, earlier={"places": ["train-0"]})
    assert agent.main(["init"]) == 0
    assert (agent.WORK / "src/main.py").read_text() == "code/0"
    assert (agent.WORK / "conf/a").read_text() == "init/0"
    assert (agent.RUNS / "other-1/artifacts/outputs/m").read_text() == "runs/0"
    assert (artifacts(pod) / "outputs/ckpt").read_text() == "7"
    assert (agent.RUNS / "train-0/artifacts/outputs/ckpt").read_text() == "7", "where an earlier round had it"
    assert agent.main(["init"]) == 0, "a second time, after a crash in between"


def test_what_was_given_is_sent_back_only_where_it_changed(pod, daemon, free_umask):
    daemon.answers["earlier"] = [(archive({"outputs/old": "1", "outputs/changed": "1"}), None, True)]
    ordered(pod, contact=daemon.url, earlier={"places": []})
    assert agent.main(["init"]) == 0
    (artifacts(pod) / "outputs/changed").write_text("2")
    (artifacts(pod) / "outputs/new").write_text("3")
    agent.Sidecar(agent.order()).run(told())
    assert daemon.sent[:-1] == ["changed", "new"]


@pytest.mark.parametrize(
    "text", ["", "nonsense", "[]", '{"old": 1}', '{"old": ["x", 1]}', json.dumps({"old": [1, 2, 3]})]
)
def test_a_program_that_writes_over_the_list_keeps_back_nothing_else(pod, daemon, free_umask, text):
    ordered(pod, contact=daemon.url)
    assert agent.main(["init"]) == 0
    agent.BROUGHT.write_text(text)
    (artifacts(pod) / "outputs/old").write_text("3")
    agent.Sidecar(agent.order()).run(told())
    assert daemon.sent[:-1] == ["old"]


def test_one_file_that_is_not_taken_keeps_back_no_other_one(pod, daemon, free_umask):
    ordered(pod, contact=daemon.url)
    assert agent.main(["init"]) == 0
    for name in ("a", "odd", "z"):
        (artifacts(pod) / "outputs" / name).write_text(name)
    agent.Sidecar(agent.order()).run(told())
    assert daemon.sent == ["a", "odd", "z", "/v1/attempt/end"]
