"""The agent in a pod: what it puts in place, what it carries away, and what it never does for a program."""

import io
import json
import os
import tarfile
import threading

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


def test_nothing_to_do_is_said(capsys):
    assert agent.main([]) == 1
    assert "init or sidecar" in capsys.readouterr().err
