"""Every case of the corpus has exactly the problems that its class expects, at bounded cost."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from planner import codes
from planner.compile import CompileConfig, EntryRef, compile_tree
from planner.errors import Problem, Severity
from reconciler.compiler import check_schedule
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

LIMIT = 3.0
"""Seconds of processor time for a case. The aim is one; but processors differ, and share with their neighbours."""

MEMORY = 200 * 1024 * 1024
"""Bytes that the costly cases may take beside what the program needs anyway."""

ELSEWHERE = {
    "PL-309": "an info, which no case lists",
    "PL-602": "needs a ledger that holds another name",
    "PL-603": "needs a daemon that removes nothing",
    "PL-702": "needs a daemon that counts what there is",
    "PL-901": "our own fault",
}
"""Codes that no file by itself can cause."""


class TooLong(BaseException):
    """A case took more than its time. No handler of errors may take it for one."""


@contextmanager
def in_time() -> Iterator[None]:
    """Ends what takes more than `LIMIT`, by the processor time of this process: a busy machine changes nothing."""

    def stop(*_: object) -> None:
        raise TooLong(f"more than {LIMIT} seconds of processor time")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, LIMIT)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


Content = bytes | Mapping[str, bytes | EntryRef]


def problems_of(name: str, content: Content) -> tuple[Problem, ...]:
    """What is said of a file, or of a folder that is looked at as a repository."""
    files = {name: content} if isinstance(content, bytes) else dict(content)
    named = frozenset({name}) if isinstance(content, bytes) else frozenset()
    return compile_tree(given(files, CompileConfig("corpus"), named=named), None, check_schedule).problems


def told(name: str, content: Content) -> list[str]:
    """The problems as `expect.yaml` lists them."""
    found = []
    for problem in problems_of(name, content):
        where = f"{problem.place.line}" if isinstance(content, bytes) else f"{problem.place.path}:{problem.place.line}"
        if problem.severity is not Severity.INFO:
            found.append(f"{problem.code} {where}{' warning' if problem.severity is Severity.WARNING else ''}")
    return sorted(found)


def content_of(path: Path) -> Content:
    if path.is_file():
        return path.read_bytes()
    found: dict[str, bytes | EntryRef] = {}
    for file in sorted(path.rglob("*")):
        inside = file.relative_to(path).as_posix()
        if file.is_symlink():
            found[inside] = EntryRef("symlink", "0" * 40)
        elif file.is_file():
            found[inside] = file.read_bytes()
    return found


def expectations(kind: str) -> dict[str, list[str]]:
    found = yaml.safe_load((CORPUS / kind / "expect.yaml").read_text())
    assert isinstance(found, dict)
    return found


def cases(kind: str) -> Iterator[tuple[str, Content, list[str]]]:
    for name, expected in expectations(kind).items():
        yield name, content_of(CORPUS / kind / name), expected
    for name, (content, expected) in GENERATED.get(kind, {}).items():
        yield name, content, expected


@pytest.mark.parametrize("kind", LEAST)
def test_every_case_is_told_what_is_wrong_with_it(kind):
    wrong = {}
    for name, content, expected in cases(kind):
        try:
            with in_time():
                found = told(name, content)
        except TooLong as late:
            found = [str(late)]
        if found != sorted(expected):
            wrong[name] = f"expected {sorted(expected)[:60]}, found {found[:60]}"
    assert not wrong, "\n".join(f"{kind}/{name}: {said}" for name, said in wrong.items())


@pytest.mark.parametrize("kind", LEAST)
def test_every_file_is_a_case(kind):
    there = {path.name for path in (CORPUS / kind).iterdir()} - {"expect.yaml"}

    assert there == expectations(kind).keys()
    assert not there & GENERATED.get(kind, {}).keys()
    assert len(there) + len(GENERATED.get(kind, {})) >= LEAST[kind]


def test_there_is_no_other_class():
    assert {path.name for path in CORPUS.iterdir() if path.is_dir() and path.name != "__pycache__"} == LEAST.keys()


def test_every_code_has_a_case_or_a_reason():
    expected = {line.split()[0] for kind in LEAST for _, _, lines in cases(kind) for line in lines}

    assert expected | ELSEWHERE.keys() == codes.CODES.keys()
    assert not expected & ELSEWHERE.keys()


def test_the_info_is_told():
    name = "component-of-a-dag-misspelt.yaml"
    found = problems_of(name, content_of(CORPUS / "references" / name))
    assert [problem.code for problem in found if problem.severity is Severity.INFO] == ["PL-309"]


@pytest.mark.parametrize(("content", "allowed"), COSTLY.values(), ids=COSTLY)
def test_costly_files_end(content, allowed):
    with in_time():
        found = problems_of("a.yaml", content)

    assert {problem.code for problem in found} <= allowed


@pytest.mark.process
def test_costly_cases_end_in_little_memory():
    """In a process of its own, whose memory is what the program takes and a bit."""
    asked = [sys.executable, "-c", "from tests.test_corpus import in_little_memory; in_little_memory()"]
    done = subprocess.run(asked, cwd=CORPUS.parents[1], capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-3_000:]


def in_little_memory() -> None:
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    content = list(cases("yaml-cost"))
    there = sum(len(data) for _, data, _ in content if isinstance(data, bytes))
    resource.setrlimit(resource.RLIMIT_AS, (taken + there + MEMORY, resource.RLIM_INFINITY))
    for name, data, expected in content:
        assert told(name, data) == sorted(expected), name
