"""The agent in a pod: what it puts in place, what it carries away, and what it never does for a program."""

import io
import json
import os
import socket
import subprocess
import sys
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from reconciler.backends.kubernetes import agent, layout
from reconciler.backends.kubernetes.status.left import left_of

pytestmark = pytest.mark.unit


@pytest.fixture
def pod(tmp_path, monkeypatch):
    """A pod's folders below `tmp_path`, with the agent looking there."""
    root = tmp_path / "plumbline"
    for name, path in {
        "ROOT": root,
        "WORK": root / "workdir",
        "RUNS": root / "runs",
        "BROUGHT": root / "lib" / "brought.json",
        "LIB": root / "lib",
        "LEFT": root / "io",
        "ORDER": tmp_path / "order",
        "TOKEN": tmp_path / "token",
        "MESSAGE": tmp_path / "message",
    }.items():
        monkeypatch.setattr(agent, name, path)
    (tmp_path / "order").mkdir()
    monkeypatch.setattr(agent, "PAUSES", (0.0,))
    return tmp_path


def ordered(pod, **said):
    context = {"schema": "plumbline.context/1", "artifacts": str(artifacts(pod))}
    order = {"contact": "", "context": context, "code": [], "init": [], "reads": 0, "earlier": None}
    (pod / "order" / "order.json").write_text(json.dumps({**order, "plugins": {}, **said}))


def artifacts(pod):
    return pod / "plumbline/runs/train-1/artifacts"


def told():
    event = threading.Event()
    event.set()
    return event


def left(pod):
    return left_of((pod / "message").read_text())


def test_it_looks_where_pods_are_rendered():
    found = (agent.WORK, agent.LIB, agent.RUNS, agent.LEFT / "output", agent.LEFT / "metrics", agent.ORDER)
    wanted = (layout.WORK, layout.LIB, layout.RUNS, layout.OUTPUT, layout.METRICS, layout.ORDER)
    assert [str(path) for path in found] == list(wanted)
    assert str(agent.TOKEN) == f"{layout.TOKEN}/{layout.TOKEN_FILE}"
    assert agent.MOST_MESSAGE == layout.MOST_MESSAGE


def test_init_puts_everything_in_place(pod):
    before = os.umask(0o022)
    try:
        ordered(pod)
        assert agent.main(["init"]) == 0
    finally:
        os.umask(before)
    assert json.loads((agent.LIB / "context.json").read_text())["schema"] == "plumbline.context/1"
    for folder in (agent.WORK, artifacts(pod) / "outputs", agent.LEFT):
        assert folder.stat().st_mode & 0o777 == 0o777, "whoever the program is may write there"


def traced(pod, name="loss", values=(0.5, 0.25)):
    """What the tracking library of Polyaxon writes."""
    folder = artifacts(pod) / "events/metric"
    folder.mkdir(parents=True, exist_ok=True)
    lines = "".join(f"\n{step}|2026-11-26 06:00:00+00:00|{value}" for step, value in enumerate(values))
    (folder / f"{name}.plx").write_text(f"step|timestamp|metric{lines}")


def test_init_leads_the_tracking_library_to_the_folder_of_the_run(pod):
    ordered(pod, traces="0" * 32)
    assert agent.main(["init"]) == 0
    assert agent.main(["init"]) == 0, "its container starts again"
    assert (agent.LIB / "polyaxon/runs" / ("0" * 32)).readlink() == artifacts(pod)


def test_what_that_library_wrote_is_in_the_message(pod):
    ordered(pod)
    agent.main(["init"])
    traced(pod)
    traced(pod, "gone", ("nan",))
    (agent.LEFT / "metrics").write_text('{"name": "loss", "value": 7}\n{"name": "f1", "value": 1}\n')
    (agent.LEFT / "output").write_text('{"name": "best", "value": 1}\nnote=mine')
    said = {"best": 2, "note": "theirs", "layers": [3], "empty": None}
    (artifacts(pod) / "run.plx.json").write_text(json.dumps({"outputs": said}))
    agent.Sidecar(agent.order()).run(told())
    found = left(pod)
    assert dict(found.metrics) == {"loss": 7, "f1": 1, "gone": "NaN"}
    assert dict(found.outputs) == {"best": 1, "note": "mine", "layers": [3]}
    assert found.message == ""


