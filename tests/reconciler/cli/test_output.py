"""How commands end when their output cannot be written, and which options they do not take."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.cli.app import app
from reconciler.cli.table import ENTRIES
from tests.reconciler.api.support import World, job
from tests.reconciler.cli.support import RUNNER, daemon, until

ROOT = Path(__file__).parents[3]


def shell(line: str) -> subprocess.CompletedProcess[str]:
    """What a line of shell says in which `plumbline` is the program."""
    text = line.replace("plumbline", f"{sys.executable} -m reconciler.cli")
    return subprocess.run(["sh", "-c", text], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.process
@pytest.mark.parametrize("command", ["schema", "--help", "schema --help", "--version", "validate sample-repo"])
@pytest.mark.parametrize(
    ("target", "why"),
    [pytest.param(">/dev/full", "No space left on device", id="full"), pytest.param(">&-", "Bad file", id="closed")],
)
def test_output_that_cannot_be_written_is_a_matter_of_the_environment(command: str, target: str, why: str) -> None:
    done = shell(f"plumbline {command} {target}")
    assert done.returncode == 3
    assert done.stderr.startswith(f"plumbline: cannot write to standard output: {why}")
    assert done.stderr.count("\n") == 1


@pytest.mark.process
@pytest.mark.parametrize("command", ["schema", "--help", "schema --help", "--version"])
def test_a_reader_that_is_gone_ends_it_with_141(command: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "reconciler.cli", *command.split()],
            cwd=ROOT,
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.process
def test_status_ends_with_3_when_its_answer_cannot_be_written(tmp_path: Path) -> None:
    world = World()
    world.push({"a.yaml": job("good")})
    with daemon(world, tmp_path / "state") as asked:
        until(asked, "succeeded", "status")
        for target in (">/dev/full", ">&-"):
            assert shell(f"plumbline --state {asked.state} status {target}").returncode == 3
        assert shell(f"plumbline --state {asked.state} status 2>&-").returncode == 0


@pytest.mark.unit
@pytest.mark.parametrize("option", ["state", "config", "output"])
@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_a_common_option_that_a_command_does_not_take_is_refused_in_both_places(entry: object, option: str) -> None:
    name, common = entry.name, entry.common  # type: ignore[attr-defined]
    if option in common:
        assert f"--{option}" in RUNNER.invoke(app, [name, "--help"]).stdout
        return
    words = [f"--{option}", {"state": "s", "config": "c.yaml", "output": "json"}[option]]
    for line in ([*words, name], [name, *words]):
        refused = RUNNER.invoke(app, line)
        assert refused.exit_code == 2, line
        assert f"--{option}" in refused.stderr


@pytest.mark.unit
def test_a_refused_option_says_which_ones_the_command_takes() -> None:
    said = RUNNER.invoke(app, ["-o", "json", "logs", "train"]).stderr
    assert "`logs` does not take --output; it takes --state, --config" in " ".join(said.split())
    assert json.loads(RUNNER.invoke(app, ["schema"]).stdout)
