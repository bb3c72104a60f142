"""Schedules: 10,000 of them cost nothing between ticks, and are there again soon after a restart.

The loop of the daemon over a ledger in SQLite on disk, with a repository and a backend in memory: what is measured is
ours. A restart is another process that opens the same state folder.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio

from benchmarks.stage import ROOT, Row
from planner.compile import CompileConfig
from planner.desire.series import Series
from planner.desire.ticks import fields_digest
from planner.desire.view import Identity
from planner.guard import Budgets
from planner.model.schedule import CronSchedule, Cursor
from reconciler.backends.memory import MemoryBackend
from reconciler.clock import WallClock
from reconciler.compiler import SourceCompiler
from reconciler.core import Core, Policy, Ports
from reconciler.edition import edition
from reconciler.forges.memory import SilentForge
from reconciler.ledger.sqlite import open_sqlite
from reconciler.loop import Loop, LoopSettings
from reconciler.source.memory import MemoryRepository, MemorySource

SCHEDULES = 10_000
A_FILE = 100
QUIET_SECONDS = 10.0
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe")

SPEC = """version: 1.1
kind: operation
name: op-{number}
schedule: {{kind: cron, cron: "{cron}", timezone: {zone}}}
component: {{run: {{kind: job, container: {{command: ["true"]}}}}}}
"""


def cron(number: int) -> str:
    """The expression of a schedule: all different, each about once a year, so that none is due meanwhile."""
    far = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=(datetime.now(UTC).timetuple().tm_yday + 60) % 365)
    return f"{number % 60} {number // 60 % 24} {1 + number // 1440 % 28} {far.month} *"


def run() -> list[Row]:
    forecast = _child("forecast")
    with tempfile.TemporaryDirectory(prefix="plumbline-bench-") as folder:
        first, second = _child("loop", folder), _child("loop", folder)
    return [
        Row("next ticks of 10,000 schedules by croniter, a new process", forecast["seconds"], "s", 3),
        Row("the same where 784 pairs of days are different in 12 months", forecast["days"], "s", None),
        Row(
            "10,000 schedules planned for the first time",
            first["planned"],
            "s",
            None,
            "compiled, recorded and looked at",
        ),
        Row("its CPU, without the processes that compile", first["cpu"], "s", None),
        Row("a restart until each of them has its next look", second["known"], "s", 3),
        Row("the same until the commit is compiled and nothing is to be done", second["planned"], "s", None),
        Row("its CPU, without the processes that compile", second["cpu"], "s", None),
        Row("CPU of an idle second with 10,000 schedules", second["idle"] * 1e3, "ms", 1),
    ]


def _child(what: str, folder: str = "") -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.schedules", what, folder]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr.decode()[-2000:])
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _forecast() -> dict[str, float]:
    return {"seconds": _seconds(cron), "days": _seconds(_other_days)}


def _other_days(number: int) -> str:
    days = f"{1 + number % 28},{1 + number // 28 % 28}"
    return f"{number % 60} {number // 60 % 24} {days} {1 + number // 784 % 12} *"


def _seconds(expression: Callable[[int], str]) -> float:
    now, begun = datetime.now(UTC).replace(microsecond=0), time.perf_counter()
    for number in range(SCHEDULES):
        schedule = CronSchedule(cron=expression(number), timezone=ZONES[number % len(ZONES)])
        assert Series(schedule, Cursor(fields_digest(schedule), now)).first() is not None
    return time.perf_counter() - begun


async def _loop(folder: Path) -> dict[str, float]:
    remote = MemoryRepository()
    specs = [SPEC.format(number=n, cron=cron(n), zone=ZONES[n % len(ZONES)]) for n in range(SCHEDULES)]
    files: dict[str, Any] = {
        f"ops/{start}.yaml": "---\n".join(specs[start : start + A_FILE]).encode()
        for start in range(0, SCHEDULES, A_FILE)
    }
    remote.commit(files)
    source, clock = MemorySource(remote), WallClock()
    ledger = await open_sqlite(folder / "ledger.db", "bench", "project", alone=True)
    ports = Ports(
        ledger,
        MemoryBackend(clock),
        source,
        SourceCompiler(source, CompileConfig(project="project", instance="bench")),
        SilentForge(),
        clock,
    )
    policy = Policy(Identity("bench", "project"), "main", Budgets(starts=SCHEDULES), resync=3600)
    core = Core(ports, policy, edition())
    loop = Loop(core, LoopSettings(post_interval=0.0))
    begun, cpu, known = time.perf_counter(), time.process_time(), _known(core)
    async with anyio.create_task_group() as group:
        group.start_soon(loop.run)
        await _settled(core)
        planned = time.perf_counter() - begun
        used = time.process_time()
        cpu = used - cpu
        await anyio.sleep(QUIET_SECONDS)
        idle = (time.process_time() - used) / QUIET_SECONDS
        group.cancel_scope.cancel()
    with_next = sum(record.cursor is not None for record in (await ledger.roots()).values())
    assert with_next == SCHEDULES, with_next
    await ledger.close()
    return {"planned": planned, "idle": idle, "cpu": cpu, "known": known[-1] - begun}


def _known(core: Core) -> list[float]:
    """When schedules came into the queue with an instant of their own, in order."""
    names: set[str] = set()
    instants = [0.0]
    add = core.queue.add

    def noted(name: str, delay: float = 0.0) -> None:
        add(name, delay)
        if delay > 0 and name.startswith("root:") and name not in names:
            names.add(name)
            instants.append(time.perf_counter())

    core.queue.add = noted  # type: ignore[method-assign]
    return instants


async def _settled(core: Core) -> None:
    """Until every schedule was looked at and nothing is to be done now."""
    while True:
        await anyio.sleep(0.2)
        if core.queue.idle and not core.rests and len(await core.ledger.roots()) == SCHEDULES:
            await anyio.sleep(0.5)
            if core.queue.idle and not core.rests:
                return


if __name__ == "__main__":
    made = _forecast() if sys.argv[1] == "forecast" else anyio.run(_loop, Path(sys.argv[2]))
    print(json.dumps(made))
