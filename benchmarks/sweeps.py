"""Sweeps: what a trial costs before anything of it runs, a large grid, and 1,000 trials at work at once.

Suggestion and persistence are held against optuna with its storage in SQLite, in the same run and on the same disk: a
trial of ours is durable when its transaction is, which others share (group commit, as a plan opens up to 100 trials);
optuna commits each step of each trial. Both wait for the disk with every commit (`synchronous=FULL`).
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import re
import sqlite3
import subprocess
import tempfile
import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio

from benchmarks.idle import cpu
from benchmarks.language import Times
from benchmarks.peers.environment import UnavailableError, python_of
from benchmarks.stage import Row, Scratch, daemon, percentile, scratch, wait
from planner import keys
from planner.admit import Limits, admit
from planner.desire.view import Identity, View
from planner.effects import effects
from planner.fold import RootState, fold_all
from planner.guard import Budgets
from planner.keys import Key
from planner.model.desired import CompiledOperation
from planner.model.facts import Cleaned, Fact, Opened
from planner.model.records import RootRecord
from planner.model.run import Observation, Phase, Snapshot
from planner.model.search import Dimension, RandomSearch, Suggestion, Trial
from planner.model.status import StopReason
from planner.plan import RootPlan, plan_alone
from planner.search import suggest
from planner.target import Contact, plan_commit
from reconciler.compiling import calmly, seldom
from reconciler.ledger.sql import SqlLedger
from reconciler.ledger.sqlite import open_sqlite
from tests.planner.builders import desired
from tests.planner.sweeps import by_chance, sweep

TRIALS, TOGETHER = 1_000, 100
ASKED_OF_OPTUNA = 200
POINTS = 100_000
AT_ONCE = 1_000
ENDS = 20
PATIENCE = 900
SPACE = (
    Dimension("rate", "loguniform", numbers=(-11.5, 0.0)),
    Dimension("depth", "uniform", numbers=(0.0, 1.0)),
)
_START = datetime(2026, 1, 1, tzinfo=UTC)
NOTHING = """\
version: 1.1
kind: operation
name: tune
matrix:
  kind: mapping
  concurrency: {at_once}
  values: [{values}]
component:
  inputs: [{{name: rate, type: int}}]
  run: {{kind: job, container: {{image: shell, command: [/bin/sh, -c, ": {{{{ rate }}}}; cat {gate}"]}}}}
