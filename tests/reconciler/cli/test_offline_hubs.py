"""What validate and plan know without a daemon of hubs, URLs, connections and queues."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.cli.app import app
from tests.reconciler.cli.support import RUNNER, repository, write

pytestmark = pytest.mark.process

HEAD = "version: 1.1\nkind: "
JOB = "{kind: job, container: {image: i, command: [c]}}"
FILES = {
    "a.yaml": f"{HEAD}operation\nname: a\nhubRef: train:2\n",
    "b.yaml": f"{HEAD}operation\nname: b\nurlRef: https://x.org/c.yaml\n",
    "c.yaml": f"{HEAD}operation\nname: c\nqueue: fast\ncomponent: {{run: {JOB}}}\n",
}


@pytest.fixture(autouse=True)
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMBLINE_STATE", str(tmp_path / "no-state"))
    monkeypatch.chdir(tmp_path)


def told(*args: str, code: int) -> list[str]:
    """What is said of problems and operations, each line without its hint."""
    result = RUNNER.invoke(app, list(args))
    assert result.exit_code == code, f"{result.exit_code}: {result.output}{result.exception!r}"
    return [line.partition(";")[0] for line in result.stdout.splitlines()[:-1]]


def configured(tmp_path: Path, text: str) -> str:
    write(tmp_path / "hub", {"train/2.yaml": f"{HEAD}component\nrun: {JOB}\n".encode()})
    (tmp_path / "daemon.yaml").write_text(f"repository: {{url: /srv/r.git}}\n{text}\n")
    return str(tmp_path / "daemon.yaml")


FAR = "b.yaml:4:9: warning PL-311: `https://x.org/c.yaml`: not looked up here"
CASES = {
    "no configuration": (
        None,
        ["a.yaml:4:9: warning PL-311: `train:2`: not looked up here", FAR, "c.yaml: operation c (job)"],
        0,
    ),
    "the folder of a hub": (
        "hubs: [{name: team, path: hub}]",
        [FAR, "a.yaml: operation a (job)", "c.yaml: operation c (job)"],
        0,
    ),
    "another queue": (
        "hubs: [{name: team, path: hub}]\nqueues: {gpu: }",
        [FAR, "c.yaml:4:8: error PL-302: there is no queue `fast` in the configuration", "a.yaml: operation a (job)"],
        2,
    ),
    "a repository before it": (
        "hubs: [{name: far, repository: {url: 'https://forge.example/r'}}, {name: team, path: hub}]",
        ["a.yaml:4:9: warning PL-311: `train:2`: not looked up here", FAR, "c.yaml: operation c (job)"],
        0,
    ),
    "a hub that does not have it": (
        "hubs: [{name: team, path: .}]",
        ["a.yaml:4:9: error PL-310: `train:2`: no hub has the component `train:2`", FAR, "c.yaml: operation c (job)"],
        2,
    ),
}


@pytest.mark.parametrize(("text", "lines", "code"), CASES.values(), ids=CASES)
def test_validate_goes_by_the_configuration(tmp_path, text, lines, code):
    write(tmp_path / "specs", {path: one.encode() for path, one in FILES.items()})
    named = [] if text is None else ["-c", configured(tmp_path, text)]
    found = [line.replace("specs/", "") for line in told(*named, "validate", "specs", code=code)]

    assert [line for line in found if " info " not in line] == lines


def test_what_is_not_looked_up_counts_as_unchanged_for_a_plan(tmp_path):
    folder = tmp_path / "r"
    repository(folder, {path: one.encode() for path, one in FILES.items()})
    write(folder, {"b.yaml": FILES["b.yaml"].replace("c.yaml", "d.yaml").encode()})
    lines = told("plan", str(folder), "--offline", code=0)

    assert [line for line in lines if "remove" in line or "add" in line] == []
    assert any("d.yaml`: not looked up here" in line for line in lines)
