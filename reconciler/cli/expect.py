"""`plumbline validate --expect`: folders of examples, each compared with the problems that it is said to have.

`expect.yaml` of a folder maps the names of its files, and of folders that are small repositories, to lines such as
`PL-201 7`; `PL-201 ops/a.yaml:7` in a folder, with ` warning` behind a warning; line 0 is the whole file. Infos are not
listed, and their order is that of their places, however it is written down. Each case is a project of its own, and
must not cost much. This module decides nothing about problems.
"""

from __future__ import annotations

import contextlib
import resource
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from planner.compile import CompileConfig
from planner.errors import Problem, Severity
from planner.spec import yaml as reader
from reconciler.cli import folder, show
from reconciler.cli.failure import Code, Failure
from reconciler.cli.offline import Files
from reconciler.cli.session import Output, Session
from reconciler.compiling import compiled
from reconciler.source.model import Entry, Tree
from reconciler.source.objects import object_id

__all__ = ["EXPECT", "Compared", "Limits", "Mismatch", "compare", "expectations", "problems", "run"]

EXPECT = "expect.yaml"
"""Where a folder says what its cases are told."""
_PROJECT = "examples"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one case may cost.

    Attributes:
        seconds: of the processor.
        memory: bytes beside what the program has taken before.
    """

    seconds: float = 1.0
    memory: int = 200 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A case that is not as it was said to be.

    Attributes:
        path: of the case.
        expected: its lines in `expect.yaml`; None where it has no entry.
        found: its problems in the same form; None where there is no such file, or it cost too much.
        reason: why nothing was found or expected; "" where both are there.
    """

    path: Path
    expected: Sequence[str] | None
    found: Sequence[str] | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Compared:
    """What came of a folder.

    Attributes:
        cases: how many there are.
        mismatches: by path.
        slowest: the case that took longest; None where there is none.
        seconds: of the processor that it took.
    """

    cases: int
    mismatches: tuple[Mismatch, ...]
    slowest: Path | None = None
    seconds: float = 0.0


def run(session: Session, paths: Sequence[Path]) -> None:
    """Print where the examples in `paths` differ from what is expected, and how many there are.

    Raises:
        Failure: there are no examples, or some differ.
    """
    if session.output is Output.SARIF:
        raise Failure(Code.INPUT, "`--expect` does not answer in sarif")
    found = [compare(path) for path in paths]
    wrong = [mismatch for one in found for mismatch in one.mismatches]
    slowest = max(found, key=lambda one: one.seconds)
    if session.json:
        show.value(
            {
                "cases": sum(one.cases for one in found),
                "mismatches": [
                    {"path": str(one.path), "expected": one.expected, "found": one.found, "reason": one.reason}
                    for one in wrong
                ],
                "slowest": {"path": str(slowest.slowest), "seconds": round(slowest.seconds, 3)},
            }
        )
    else:
        for one in wrong:
            show.line(f"{one.path}: {_told(one)}")
        count = sum(one.cases for one in found)
        show.line(f"{count} cases, {len(wrong)} not as expected; slowest: {slowest.slowest}, {slowest.seconds:.2f} s")
    if wrong:
        raise Failure(Code.INPUT, "")


def _told(one: Mismatch) -> str:
    parts = [one.reason] if one.reason else []
    parts += [f"expected {_listed(one.expected)}"] if one.expected is not None else []
    parts += [f"found {_listed(one.found)}"] if one.found is not None else []
    return "; ".join(parts)


def _listed(lines: Sequence[str]) -> str:
    return ", ".join(lines) or "nothing"


def compare(top: Path, limits: Limits = Limits()) -> Compared:
    """Compare every case below `top`: of each folder with an `expect.yaml`, at any depth.

    Raises:
        Failure: there is none, or one of them cannot be read.
    """
    classes = sorted(path.parent for path in top.rglob(EXPECT) if path.is_file())
    outer = [one for one in classes if not any(other in one.parents for other in classes)]
    if not outer:
        raise Failure(Code.INPUT, f"there is no {EXPECT} in {top}")
    found: list[Mismatch] = []
    times: list[tuple[float, Path]] = []
    for one in outer:
        wanted = expectations(one / EXPECT)
        there = {path.name for path in one.iterdir()} - {EXPECT}
        for name in sorted(wanted.keys() | there):
            begun = time.process_time()
            mismatch = _case(one / name, wanted.get(name), limits)
            times.append((time.process_time() - begun, one / name))
            found += [mismatch] if mismatch else []
    seconds, slowest = max(times, default=(0.0, None))
    return Compared(len(times), tuple(found), slowest, seconds)


def _case(path: Path, expected: Sequence[str] | None, limits: Limits) -> Mismatch | None:
    if not path.exists():
        return Mismatch(path, expected, None, "there is no such file")
    try:
        with _within(limits):
            found = [_line(problem, path) for problem in problems(path) if problem.severity is not Severity.INFO]
    except _TooLong:
        return Mismatch(path, expected, None, f"more than {limits.seconds:g} s of the processor")
    except MemoryError:
        return Mismatch(path, expected, None, f"more than {limits.memory >> 20} MB")
    if expected is None:
        return Mismatch(path, None, found, f"it is not in {EXPECT}")
    return None if sorted(found) == sorted(expected) else Mismatch(path, expected, found)


def problems(path: Path) -> Sequence[Problem]:
    """What is wrong with a file, or with a folder that is a small repository."""
    files, named = (_folder(path), []) if path.is_dir() else (_file(path), [path.name])
    given = files.given(CompileConfig(_PROJECT), named=frozenset(named))
    return compiled(given, files.cache).problems


def _folder(path: Path) -> Files:
    found = folder.read(path)
    return Files("", found.tree, found.blobs)


def _file(path: Path) -> Files:
    data = path.read_bytes()
    ident = object_id("blob", data, "sha1")
    tree = Tree(ident, {path.name: Entry(path.name, "blob", ident, len(data))})
    return Files("", tree, lambda _: {ident: data})


def _line(problem: Problem, path: Path) -> str:
    line = problem.place.line
    where = f"{problem.place.path}:{line}" if path.is_dir() else f"{line}"
    return f"{problem.code} {where}{' warning' if problem.severity is Severity.WARNING else ''}"


def expectations(path: Path) -> Mapping[str, Sequence[str]]:
    """What `expect.yaml` says, by the names of its cases.

    Raises:
        Failure: it is not of that form.
    """
    read = reader.read(str(path), path.read_bytes())
    if read.problems:
        raise Failure(Code.INPUT, "\n".join(str(problem) for problem in read.problems))
    value = read.documents[0].value if read.documents else {}
    if not isinstance(value, dict) or not all(map(_are_lines, value.values())):
        raise Failure(Code.INPUT, f"{path} must map names of files to lists such as `[PL-201 7]`")
    return value


def _are_lines(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(line, str) for line in value)


class _TooLong(BaseException):
    """No handler of errors may take it for one."""


@contextlib.contextmanager
def _within(limits: Limits) -> Iterator[None]:
    """Ends what takes too long, by this process's own time: a busy machine changes nothing. For the main thread."""

    def stop(*_: object) -> None:
        raise _TooLong

    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    before = signal.signal(signal.SIGPROF, stop)
    resource.setrlimit(resource.RLIMIT_AS, (taken + limits.memory, hard))
    signal.setitimer(signal.ITIMER_PROF, limits.seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
