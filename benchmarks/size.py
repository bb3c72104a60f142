"""Memory: the daemon with 1,000 roots, and 200 supervisors. Start of the command line."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.stage import ROOT, Row, Scratch, daemon, percentile, scratch, wait

ROOTS = 1000
SUPERVISORS = 200
MANUAL = "paths: {include: ['**/*.yaml']}\ndefaults: {runPolicy: manual}\n"
SPEC = """\
version: 1.1
kind: operation
name: op-{number}
params: {{rate: {number}}}
component:
  inputs: [{{name: rate, type: int}}]
  run:
    kind: job
    container: {{image: shell, command: ["/bin/sleep", "600"], args: ["--rate={{{{ rate }}}}"]}}
"""
SLEEP = """\
version: 1.1
kind: operation
name: sleep-{number}
component: {{run: {{kind: job, container: {{image: shell, command: ["/bin/sleep", "600"]}}}}}}
"""


def run() -> list[Row]:
    return [*_daemon(), *_supervisors(), *_help()]


def _daemon() -> list[Row]:
    with scratch() as place:
        place.write(".plumbline.yaml", MANUAL)
        for number in range(ROOTS):
            place.write(f"ops/op-{number}.yaml", SPEC.format(number=number))
        commit = place.commit()
        place.release(commit)
        begun = time.monotonic()
        with daemon(place) as process:
            wait(lambda: len(place.get("/v1/status")["operations"]) == ROOTS, 120, 0.5)
            wait(lambda: place.commit_view(commit)["state"] != "pending", 240, 0.5)
            settled = time.monotonic() - begun
            rss = kilobytes(process.pid, "VmRSS") / 1024
            peak = kilobytes(process.pid, "VmHWM") / 1024
    return [
        Row(f"daemon RSS with {ROOTS} roots", rss, "MB", 120, f"peak {peak:.0f} MB"),
        Row(f"start to all {ROOTS} roots planned and told", settled, "s"),
    ]


def _supervisors() -> list[Row]:
    with scratch(extra="budgets: {starts: 1000}\n") as place:
        for number in range(SUPERVISORS):
            place.write(f"ops/sleep-{number}.yaml", SLEEP.format(number=number))
        place.release(place.commit())
        with daemon(place):
            wait(lambda: len(_supervisor_pids(place)) >= SUPERVISORS, 240, 0.5)
            shares = [_pss(pid) / 1024 for pid in _supervisor_pids(place)]
    return [
        Row(f"supervisor PSS, median of {len(shares)}", percentile(shares, 0.5), "MB", 12),
        Row("supervisor PSS, largest", max(shares), "MB", 12),
    ]


def _supervisor_pids(place: Scratch) -> list[int]:
    """Parents of the runs' programs."""
    found = set()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if (entry / "cmdline").read_bytes() != b"/bin/sleep\x00600\x00":
                continue
            if str(place.folder).encode() not in (entry / "environ").read_bytes():
                continue
            found.add(int(re.search(r"PPid:\t(\d+)", (entry / "status").read_text())[1]))  # type: ignore[index]
        except OSError:
            continue
    return sorted(found)


def _help() -> list[Row]:
    command = [sys.executable, "-m", "reconciler.cli", "--help"]
    taken, bare = [], []
    for _ in range(10):
        begun = time.perf_counter()
        subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, check=True)
        taken.append(time.perf_counter() - begun)
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-c", "pass"], check=True)
        bare.append(time.perf_counter() - begun)
    note = f"x{percentile(taken, 0.5) / percentile(bare, 0.5):.1f} a bare interpreter"
    return [Row("plumbline --help, median of 10", percentile(taken, 0.5), "s", 0.4, note)]


def kilobytes(pid: int, name: str) -> int:
    return int(re.search(rf"{name}:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1])  # type: ignore[index]


def _pss(pid: int) -> int:
    return int(re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)[1])  # type: ignore[index]
