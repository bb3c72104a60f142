"""Every case of the corpus has exactly the problems that its class expects, at bounded cost."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from planner import codes
from planner.compile import CompileConfig, compile_tree
from planner.errors import Problem
from reconciler.cli.expect import EXPECT, Limits, compare
from reconciler.compiling import check_schedule
from tests.corpus.generated import COSTLY, GENERATED
from tests.planner.compile.trees import given

pytestmark = pytest.mark.unit

CORPUS = Path(__file__).parent / "corpus"
LEAST = {
    "yaml-syntax": 60,
    "yaml-cost": 30,
    "yaml-meaning": 50,
    "schema": 150,
    "references": 40,
    "matrix": 40,
    "schedule": 100,
    "templates": 70,
    "fine": 40,
}
"""Classes, and how many cases each has at least."""

LIMITS = Limits(seconds=3.0)
"""For one case. The aim is one second of processor time; but processors differ, and share with their neighbours."""

ELSEWHERE = {
    "PL-310": "needs somebody who looks it up",
    "PL-602": "needs a ledger that holds another name",
    "PL-603": "needs a daemon that removes nothing",
    "PL-702": "needs a daemon that counts what there is",
    "PL-901": "our own fault",
}
"""Codes that no file by itself can cause."""


def differences(folder: Path) -> str:
    """What `plumbline validate --expect` would say."""
    found = compare(folder, LIMITS).mismatches
    return "\n".join(f"{one.path}: expected {one.expected}, found {one.found} {one.reason}" for one in found)


@pytest.mark.parametrize("kind", LEAST)
def test_every_case_is_told_what_is_wrong_with_it(kind):
    assert differences(CORPUS / kind) == ""


@pytest.mark.parametrize("kind", GENERATED)
def test_every_generated_case_is_told_what_is_wrong_with_it(kind, tmp_path):
    for name, (content, _) in GENERATED[kind].items():
        files = {name: content} if isinstance(content, bytes) else {f"{name}/{at}": one for at, one in content.items()}
        for path, data in files.items():
            (tmp_path / path).parent.mkdir(exist_ok=True)
            (tmp_path / path).write_bytes(data)
    expected = {name: problems for name, (_, problems) in GENERATED[kind].items()}
    (tmp_path / EXPECT).write_text(yaml.safe_dump(expected))

    assert differences(tmp_path) == ""


@pytest.mark.parametrize(("content", "allowed"), COSTLY.values(), ids=COSTLY)
def test_costly_files_end(content, allowed):
    with in_time():
        found = problems_of({"a.yaml": content} if isinstance(content, bytes) else content)

    assert {problem.code for problem in found} <= allowed


def test_the_classes_are_large_enough():
    assert {path.parent.name for path in CORPUS.glob(f"*/{EXPECT}")} == LEAST.keys()
    assert {kind: len(list(expectations(kind))) for kind in LEAST if len(list(expectations(kind))) < LEAST[kind]} == {}


def test_every_code_has_a_case_or_a_reason():
    expected = {line.split()[0] for kind in LEAST for lines in expectations(kind) for line in lines}

    assert expected | ELSEWHERE.keys() == codes.CODES.keys()
    assert not expected & ELSEWHERE.keys()


def expectations(kind: str) -> Iterator[list[str]]:
    """What each case of a class expects."""
    yield from yaml.safe_load((CORPUS / kind / EXPECT).read_text()).values()
    yield from (problems for _, problems in GENERATED.get(kind, {}).values())


def problems_of(files: Mapping[str, bytes]) -> tuple[Problem, ...]:
    return compile_tree(given(files, CompileConfig("corpus")), None, check_schedule).problems


class TooLong(BaseException):
    """No handler of errors may take it for one."""


@contextmanager
def in_time() -> Iterator[None]:
    """Ends what takes longer than a case may, by this process's own time: a busy machine changes nothing."""

    def stop(*_: object) -> None:
        raise TooLong(f"more than {LIMITS.seconds} seconds of processor time")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, LIMITS.seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
