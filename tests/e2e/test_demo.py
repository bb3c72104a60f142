"""The demonstration without a terminal: plain lines, everything as it should be, and nothing left but one parent."""

from __future__ import annotations

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


def test_the_demo_plays_to_its_end(stage: Place) -> None:
    command = [sys.executable, "-m", "reconciler.cli", "demo", "--folder", str(stage.base / "stage")]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    assert done.stderr == ""
    assert "everything was as it should be" in done.stdout
    assert "NOT SO" not in done.stdout
    assert all(line.isprintable() for line in done.stdout.splitlines())
    acts = [line[:2] for line in done.stdout.splitlines() if line[:1].isdigit()]
    assert acts == ["1.", "2.", "3.", "4.", "5."]
    assert "Traceback" not in (stage.base / "stage/daemon.log").read_text()