@pytest.mark.parametrize("text", ["", "[]", '{"outputs": []}', "{" * 3000, '{"outputs": {"a b": 1}}'])
def test_a_hostile_file_of_that_library_costs_nothing(pod, text):
    ordered(pod)
    agent.main(["init"])
    (agent.LEFT / "output").write_text("answer=42")
    (artifacts(pod) / "run.plx.json").write_text(text)
    agent.Sidecar(agent.order()).run(told())
    assert (dict(left(pod).outputs), left(pod).message) == ({"answer": "42"}, "")


def test_what_the_daemon_never_gives_fails_the_start(pod, monkeypatch, capsys):
    monkeypatch.setattr(agent, "PATIENCE", 0.0)
    (pod / "token").write_text("t")
    ordered(pod, contact="http://127.0.0.1:1", code=[{"target": "src"}])
    assert agent.main(["init"]) == 1
    assert "cannot go on: the daemon did not give code/0" in capsys.readouterr().err


def test_a_message_carries_what_fits(pod):
    ordered(pod)
    agent.main(["init"])
    (agent.LEFT / "output").write_text('{"name": "answer", "value": 42}\nnote=good\nbad\n')
    (agent.LEFT / "metrics").write_text('{"name": "loss", "value": 2}\n{"name": "loss", "value": 1}\nnot json\n')
    (artifacts(pod) / "outputs" / "models").mkdir()
    (artifacts(pod) / "outputs" / "models" / "m.bin").write_bytes(b"12345")
    agent.Sidecar(agent.order()).run(told())
    found = left(pod)
    assert found.outputs == {"answer": 42, "note": "good"}
    assert found.metrics == {"loss": 1}
    assert (found.artifacts.names, found.artifacts.files, found.artifacts.size) == (("models",), 1, 5)
    assert "line 3" in found.message
    assert not found.more


def test_what_does_not_fit_is_said(pod):
    ordered(pod)
    agent.main(["init"])
    (agent.LEFT / "output").write_text("long=" + "x" * 5000 + "\n")
    agent.Sidecar(agent.order()).run(told())
    assert left(pod).more
    assert len((pod / "message").read_bytes()) <= agent.MOST_MESSAGE


def test_outputs_come_before_metrics_where_both_do_not_fit(pod):
    ordered(pod)
    agent.main(["init"])
    (agent.LEFT / "output").write_text("answer=42\n")
    lines = [json.dumps({"name": f"metric-{number:04}", "value": number}) for number in range(500)]
    (agent.LEFT / "metrics").write_text("\n".join(lines))
    agent.Sidecar(agent.order()).run(told())
    found = left(pod)
    assert (found.outputs, found.metrics, found.more) == ({"answer": "42"}, {}, True)


def test_a_message_says_how_many_files_nobody_has_taken_yet(pod):
    (pod / "token").write_text("t")
    with socket.socket() as nobody:  # the port stays taken, and nobody answers there
        nobody.bind(("127.0.0.1", 0))
        ordered(pod, contact=f"http://127.0.0.1:{nobody.getsockname()[1]}")
        agent.main(["init"])
        outputs = artifacts(pod) / "outputs"
        for name in ("early", "late", "new"):
            (outputs / name).write_text(name)
        agent.BROUGHT.write_text(json.dumps({"early": agent._looks((outputs / "early").stat())}))
        sidecar = agent.Sidecar(agent.order())
        agent.leave(b"", outputs, sidecar._unsent())
    assert left(pod).unsent == 2


def test_what_nobody_wants_is_not_missing(pod):
    ordered(pod, plugins={"collectArtifacts": False})
    (pod / "token").write_text("t")
    agent.main(["init"])
    (artifacts(pod) / "outputs" / "model").write_text("weights")
    agent.Sidecar(agent.order()).run(told())
    assert left(pod).unsent == 0


