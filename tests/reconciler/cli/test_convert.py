"""`plumbline convert`, and the hooks that run it."""

from __future__ import annotations

import gc
import json
from pathlib import Path

import pytest
import yaml
from typer.testing import Result

from planner.spec.convert import Converted
from reconciler.cli.app import app
from reconciler.cli.table import ENTRIES
from tests.reconciler.cli.support import RUNNER, repository, write

pytestmark = pytest.mark.unit

OLD = b"version: 1.1\nkind: component\nis_approved: true  # kept\nrun: {kind: job, container: {image: i}}\n"
NEW = OLD.replace(b"is_approved", b"isApproved")
BAD = OLD.replace(b"run:", b"foo: 1\nrun:")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def say(*args: str, code: int = 0) -> Result:
    result = RUNNER.invoke(app, ["convert", *args])
    assert result.exit_code == code, result.output
    return result


def test_it_shows_a_diff_and_changes_nothing(tmp_path: Path) -> None:
    write(tmp_path, {"ops/a.yaml": OLD, "b.yaml": NEW, "c.yaml": b"is_approved: true\n"})

    said = say()
    head, changes = said.stdout.splitlines()[:2], said.stdout.splitlines()[2:]
    assert head == ["--- a/ops/a.yaml", "+++ b/ops/a.yaml"]
    assert [line for line in changes if line[0] in "+-"] == ["-is_approved: true  # kept", "+isApproved: true  # kept"]
    assert said.stderr == "2 files, 1 would change\n"
    assert (tmp_path / "ops/a.yaml").read_bytes() == OLD


def test_the_collector_of_cycles_is_let_alone_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    enabled: list[bool] = []

    def watched(path: str, data: bytes) -> Converted:
        enabled.append(gc.isenabled())
        return Converted(data, ())

    monkeypatch.setattr("reconciler.cli.convert.converted", watched)
    write(tmp_path, {"a.yaml": OLD})
    say()
    assert enabled == [False]


def test_it_writes_when_asked(tmp_path: Path) -> None:
    write(tmp_path, {"a.yaml": OLD})

    assert say("--write").stdout == "a.yaml\n"
    assert (tmp_path / "a.yaml").read_bytes() == NEW
    assert say("--write").stdout == ""


def test_a_file_keeps_its_mode_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    write(tmp_path, {"a.yaml": OLD})
    (tmp_path / "a.yaml").chmod(0o640)

    say("--write", "a.yaml")
    assert (tmp_path / "a.yaml").stat().st_mode & 0o777 == 0o640
    assert [path.name for path in tmp_path.iterdir()] == ["a.yaml"]


def test_what_cannot_be_written_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"a.yaml": OLD})

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", refuse)
    assert "cannot write" in say("--write", "a.yaml", code=3).stderr
    assert (tmp_path / "a.yaml").read_bytes() == OLD
    assert [path.name for path in tmp_path.iterdir()] == ["a.yaml"]


def test_a_file_whose_edits_would_change_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"a.yaml": OLD})
    monkeypatch.setattr("reconciler.cli.convert.converted", lambda _, data: Converted(data, (), refused=True))

    assert "a.yaml: left as it is" in say("--write").stderr


def test_check_names_the_files(tmp_path: Path) -> None:
    write(tmp_path, {"a.yaml": OLD, "b.yaml": NEW})

    assert say("--check", code=1).stdout == "a.yaml\n"
    assert say("--check", "b.yaml").stdout == ""
    assert (tmp_path / "a.yaml").read_bytes() == OLD


def test_only_what_is_named_is_looked_at(tmp_path: Path) -> None:
    write(tmp_path, {".plumbline.yaml": b"project: p\n", "ops/a.yaml": OLD, "b.yaml": OLD})

    say("--write", "ops")
    assert ((tmp_path / "ops/a.yaml").read_bytes(), (tmp_path / "b.yaml").read_bytes()) == (NEW, OLD)


def test_bad_files_are_left_alone_and_told(tmp_path: Path) -> None:
    write(tmp_path, {"a.yaml": OLD, "b.yaml": BAD})

    said = say("--write", code=2)
    assert "b.yaml:4:1: error PL-201: unknown field `foo`" in said.stderr
    assert ((tmp_path / "a.yaml").read_bytes(), (tmp_path / "b.yaml").read_bytes()) == (NEW, BAD)


def test_a_program_can_read_it(tmp_path: Path) -> None:
    write(tmp_path, {"a.yaml": OLD, "b.yaml": BAD})

    found = json.loads(say("-o", "json", code=2).stdout)
    assert (found["changed"], found["written"]) == (["a.yaml"], False)
    assert [(problem["code"], problem["path"]) for problem in found["problems"]] == [("PL-201", "b.yaml")]


def test_write_and_check_exclude_each_other() -> None:
    say("--write", "--check", code=2)


def test_the_hooks_run_commands_that_there_are() -> None:
    hooks = _hooks()
    words = [hook["entry"].split() for hook in hooks]

    assert [hook["id"] for hook in hooks] == ["plumbline-validate", "plumbline-convert"]
    assert {word[0] for word in words} == {"plumbline"}
    assert {word[1] for word in words} <= {entry.name for entry in ENTRIES}


def test_the_hooks_work_in_a_repository(tmp_path: Path) -> None:
    repository(tmp_path, {"ops/a.yaml": OLD, "b.yaml": OLD})
    entries = {hook["id"]: hook["entry"].split()[1:] for hook in _hooks()}
    for names in (["ops/a.yaml"], []):
        for entry in ("plumbline-convert", "plumbline-validate"):
            assert RUNNER.invoke(app, [*entries[entry], *names]).exit_code == 0
    assert {(tmp_path / name).read_bytes() for name in ("ops/a.yaml", "b.yaml")} == {NEW}


def _hooks() -> list[dict[str, str]]:
    found: list[dict[str, str]] = yaml.safe_load((Path(__file__).parents[3] / ".pre-commit-hooks.yaml").read_text())
    return found
