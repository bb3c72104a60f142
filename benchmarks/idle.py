"""Idleness: what a poll of 1,000 unchanged specs costs, and what happens after a status was written."""

from __future__ import annotations

import re
import time
from pathlib import Path

import httpx

from benchmarks.size import MANUAL, SPEC
from benchmarks.stage import Row, daemon, scratch, wait

SPECS = 1000
QUIET_SECONDS = 20.0


def run() -> list[Row]:
    with scratch(extra="api: {health: '127.0.0.1:18931'}\n", poll=1) as place:
        place.write(".plumbline.yaml", MANUAL)
        for number in range(SPECS):
            place.write(f"ops/op-{number}.yaml", SPEC.format(number=number))
        commit = place.commit()
        place.release(commit)
        with daemon(place) as process:
            wait(lambda: place.commit_view(commit)["state"] == "success", 240, 0.5)
            wait(lambda: all(item["posted"] for item in place.commit_view(commit)["statuses"]), 60, 0.5)
            time.sleep(3)
            before, polled, spent = _counts(), _polls(), cpu(process.pid)
            time.sleep(QUIET_SECONDS)
            after, polls, used = _counts(), _polls() - polled, cpu(process.pid) - spent
    woken = {kind: after.get(kind, 0) - before.get(kind, 0) for kind in after}
    if not polls:
        raise SystemExit("nothing was polled, so idle polls were not measured")
    return [
        Row(
            "reconciles of roots after a status was written", woken.get("root", 0), "", 0.001, f"in {QUIET_SECONDS:g} s"
        ),
        Row(
            "reconciles of the repository while idle",
            woken.get("source", 0),
            "",
            0.001,
            f"nothing fetched, read or parsed in {polls:g} polls of one ref check each",
        ),
        Row("CPU of the daemon while idle, a poll a second", used / QUIET_SECONDS * 100, "%", 2),
    ]


def _polls() -> float:
    text = httpx.get("http://127.0.0.1:18931/metrics").text
    return float(re.search(r"^plumbline_source_polls_total ([\d.]+)", text, re.MULTILINE)[1])  # type: ignore[index]


def _counts() -> dict[str, float]:
    text = httpx.get("http://127.0.0.1:18931/metrics").text
    found = re.findall(r'plumbline_reconcile_seconds_count\{kind="(\w+)"\} ([\d.]+)', text)
    return {kind: float(count) for kind, count in found}


def cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100
