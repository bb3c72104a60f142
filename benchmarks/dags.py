"""DAGs of tasks that do nothing, on the path that real runs take, beside Luigi and Dagster in the same run.

Ours: a daemon with its SQLite ledger, a durable intent and a supervisor for each task, whose program is `/bin/true`.
Luigi: a local scheduler, two workers and a forked process a task, nothing durable. Dagster: its multiprocess executor
with two processes, at fewer tasks, as it needs a second for each; the figures are for one task, so they compare.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.language import Times
from benchmarks.peers.environment import UnavailableError, running
from benchmarks.stage import Row, Scratch, daemon, scratch, wait

FAN, CHAIN = 1000, 300
SCALED_DOWN = 12
"""Tasks that Dagster gets of each shape."""
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
        ]
    return rows


@dataclass(frozen=True, slots=True)
class _Ours:
    seconds: float
    daemon: float


def _ours(shape: str, tasks: int) -> _Ours:
    """From the moment the branch moves to the commit's status; CPU seconds of the daemon's own process meanwhile."""
    with scratch(extra=f"budgets: {{starts: {tasks + 10}}}\n") as place:
        place.write("graph.yaml", _graph(shape, tasks))
        commit = place.commit()
        with daemon(place) as process:
            before = _cpu(process.pid)
            begun = place.release(commit)
            wait(lambda: place.commit_view(commit)["state"] != "pending", PATIENCE, 0.25)
            seconds, used = time.time() - begun, _cpu(process.pid) - before
            view, started = place.commit_view(commit), _started(place)
    if view["state"] != "success":
        raise SystemExit(f"the graph did not succeed, so nothing was measured: {view['statuses']}")
    if started != tasks:
        raise SystemExit(f"{started} of {tasks} tasks were started, so nothing was measured")
    return _Ours(seconds, used)


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


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100
