"""Runs graphs of operations that do nothing with Dagster, one JSON object a line, in Dagster's own environment.

Its multiprocess executor with two processes, and an instance in a folder of its own (SQLite): what its users have on
one machine.

    {"do": "run", "shape": "fan" or "chain", "tasks": 100}  -> {"ok": true, "seconds": 1.0, "cpu": 1.0, "done": 100}
"""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
import time
from typing import Any

os.environ["DAGSTER_DISABLE_TELEMETRY"] = "true"

from dagster import (
    DagsterInstance,
    In,
    JobDefinition,
    Nothing,
    execute_job,
    job,
    multiprocess_executor,
    op,
    reconstructable,
)


@op(ins={"before": In(Nothing)})
def idle() -> None:
    """Nothing."""


@op
def first() -> None:
    """Nothing."""


def graph() -> JobDefinition:
    """The graph that the environment names; each process of the executor makes it again."""
    shape, tasks = os.environ["BENCH_GRAPH"].split()

    @job(executor_def=multiprocess_executor.configured({"max_concurrent": 2}))
    def nothing() -> None:
        last: Any = None
        for number in range(int(tasks)):
            if shape == "fan" or last is None:
                last = first.alias(f"n{number}")()
            else:
                last = idle.alias(f"n{number}")(before=last)

    return nothing


def run(asked: dict[str, Any]) -> dict[str, Any]:
    """Seconds and CPU seconds of one graph."""
    os.environ["BENCH_GRAPH"] = f"{asked['shape']} {asked['tasks']}"
    with tempfile.TemporaryDirectory() as folder, DagsterInstance.local_temp(folder) as instance:
        begun, used = time.perf_counter(), _cpu()
        with execute_job(reconstructable(graph), instance) as result:
            done = sum(event.event_type_value == "STEP_SUCCESS" for event in result.all_events)
            seconds, cpu = time.perf_counter() - begun, _cpu() - used
            return {"ok": result.success, "seconds": seconds, "cpu": cpu, "done": done}


def _cpu() -> float:
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


def main() -> None:
    """Answer until the input ends."""
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        answers.write(json.dumps(run(json.loads(line))) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
