"""Runs graphs of tasks that do nothing with Luigi, one JSON object a line, in Luigi's own environment.

A local scheduler, two workers, and a process a task (`force_multiprocessing`): what its users have on one machine.

    {"do": "run", "shape": "fan" or "chain", "tasks": 1000}  -> {"ok": true, "seconds": 1.0, "cpu": 1.0, "done": 1000}
"""

from __future__ import annotations

import json
import logging
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import luigi

logging.disable(logging.CRITICAL)


class Nothing(luigi.Task):
    """A task that does nothing but say that it was done."""

    folder = luigi.Parameter()
    number = luigi.IntParameter()
    chained = luigi.BoolParameter()

    def requires(self) -> list[luigi.Task]:
        if not self.chained or not self.number:
            return []
        return [Nothing(folder=self.folder, number=self.number - 1, chained=True)]

    def output(self) -> luigi.LocalTarget:
        return luigi.LocalTarget(str(Path(self.folder, str(self.number))))

    def run(self) -> None:
        with self.output().open("w") as file:
            file.write("done")


def run(asked: dict[str, Any]) -> dict[str, Any]:
    """Seconds and CPU seconds of one graph."""
    with tempfile.TemporaryDirectory() as folder:
        chained, count = asked["shape"] == "chain", asked["tasks"]
        wanted = range(count - 1, count) if chained else range(count)
        tasks = [Nothing(folder=folder, number=number, chained=chained) for number in wanted]
        begun, used = time.perf_counter(), _cpu()
        done = luigi.build(tasks, workers=2, local_scheduler=True, no_lock=True, log_level="CRITICAL")
        seconds = time.perf_counter() - begun
        return {
            "ok": bool(done),
            "seconds": seconds,
            "cpu": _cpu() - used,
            "done": len(list(Path(folder).iterdir())),
        }


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
