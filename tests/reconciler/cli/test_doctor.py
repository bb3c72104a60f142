"""`plumbline doctor`: what it prints, how it ends, and that no secret is in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reconciler.cli.app import app
from tests.e2e.harness import git
from tests.reconciler.cli.support import RUNNER

pytestmark = pytest.mark.process


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The configuration of a daemon that would start."""
    git(tmp_path, "init", "-q", "--bare", "-b", "main", str(tmp_path / "repo.git"))
    git(tmp_path, "clone", "-q", str(tmp_path / "repo.git"), str(tmp_path / "work"))
    git(tmp_path / "work", "commit", "-q", "--allow-empty", "-m", "first")
    git(tmp_path / "work", "push", "-q", "origin", "HEAD:refs/heads/main")
    path = tmp_path / "daemon.yaml"
    path.write_text(
        f"repository: {{url: {tmp_path}/repo.git, branch: main}}\nstate: {tmp_path}/state\n"
        "backends: {local: {allowRoot: true}}\n"
    )
    return path


def test_a_configuration_that_would_start_ends_with_0(config: Path) -> None:
    result = RUNNER.invoke(app, ["doctor", "-c", str(config)])
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].startswith("ok       configuration")
    assert any(line.startswith("ok       repository") for line in lines)
    # What is not as somebody may expect is said, with what to do, and is no reason not to start.
    assert any(line.startswith("warning  pages") for line in lines)
    assert any(line.strip().startswith("-> set pages.listen") for line in lines)
    assert "warning" in lines[-1]


def test_a_problem_ends_with_3_and_what_to_do(config: Path) -> None:
    config.write_text(config.read_text().replace("branch: main", "branch: gone"))
    result = RUNNER.invoke(app, ["doctor", "-c", str(config), "-o", "json"])
    assert result.exit_code == 3
    (found,) = [one for one in json.loads(result.stdout)["findings"] if one["what"] == "repository"]
    assert found["grade"] == "problem"
    assert found["said"].endswith("has no branch gone")
    assert found["advice"] == "push one, or name another in repository.branch"


def test_a_wrong_configuration_is_the_one_finding(config: Path) -> None:
    config.write_text("repository: {url: 7}\nstat: /tmp\n")
    result = RUNNER.invoke(app, ["doctor", "-c", str(config)])
    assert result.exit_code == 3
    assert "Traceback" not in result.output
    assert "daemon.yaml:2:1" in result.stdout
    assert result.stdout.splitlines()[-1] == "1 problem"
    told = json.loads(RUNNER.invoke(app, ["doctor", "-c", str(config), "-o", "json"]).stdout)
    assert [one["what"] for one in told["findings"]] == ["configuration"]


def test_without_a_configuration_it_asks_for_one() -> None:
    result = RUNNER.invoke(app, ["doctor"])
    assert (result.exit_code, "name the configuration" in result.output) == (2, True)


def test_no_secret_is_said(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    canary = "canary-7f3k2m4q-canary"
    file = config.with_name("secret")
    file.write_text(canary)
    file.chmod(0o600)
    monkeypatch.setenv("CANARY", f"https://hooks.example/{canary}")
    config.write_text(
        f"{config.read_text()}"
        f"webhooks: {{listen: '127.0.0.1:0', repository: a/b, secrets: [{{file: {file}}}]}}\n"
        f"connections: [{{name: team, kind: slack, schema: {{urlVariable: CANARY, tokenFile: {file}}}}}]\n"
        f"artifactsStore: {{url: 'file://{config.parent}', optionFiles: {{secret: {file}}}}}\n"
        "ledger: {url: 'postgresql://ada@127.0.0.1:1/none', passwordVariable: CANARY, wait: 1}\n"
    )
    for form in ("text", "json"):
        result = RUNNER.invoke(app, ["doctor", "-c", str(config), "-o", form])
        assert result.exit_code == 3  # the ledger's server is away
        assert "notifications" in result.output
        assert canary not in result.output
        assert "Traceback" not in result.output
