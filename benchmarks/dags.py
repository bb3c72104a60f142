"""DAGs of tasks that do nothing, on the path that real runs take, beside Luigi and Dagster in the same run.

Ours: a daemon with its SQLite ledger, a durable intent and a supervisor for each task, whose program is `/bin/true`.
Luigi: a local scheduler, two workers and a forked process a task, nothing durable. Dagster: its multiprocess executor
with two processes, at fewer tasks, as it needs a second for each; the figures are for one task, so they compare.

What is synced to the disk is counted in a run of its own, by strace: it slows down what it looks at.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.language import Times
from benchmarks.peers.environment import UnavailableError, running
from benchmarks.stage import Row, Scratch, daemon, scratch, wait

FAN, CHAIN = 1000, 300
SCALED_DOWN = 12
"""Tasks that Dagster gets of each shape."""
COUNTED = 60
"""Tasks of the run whose syncs are counted."""
SYNC = re.compile(r"^\d+\s+(?P<at>[0-9.]+) (?:fsync|fdatasync)\(\d+<(?P<path>[^>]*)>")
PATIENCE = 1200
OPERATION = """\
    - name: n{number}{upstream}
      component:
        run: {{kind: job, container: {{image: shell, command: ["/bin/true", "{number}"]}}}}
"""


def run() -> list[Row]:
    """The rows of this benchmark."""
    rows: list[Row] = []
    for shape, tasks in (("fan", FAN), ("chain", CHAIN)):
        ours = _ours(shape, tasks)
        luigi, dagster = _peer("luigi", shape, tasks), _peer("dagster", shape, SCALED_DOWN)
        words = f"{tasks} tasks {'side by side' if shape == 'fan' else 'in a chain'}"
        rows += [
            Row(f"{words}: a task", ours.seconds / tasks * 1000, "ms"),
            Row(f"{words}: a task of Luigi", luigi / tasks * 1000, "ms", None, "workers=2, a process a task"),
            Row(
                f"{words}: a task of Dagster",
                dagster / SCALED_DOWN * 1000,
                "ms",
                None,
                f"multiprocess, of {SCALED_DOWN} tasks only",
            ),
            Times(f"{words}: as fast as Luigi", luigi / ours.seconds, "", 1),
            Row(f"{words}: CPU of the daemon a task", ours.daemon / tasks * 1000, "ms", 1),
            Row(f"{words}: CPU of the warm parent a task", ours.parent / tasks * 1000, "ms", None, "it forks"),
            Row(f"{words}: CPU of supervisor and program a task", ours.supervisors / tasks * 1000, "ms"),
            *_syncs(shape, words),
        ]
    return rows


@dataclass(frozen=True, slots=True)
class _Ours:
    """Seconds: of the whole, and of CPU by the daemon, by the warm parent, and by supervisors with their programs."""

    seconds: float
    daemon: float
    parent: float
    supervisors: float


def _ours(shape: str, tasks: int) -> _Ours:
    """From the moment the branch moves to the commit's status."""
    with _staged(shape, tasks) as (place, commit), daemon(place) as process:
        before = _cpu(process.pid)
        begun = _release(place, commit)
        seconds, used = time.time() - begun, _cpu(process.pid) - before
        _demand(place, commit, tasks)
        parent = _warm_parent(place)
        return _Ours(seconds, used, _cpu(parent), _cpu(parent, of_children=True))


def _syncs(shape: str, words: str) -> list[Row]:
    """Syncs of all our processes: daemon, its ledger, supervisors."""
    tracer = shutil.which("strace")
    if tracer is None:
        return [Row(f"{words}: syncs a task", 0, "", None, "not counted: strace is not there")]
    with _staged(shape, COUNTED) as (place, commit):
        trace = place.folder / "trace"
        watching = (tracer, "-f", "-qq", "-ttt", "-y", "-e", "trace=fsync,fdatasync", "-e", "signal=none")
        with daemon(place, (*watching, "-o", str(trace))):
            begun = _release(place, commit)
            _demand(place, commit, COUNTED)
        found = [match for line in trace.read_text().splitlines() if (match := SYNC.match(line))]
    paths = [match["path"] for match in found if float(match["at"]) >= begun]
    if not paths:
        return [Row(f"{words}: syncs a task", 0, "", None, "not counted: strace may not look here")]
    ledger = sum("ledger.sqlite" in path for path in paths)
    return [Row(f"{words}: syncs a task", len(paths) / COUNTED, "", None, f"{ledger / COUNTED:.2f} of the ledger")]


@contextlib.contextmanager
def _staged(shape: str, tasks: int) -> Iterator[tuple[Scratch, str]]:
    with scratch(extra=f"budgets: {{starts: {tasks + 10}}}\n") as place:
        place.write("graph.yaml", _graph(shape, tasks))
        yield place, place.commit()


def _release(place: Scratch, commit: str) -> float:
    """Move the branch and wait for the commit's status; returns when the branch moved."""
    begun = place.release(commit)
    wait(lambda: place.commit_view(commit)["state"] != "pending", PATIENCE, 0.25)
    return begun


def _demand(place: Scratch, commit: str, tasks: int) -> None:
    """End here unless every task ran and succeeded."""
    view, started = place.commit_view(commit), _started(place)
    if view["state"] != "success":
        raise SystemExit(f"the graph did not succeed, so nothing was measured: {view['statuses']}")
    if started != tasks:
        raise SystemExit(f"{started} of {tasks} tasks were started, so nothing was measured")


def _started(place: Scratch) -> int:
    """Intents in the ledger: a task that was taken from a cache has none."""
    with contextlib.closing(sqlite3.connect(f"file:{place.state / 'ledger.sqlite'}?mode=ro", uri=True)) as ledger:
        (count,) = ledger.execute("SELECT count(*) FROM facts WHERE type = 'Intended'").fetchone()
    return int(count)


def _graph(shape: str, tasks: int) -> str:
    """The spec of a DAG. Each task has its own work: equal ones would be cached."""
    head = "version: 1.1\nkind: operation\nname: graph\ncomponent:\n  run:\n    kind: dag\n    operations:\n"
    return head + "".join(
        OPERATION.format(
            number=number,
            upstream=f"\n      dependencies: [n{number - 1}]" if shape == "chain" and number else "",
        )
        for number in range(tasks)
    )


def _peer(peer: str, shape: str, tasks: int) -> float:
    try:
        with running(peer) as theirs:
            answer = theirs.ask({"do": "run", "shape": shape, "tasks": tasks})
    except UnavailableError as error:
        raise SystemExit(str(error)) from error
    if not answer["ok"] or answer["done"] != tasks:
        raise SystemExit(f"{peer} did not run its graph: {answer}")
    return float(answer["seconds"])


def _warm_parent(place: Scratch) -> int:
    """The pid of the parent: the first of the processes that run the supervisor's file, as it forks the others."""
    needle = str(place.state / "local" / "code").encode()
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and needle in (entry / "cmdline").read_bytes():
                found.append((_stat(int(entry.name))[19], int(entry.name)))
    return min(found)[1]


def _cpu(pid: int, *, of_children: bool = False) -> float:
    """CPU seconds of a process, or of its children that have ended and theirs."""
    user, system = _stat(pid)[13:15] if of_children else _stat(pid)[11:13]
    return (user + system) / os.sysconf("SC_CLK_TCK")


def _stat(pid: int) -> list[int]:
    """Numbers of proc_pid_stat(5) from its third field on; the state, which is none, is 0."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return [0, *map(int, fields[1:])]
