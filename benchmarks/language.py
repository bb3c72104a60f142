"""The language: reading, checking and compiling specs, against Polyaxon and against limits of our own."""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.peers.environment import UnavailableError, running
from benchmarks.specs import compiled, entry_of, forget, given_of
from benchmarks.stage import ROOT, Row, percentile
from planner.compile import Cache, CompileInput
from planner.model.records import RootRecord
from planner.target import Contact, plan_commit, target_of
from tests.generate import mixed

SPECS = 1000
MANY = 10_000
ROUNDS = 5
SHARE_CACHED, SHARE_COLD = 10, 3
"""How many times as fast as the peer, with what modules keep by content (types, templates) and without."""


@dataclass(frozen=True)
class Times(Row):
    """How many times as much something is; the goal is the least."""

    @property
    def holds(self) -> bool:
        return self.limit is None or self.value >= self.limit

    def __str__(self) -> str:
        goal = "" if self.limit is None else f"  at least x{self.limit:g}"
        return f"{'ok  ' if self.holds else 'LESS'} {self.name:<52} x{self.value:9.2f}{goal}  {self.note}"


def run() -> list[Row]:
    return [*_imports(), *_against_peer(), *_one_changed(), *_many()]


def _cold(given: CompileInput, *, warm_modules: bool) -> float:
    """Seconds of one compile with an empty cache; what modules keep by content may be warm."""
    if not warm_modules:
        forget()
    begun = time.perf_counter()
    compiled(given, Cache())
    return time.perf_counter() - begun


# Against the peer


def _against_peer() -> list[Row]:
    specs = list(mixed(SPECS))
    given = given_of(specs)
    try:
        with _peer(specs) as theirs:
            rounds = [_round(given, theirs) for _ in range(ROUNDS + 1)][1:]  # the first pays for first uses
    except UnavailableError as error:
        raise SystemExit(str(error)) from error
    warm, cold, check = (statistics.median(taken) for taken in zip(*rounds, strict=True))
    lines = sum(text.count("\n") for _, text in specs) / SPECS
    return [
        Row("a spec, empty cache", warm * 1000, "ms", None, f"{lines:.0f} lines on average"),
        Row("a spec, empty cache, and modules that know nothing", cold * 1000, "ms"),
        Row("a spec, polyaxon's check_polyaxonfile", check * 1000, "ms"),
        Times("as fast as polyaxon's check, empty cache", check / warm, "", SHARE_CACHED),
        Times("as fast as polyaxon's check, and nothing known", check / cold, "", SHARE_COLD),
    ]


def _round(given: CompileInput, theirs: Callable[[], float]) -> tuple[float, float, float]:
    """Seconds a spec of both sides, one after the other: what else the machine does concerns both."""
    cold, warm = _cold(given, warm_modules=False), _cold(given, warm_modules=True)
    return warm / SPECS, cold / SPECS, theirs()


@contextlib.contextmanager
def _peer(specs: Iterable[tuple[str, str]]) -> Iterator[Callable[[], float]]:
    """Asks for the seconds that it takes to check a spec."""
    with tempfile.TemporaryDirectory(prefix="plumbline-bench-") as folder, running("polyaxon") as peer:
        for name, text in specs:
            Path(folder, f"{name}.yaml").write_text(text)

        def seconds() -> float:
            answer = peer.ask({"do": "time", "folder": folder})
            if not answer["ok"] or answer["refused"]:
                raise SystemExit(f"the peer refuses generated specs: {answer.get('why') or answer['refused'][0]}")
            return float(answer["seconds"])

        yield seconds


# Limits of our own


def _imports() -> list[Row]:
    code = "import time; begun = time.perf_counter(); import planner.compile; print(time.perf_counter() - begun)"
    taken = [float(_python("-c", code)) for _ in range(10)]
    helps = [_timed(lambda: _python("-m", "reconciler.cli", "--help")) for _ in range(10)]
    return [
        Row("import planner.compile, median of 10", percentile(taken, 0.5), "s", 0.5),
        Row("plumbline --help, median of 10", percentile(helps, 0.5), "s", 0.5),
    ]


def _python(*arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # users have compiled modules
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


def _timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _one_changed() -> list[Row]:
    """A plan after one changed file of many: what the daemon does between reading the tree and the transaction."""
    given, cache = given_of(mixed(SPECS)), Cache()
    state = compiled(given, cache)
    records = {name: RootRecord(name, planned=target_of(root, "b" * 40)) for name, root in state.roots.items()}
    contact = Contact("bench", "main", datetime(2026, 1, 1, tzinfo=UTC))
    path, entry = next((path, entry) for path, entry in given.entries.items() if entry.kind == "blob")
    taken = []
    for number in range(20):
        data = given.blobs[entry.id].replace(b"image: ", f"image: mirror{number}.example.org/".encode(), 1)
        now, _ = entry_of(data)
        changed = replace(
            given,
            entries={**given.entries, path: now},
            blobs={now.id: data},
            in_force={name: root.place.path for name, root in state.roots.items()},
        )
        begun = time.perf_counter()
        plan = plan_commit(compiled(changed, cache), records, contact)
        taken.append(time.perf_counter() - begun)
        assert len(plan.changes) == 1, plan.changes
    return [Row(f"plan after one changed file of {SPECS}, median", percentile(taken, 0.5) * 1000, "ms", 30)]


def _many() -> list[Row]:
    """A large tree in a process of its own, which shares the work with a second one."""
    with tempfile.TemporaryDirectory(prefix="plumbline-bench-") as folder:
        source = Path(folder, "specs.json")
        source.write_text(json.dumps(list(mixed(MANY))))
        answer = json.loads(_python("-m", "benchmarks.specs", str(source), "2"))
    return [
        Row(f"{MANY} specs cold, two processes", answer["seconds"], "s", 10),
        Row(f"{MANY} specs cold, largest memory of both", answer["megabytes"] + answer["others"], "MB", 400),
    ]
