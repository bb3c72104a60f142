"""The demonstration without a terminal: plain lines, everything as it should be, and nothing left, however it ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.harness import ROOT, Nursery, Place, environment

pytestmark = pytest.mark.process


@pytest.fixture
def stage(tmp_path: Path, nursery: Nursery) -> Iterator[Place]:
    """Where the demo plays; cleared at the end like any other place."""
    made = Place(tmp_path / "demo", nursery)
    made.instance, made.state = "demo", made.base / "stage/state"
    yield made
    assert made.clear() == []


def begin(*options: str, **variables: str) -> subprocess.Popen[str]:
    """The demo in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "reconciler.cli", "demo", *options],
        cwd=ROOT,
        env={**environment(), **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def read_until(demo: subprocess.Popen[str], words: str) -> str:
    """What the demo says until a line has `words`."""
    assert demo.stdout is not None
    said = ""
    for line in demo.stdout:
        said += line
        if words in line:
            return said
    raise AssertionError(f"{words!r} never came: {said[-3000:]}")


def test_the_demo_plays_to_its_end(stage: Place) -> None:
    demo = begin("--folder", str(stage.base / "stage"))
    out, err = demo.communicate(timeout=600)
    done = subprocess.CompletedProcess(demo.args, demo.returncode, out, err)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    assert done.stderr == ""
    assert "everything was as it should be" in done.stdout
    assert "NOT SO" not in done.stdout
    assert all(line.isprintable() for line in done.stdout.splitlines())
    acts = [line[:2] for line in done.stdout.splitlines() if line[:1].isdigit()]
    assert acts == ["1.", "2.", "3.", "4.", "5.", "6.", "7."]
    assert re.search(r"best of 6 trials: tune@g1/search/000\d with hidden \d+, learning_rate \S+: ", done.stdout)
    assert "Traceback" not in (stage.base / "stage/daemon.log").read_text()
    assert stage.ours() == []


@pytest.mark.parametrize(
    ("number", "code"),
    [
        pytest.param(signal.SIGINT, 130, id="ctrl-c"),
        pytest.param(signal.SIGTERM, 143, id="term"),
        pytest.param(signal.SIGHUP, 129, id="the-terminal-is-gone"),
    ],
)
def test_an_aborted_demo_leaves_nothing_running_and_says_where_things_are(
    stage: Place, number: signal.Signals, code: int
) -> None:
    demo = begin("--folder", str(stage.base / "stage"))
    read_until(demo, "run predict@g1: running and ready")
    demo.send_signal(number)
    out, err = demo.communicate(timeout=120)
    assert (demo.returncode, err) == (code, "")
    assert stage.ours() == []
    assert "ended early; nothing that it started goes on" in out
    for name in ("state", "runs", "log", "notes"):
        assert re.search(rf"^{name} .*{stage.base}/stage/", out, re.MULTILINE)


def test_a_demo_whose_daemon_is_gone_leaves_nothing_running(stage: Place) -> None:
    demo = begin("--folder", str(stage.base / "stage"))
    said = read_until(demo, "run predict@g1: running and ready")
    pid = re.search(r"^daemon (\d+) follows it$", said, re.MULTILINE)
    assert pid is not None
    os.kill(int(pid[1]), signal.SIGKILL)
    out, err = demo.communicate(timeout=120)
    assert demo.returncode == 3
    assert err.startswith("plumbline: the demo's daemon does not answer any more")
    assert "log      " in out
    assert stage.ours() == []


def test_the_demos_service_answers_this_machine_only(stage: Place) -> None:
    demo = begin("--folder", str(stage.base / "stage"), "--keep")
    try:
        read_until(demo, "run predict@g1: running and ready")
        status = stage.get("/v1/status")
        (port,) = next(one["ports"] for one in status["operations"] if one["operation"] == "predict").values()
        assert listening(port) == {"0100007F"}
        demo.send_signal(signal.SIGTERM)
        out, _ = demo.communicate(timeout=120)
        assert f"plumbline --state {stage.state} stop OPERATION" in out
        assert stage.state_of("predict") == "ready"
    finally:
        demo.kill()
        demo.communicate()


def listening(port: int) -> set[str]:
    """Addresses on which somebody listens at `port`, as the kernel writes them."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {row[1][:8] for row in rows if row[3] == "0A" and int(row[1][9:], 16) == port}


@pytest.mark.parametrize(
    ("options", "variables", "words"),
    [
        pytest.param(("--folder", "/proc/nope"), {}, "the demo cannot use /proc/nope: ", id="no-such-folder"),
        pytest.param((), {"PATH": "/nonexistent"}, "git is not installed", id="no-git"),
    ],
)
def test_what_the_machine_lacks_is_said_in_a_sentence(
    options: tuple[str, ...], variables: dict[str, str], words: str
) -> None:
    demo = begin(*options, **variables)
    _, err = demo.communicate(timeout=300)
    assert demo.returncode == 3
    assert err.startswith("plumbline: ")
    assert words in err
    assert err.count("\n") == 1