def test_of_very_many_files_the_rest_is_said_to_be_missing(pod, monkeypatch):
    monkeypatch.setattr(agent, "MOST_FILES", 2)
    ordered(pod)
    agent.main(["init"])
    for name in "abc":
        (artifacts(pod) / "outputs" / name).write_text(name)
    agent.Sidecar(agent.order()).run(told())
    assert left(pod).artifacts.files == 2
    assert left(pod).message == "of its files under outputs/ no more than 2 are kept"


def test_it_follows_no_link(pod):
    secret = pod / "secret"
    secret.write_text("answer=secret\n")
    ordered(pod)
    agent.main(["init"])
    (agent.LEFT / "output").symlink_to(secret)
    (artifacts(pod) / "outputs" / "stolen").symlink_to(secret)
    agent.Sidecar(agent.order()).run(told())
    found = left(pod)
    assert found.outputs == {}
    assert found.artifacts.files == 0


@pytest.mark.parametrize("name", ["../out", "/etc/out", "a/../../out"])
def test_an_archive_that_leads_out_is_not_unpacked(pod, name):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as made:
        member = tarfile.TarInfo(name)
        member.size = 1
        made.addfile(member, io.BytesIO(b"x"))
    data.seek(0)
    with tarfile.open(fileobj=data) as archive, pytest.raises(tarfile.TarError, match="leads out"):
        agent.unpack(archive, pod / "into")
    assert not (pod / "out").exists()


def test_a_link_that_leads_out_is_not_unpacked(pod):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as made:
        member = tarfile.TarInfo("link")
        member.type, member.linkname = tarfile.SYMTYPE, "../../etc/passwd"
        made.addfile(member)
    data.seek(0)
    with tarfile.open(fileobj=data) as archive, pytest.raises(tarfile.TarError, match="leads out"):
        agent.unpack(archive, pod / "into")


