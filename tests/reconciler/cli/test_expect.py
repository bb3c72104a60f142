"""`plumbline validate --expect`: examples are compared with what is said of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from planner.errors import Problem
from reconciler.cli import expect
from reconciler.cli.app import app
from reconciler.cli.expect import Limits, compare
from reconciler.cli.failure import Failure
from tests.reconciler.cli.support import RUNNER, write

pytestmark = pytest.mark.unit

GOOD = b"version: 1.1\nkind: component\nrun: {kind: job, container: {image: i, command: [c]}}\n"
TYPO = b"version: 1.1\nkind: component\nfoo: 1\nrun: {kind: job, container: {image: i, command: [c]}}\n"
USES = b"version: 1.1\nkind: operation\nname: a\npathRef: ../nothing.yaml\n"
SAMPLE = {
    "expect.yaml": b"good.yaml: []\ntypo.yaml: [PL-201 3]\nrepo: ['PL-302 ops/a.yaml:4']\n",
    "good.yaml": GOOD,
    "typo.yaml": TYPO,
    "repo/ops/a.yaml": USES,
    "repo/expect.yaml": b"this: is a file of the example\n",
}


def say(folder: Path, *args: str, code: int) -> Result:
    result = RUNNER.invoke(app, ["validate", str(folder), "--expect", *args])
    assert result.exit_code == code, result.output
    return result


def test_what_is_as_expected_is_counted(tmp_path: Path) -> None:
    write(tmp_path / "class", SAMPLE)

    said = say(tmp_path, code=0).stdout
    assert said.startswith("3 cases, 0 not as expected; slowest: ")


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"good.yaml": TYPO}, "good.yaml: expected nothing; found PL-201 3"),
        ({"typo.yaml": GOOD}, "typo.yaml: expected PL-201 3; found nothing"),
        ({"new.yaml": TYPO}, "new.yaml: it is not in expect.yaml; found PL-201 3"),
        ({"expect.yaml": SAMPLE["expect.yaml"] + b"x.yaml: []\n"}, "x.yaml: there is no such file; expected nothing"),
        ({"repo/b.yaml": TYPO}, "repo: expected PL-302 ops/a.yaml:4; found PL-201 b.yaml:3, PL-302 ops/a.yaml:4"),
    ],
)
def test_each_difference_is_told(tmp_path: Path, files: dict[str, bytes], told: str) -> None:
    write(tmp_path, SAMPLE | files)

    lines = say(tmp_path, code=2).stdout.splitlines()
    assert lines[0] == f"{tmp_path}/{told}"
    assert "1 not as expected" in lines[1]


def test_a_program_can_read_it(tmp_path: Path) -> None:
    write(tmp_path, SAMPLE | {"good.yaml": TYPO})

    found = json.loads(say(tmp_path, "-o", "json", code=2).stdout)
    assert (found["cases"], found["slowest"]["path"] != "") == (3, True)
    assert found["mismatches"] == [
        {"path": f"{tmp_path}/good.yaml", "expected": [], "found": ["PL-201 3"], "reason": ""}
    ]


def for_ever(path: Path) -> list[Problem]:
    raise AssertionError(sum(number for number in range(10**9)))


def too_much(path: Path) -> list[Problem]:
    raise AssertionError(len(bytearray(10**9)))


@pytest.mark.parametrize(
    ("problems", "limits", "reason"),
    [
        (for_ever, Limits(seconds=0.05), "more than 0.05 s of the processor"),
        (too_much, Limits(seconds=60), "more than 200 MB"),
    ],
)
def test_a_case_that_costs_too_much_is_a_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, problems: Any, limits: Limits, reason: str
) -> None:
    write(tmp_path, {"expect.yaml": b"a.yaml: [PL-201 3]\n", "a.yaml": TYPO})
    assert compare(tmp_path).mismatches == ()

    monkeypatch.setattr(expect, "problems", problems)
    (late,) = compare(tmp_path, limits).mismatches
    assert (late.found, late.reason) == (None, reason)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"[a]\n", "must map names of files to lists"),
        (b"a.yaml: PL-201 3\n", "must map names of files to lists"),
        (b"a.yaml: [\n", "PL-101"),
    ],
)
def test_expectations_that_cannot_be_read_are_told(tmp_path: Path, text: bytes, told: str) -> None:
    write(tmp_path, {"expect.yaml": text})

    with pytest.raises(Failure, match=told):
        compare(tmp_path)


def test_a_folder_without_examples_is_told(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="there is no expect"):
        compare(tmp_path)