"""
"""A trial does nothing: it waits at the gate, a named pipe, until all of them are there."""


def run() -> list[Row]:
    """The rows of this benchmark."""
    seldom()  # as the daemon does
    with tempfile.TemporaryDirectory(prefix="plumbline-bench-") as folder:
        return [*_stored(Path(folder)), *_planned(), *_grid(), *_at_work()]


# ---- suggested and stored


def _stored(folder: Path) -> Iterator[Row]:
    spent, wall, durable = anyio.run(_ours, folder / "ledger.sqlite", TOGETHER)
    alone, waited, _ = anyio.run(_ours, folder / "alone.sqlite", 1)
    theirs = _optuna(folder)
    each, others = spent / TRIALS, theirs.cpu / ASKED_OF_OPTUNA
    yield Row("a trial by chance, suggested and stored: CPU", each * 1e3, "ms", 1.0, f"{TOGETHER} a commit, {durable}")
    words = f"one a commit; {waited / TRIALS * 1e3:.2f} ms by the clock"
    yield Row("the same without company: CPU", alone / TRIALS * 1e3, "ms", None, words)
    yield Row("the same of optuna: CPU", others * 1e3, "ms", None, theirs.durable)
    yield Times("as fast as optuna with SQLite, by CPU", others / each, "", 10)
    ratio = (theirs.wall / ASKED_OF_OPTUNA) / (wall / TRIALS)
    yield Times("as fast as optuna with SQLite, by the clock", ratio, "", 10, f"{wall / TRIALS * 1e3:.2f} ms")


async def _ours(path: Path, together: int) -> tuple[float, float, str]:
    """CPU and wall seconds for all trials; the last ones know of all others, as in a sweep."""
    ledger = await open_sqlite(path, "bench", "project", alone=True)
    search, trials, top = RandomSearch(SPACE, TRIALS + TOGETHER), list[Trial](), keys.generation("tune", 1)
    await _open(ledger, search, trials, top, TOGETHER)
    spent, wall = time.process_time(), time.perf_counter()
    while len(trials) < TRIALS + TOGETHER:
        await _open(ledger, search, trials, top, together)
    spent, wall = time.process_time() - spent, time.perf_counter() - wall
    with ledger.database.reading() as connection:
        said = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")]
    await ledger.close()
    with contextlib.closing(sqlite3.connect(path)) as again:
        (count,) = again.execute("SELECT count(*) FROM runs").fetchone()
    assert count == TRIALS + TOGETHER
    return spent, wall, f"journal_mode={said[0]}, synchronous={said[1]}"


async def _open(ledger: SqlLedger, search: RandomSearch, trials: list[Trial], top: Key, room: int) -> None:
    """So many more trials, in one transaction."""
    facts = []
    for said in suggest(search, trials, "bench/project/tune/", room):
        key = top.child(keys.trial(len(trials)))
        trials.append(Trial(len(trials), said))
        facts.append(_opened(key, said))
    await ledger.record(facts)


def _opened(key: Key, said: Suggestion) -> Opened:
    digest = "d1:" + "0" * 52
    opened = Opened("tune", key, "job", "c" * 40, 1, digest, "tune.yaml was added", _START)
    return replace(opened, suggestion=said, lineage=digest)


@dataclass(frozen=True, slots=True)
class _Theirs:
    cpu: float
    wall: float
    durable: str


def _optuna(folder: Path) -> _Theirs:
    try:
        python = python_of("optuna")
    except UnavailableError as error:
        raise SystemExit(str(error)) from error
    script = Path(__file__).parent / "peers" / "optuna" / "stored.py"
    done = subprocess.run([python, script, folder, str(ASKED_OF_OPTUNA)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"optuna did not store its trials: {done.stderr[-2000:]}")
    said = json.loads(done.stdout)
    durable = f"a commit each step, journal_mode={said['journal']}, synchronous={said['synchronous']}"
    return _Theirs(said["cpu"], said["wall"], durable)


# ---- planned


def _planned() -> Iterator[Row]:
    few, many = _World(sweep(by_chance(100, concurrency=10))), _World(sweep(by_chance(3_000, concurrency=10)))
    few.work_off(50)
    early = percentile(few.advance(ENDS), 0.5)
    begun = time.process_time()
    many.work_off(TRIALS)
    each = (time.process_time() - begun) / TRIALS
    late = percentile(many.advance(ENDS), 0.5)
    yield Row("a plan when a trial has ended, 50 over before", early * 1e3, "ms")
    yield Row(f"the same, {TRIALS} over before", late * 1e3, "ms", 50.0, "all of them are walked")
    yield Row(f"CPU of planning a trial, over {TRIALS}", each * 1e3, "ms", None, "each end is planned by itself")


def _grid() -> Iterator[Row]:
    small, _ = _first_plan(1_000)
    large, memory = _first_plan(POINTS)
    yield Row(f"the first plan of a grid of {POINTS} points, against 1,000", large / small, "", 2.0, "CPU")
    yield Row("memory that it takes at its peak", memory / 1024, "KiB", 4096.0, f"{TOGETHER} trials are open")


def _first_plan(points: int) -> tuple[float, float]:
    """CPU seconds, best of three, and the peak of memory of planning a grid without a limit for the first time."""
    space = {"rate": {"kind": "range", "value": [0, points, 1]}}
    operation = sweep({"kind": "grid", "params": space, "numRuns": points})
    taken: list[float] = []
    for _ in range(3):
        world = _World(operation)
        with _timed(taken):
            plan = world.plan()
        assert sum(isinstance(fact, Opened) and fact.suggestion is not None for fact in plan.facts) == TOGETHER
    world = _World(operation)
    tracemalloc.start()
    world.plan()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return min(taken), peak


class _World:
    """A sweep as a root that is planned over and over, and the attempts that run."""

    def __init__(self, operation: CompiledOperation) -> None:
        wanted = desired("c" * 40, operation)
        plan = plan_commit(wanted, {}, Contact("bench", "main", _START, budgets=Budgets(trials=POINTS)))
        self.state = fold_all(RootState(RootRecord("tune")), plan.facts)
        self.forms = {root.form: root for root in wanted.roots.values()}
        self.now = _START
        self.objects: dict[Key, Observation] = {}

    def plan(self) -> RootPlan:
        """Plan once; what is ready starts."""
        self.now += timedelta(seconds=1)
        snapshot = Snapshot(self.now, dict(self.objects), frozenset(self.objects)) if self.objects else None
        view = View(self.state, self.forms, self.now, Identity("bench", "project"), snapshot)
        plan = calmly(plan_alone, view)  # as the daemon does
        intents = admit(plan.ready, (), Limits(), self.now).intents
        self.state = fold_all(plan.state, intents)
        gone = [effect.key for effect in effects(self.state, self.now) if self.objects.pop(effect.key, None)]
        facts: list[Fact] = [Cleaned("tune", key, self.now) for key in gone]
        self.state = fold_all(self.state, facts)
        for intent in intents:
            self.objects[intent.key] = Observation(intent.key, Phase.RUNNING, started_at=self.now)
        return plan

    def advance(self, ends: int) -> list[float]:
        """CPU seconds of each plan when one more of the attempts has ended."""
        taken: list[float] = []
        for _ in range(ends):
            self._end(1)
            with _timed(taken):
                self.plan()
        return taken

    def work_off(self, trials: int) -> None:
        """Plan until so many have ended, each end by itself."""
        self.plan()
        for _ in range(trials):
            self._end(1)
            self.plan()

    def _end(self, count: int) -> None:
        over = [key for key, seen in self.objects.items() if seen.phase is not Phase.ENDED][:count]
        for key in over:
            ended = {"phase": Phase.ENDED, "ended_at": self.now, "exit_code": 0, "reason": StopReason.EXITED}
            self.objects[key] = replace(self.objects[key], **ended)


@contextlib.contextmanager
def _timed(into: list[float]) -> Iterator[None]:
    gc.collect()
    begun = time.process_time()
    yield
    into.append(time.process_time() - begun)


# ---- at work


def _at_work() -> Iterator[Row]:
    """A real daemon with its ledger and its supervisors, and trials that are all alive at the same instant."""
    values = ", ".join(f"{{rate: {number}}}" for number in range(AT_ONCE))
    with scratch(extra=f"budgets: {{trials: {AT_ONCE}}}\n") as place:
        gate = place.folder / "gate"
        os.mkfifo(gate, 0o644)
        place.folder.chmod(0o755)
        place.write("tune.yaml", NOTHING.format(at_once=AT_ONCE, values=values, gate=gate))
        commit = place.commit()
        with daemon(place) as process:
            idle, used = _peak(process.pid), cpu(process.pid)
            begun = place.release(commit)
            wait(lambda: _facts(place, "Intended") >= AT_ONCE, PATIENCE, 0.5)
            wait(lambda: _at_gate(gate) >= AT_ONCE, PATIENCE, 0.5)
            started = time.time() - begun
            wait(lambda: _open_gate(gate) and place.commit_view(commit)["state"] != "pending", PATIENCE, 0.5)
            seconds, peak = time.time() - begun, _peak(process.pid)
            _demand(place, commit)
            used = cpu(process.pid) - used
    yield Row(f"a daemon with {AT_ONCE} trials alive at once", peak, "MB", 200.0, f"RSS at its peak, {idle:.0f} before")
    yield Row("a trial of these: from the push until it is at work", started / AT_ONCE * 1e3, "ms")
    yield Row("the same: until the sweep has ended", seconds / AT_ONCE * 1e3, "ms")
    yield Row("the same: CPU of the daemon", used / AT_ONCE * 1e3, "ms")


def _at_gate(gate: Path) -> int:
    """Programs that wait there now."""
    found, needle = 0, f"cat\0{gate}\0".encode()
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            found += entry.name.isdigit() and (entry / "cmdline").read_bytes() == needle
    return found


def _open_gate(gate: Path) -> bool:
    """Let those go who wait there."""
    with contextlib.suppress(OSError):  # nobody waits
        os.close(os.open(gate, os.O_WRONLY | os.O_NONBLOCK))
    return True


def _facts(place: Scratch, kind: str) -> int:
    with contextlib.closing(sqlite3.connect(f"file:{place.state / 'ledger.sqlite'}?mode=ro", uri=True)) as ledger:
        (count,) = ledger.execute("SELECT count(*) FROM facts WHERE type = ?", (kind,)).fetchone()
    return int(count)


def _peak(pid: int) -> float:
    """The most memory that a process has had in its life, in MB."""
    found = re.search(r"^VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) / 1024


def _demand(place: Scratch, commit: str) -> None:
    """End here unless every trial ran and succeeded."""
    view = place.commit_view(commit)
    if view["state"] != "success":
        raise SystemExit(f"the sweep did not succeed, so nothing was measured: {view['statuses']}")
    if (started := _facts(place, "Intended")) != AT_ONCE:
        raise SystemExit(f"{started} of {AT_ONCE} trials were started, so nothing was measured")