class Daemons:
    """Whoever answers at one address: after the first two questions another one, in another place."""

    def __init__(self):
        asked = self.asked = []

        class Handler(BaseHTTPRequestHandler):
            def _answer(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                place = "one" if len(asked) < 2 else "two"
                asked.append((place, self.path.partition("?")[0], body))
                taken = b"".join(data for where, path, data in asked if (where, path) == (place, "/v1/attempt/metrics"))
                said = json.dumps({"offset": len(taken)}).encode()
                self.send_response(200)
                self.send_header("Plumbline-Place", place)
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def do_POST(self):
                self._answer()

            def do_PUT(self):
                self._answer()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def test_what_the_daemon_before_was_sent_is_sent_again_to_one_that_has_not_got_it(pod):
    (pod / "token").write_text("t")
    daemons = Daemons()
    ordered(pod, contact=daemons.url)
    agent.main(["init"])
    (agent.LEFT / "metrics").write_bytes(b"points\n")
    (agent.LEFT / "output").write_text("answer=42\n")
    (artifacts(pod) / "outputs" / "model").write_bytes(b"weights")
    try:
        agent.Sidecar(agent.order()).run(told())
    finally:
        daemons.server.shutdown()
        daemons.server.server_close()
    base = "/v1/attempt"
    whole = [(f"{base}/metrics", b"points\n"), (f"{base}/artifacts/model", b"weights"), (f"{base}/end", b"answer=42\n")]
    assert [(path, data) for place, path, data in daemons.asked if place == "one"] == whole[:2]
    assert [(path, data) for place, path, data in daemons.asked if place == "two"] == [whole[2], *whole]


def test_what_that_library_writes_is_sent_as_it_grows(pod):
    (pod / "token").write_text("t")
    daemons = Daemons()
    ordered(pod, contact=daemons.url)
    agent.main(["init"])
    sidecar = agent.Sidecar(agent.order())
    traced(pod)
    sidecar._send_metrics()
    whole = (artifacts(pod) / "events/metric/loss.plx").read_bytes()
    traced(pod, values=(0.5, 0.25, 0.125))
    sidecar._send_metrics()
    daemons.server.shutdown()
    daemons.server.server_close()
    more = (artifacts(pod) / "events/metric/loss.plx").read_bytes()[len(whole) :]
    assert [body for _, _, body in daemons.asked] == [whole, more]


def test_code_that_was_cut_off_is_asked_for_again(pod):
    """The daemon dies between two files of an archive: what has come so far looks like a whole one."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as made:
        for name in ("a", "b"):
            member = tarfile.TarInfo(name)
            member.size = 1
            made.addfile(member, io.BytesIO(name.encode()))
    cuts = [1024, 1500, len(data.getvalue())]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(data.getvalue())))
            self.end_headers()
            self.wfile.write(data.getvalue()[: cuts.pop(0)])

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        (pod / "token").write_text("t")
        agent.Daemon(f"http://127.0.0.1:{server.server_port}").fetch("code/0", pod / "into")
        server.shutdown()
    assert {path.name: path.read_text() for path in (pod / "into").iterdir()} == {"a": "a", "b": "b"}
    assert cuts == []


def test_nothing_to_do_is_said(capsys):
    assert agent.main([]) == 1
    assert "init or sidecar" in capsys.readouterr().err


def test_it_hears_the_end_of_a_program_that_is_over_before_it_has_loaded(tmp_path):
    """TERM comes once, and Linux drops it for the first process of a container that has no handler."""
    loading = "import os, signal\nos.kill(os.getpid(), signal.SIGTERM)\nclass TarError(Exception): pass\n"
    (tmp_path / "tarfile.py").write_text(loading)
    command = [sys.executable, "-c", f"import runpy, sys; sys.path.insert(0, {str(tmp_path)!r}); {RUN}", agent.__file__]
    ended = subprocess.run([*command, "sidecar"], check=False, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, "cannot go on" in ended.stderr) == (1, True), (
        "for want of an order, and not by the signal"
    )


RUN = "del sys.argv[0]; runpy.run_path(sys.argv[0], run_name='__main__')"


class Service:
    """Answers as a service does that is asked whether it is in use."""

    def __init__(self, body, status=200):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.asked = {"port": self.server.server_port, "path": "/api/status", "timeout": 5.0, "period": 0.0}

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.mark.parametrize(
    ("body", "at"),
    [
        (b'{"last_activity": "1970-01-01T00:01:40Z", "kernels": 1}', 100.0),
        (b'{"last_activity": "1970-01-01T00:01:40.5"}', 100.5),
        (b'{"last_activity": "1970-01-01T02:01:40+02:00"}', 100.0),
        (b'{"last_activity": null}', None),
        (b'{"last_activity": "yesterday"}', None),
        (b"{}", None),
        (b"[1]", None),
        (b"<html>", None),
        (b"\xff\xfe", None),
        (b"", None),
    ],
)
def test_what_a_service_says_of_its_last_use(body, at):
    service = Service(body)
    try:
        assert agent.last_activity(service.asked) == at
    finally:
        service.close()


def test_a_service_that_does_not_answer_cannot_be_asked():
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        asked = {"port": nobody.getsockname()[1], "path": "/", "timeout": 5.0}
        assert agent.last_activity(asked) is None


def test_the_daemon_is_told_until_nobody_wants_to_know(pod, monkeypatch):
    """Whatever the daemon is in between."""
    service = Service(b'{"last_activity": "1970-01-01T00:01:40Z"}')
    told, answers = [], [io.BytesIO(), OSError("away"), ValueError("no"), agent.Gone("over")]

    class Daemon:
        def __init__(self, _):
            pass

        def ask(self, method, path):
            told.append((method, path))
            answer = answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

    monkeypatch.setattr(agent, "Daemon", Daemon)
    try:
        agent.tell_activity({"contact": "http://daemon", "activity": service.asked}, threading.Event())
    finally:
        service.close()
    assert told == [("POST", "activity?at=100.0")] * 4
