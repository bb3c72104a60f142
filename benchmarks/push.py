"""Push to first process started: from the moment the branch moves to the first instruction of the program."""

from __future__ import annotations

import subprocess
import time

from benchmarks.stage import Row, Scratch, daemon, percentile, scratch, wait

PUSHES = 100
SPEC = """\
version: 1.1
kind: operation
name: stamp
component:
  run:
    kind: job
    container:
      image: shell
      command: ["/bin/sh", "-c", "date +%s.%N > {out}.part; mv {out}.part {out}"]
"""


def run() -> list[Row]:
    with scratch() as place:
        stamps = place.folder / "stamps"
        stamps.mkdir(mode=0o777)
        place.write("stamp.yaml", SPEC.format(out=stamps / "first"))
        place.release(place.commit())
        taken = []
        with daemon(place):
            wait((stamps / "first").exists, 60)
            for number in range(PUSHES):
                out = stamps / f"{number}"
                place.write("stamp.yaml", SPEC.format(out=out))
                commit = place.commit()
                wait(lambda: _is_quiet(place), 60)
                begun = place.release(commit)
                wait(out.exists, 60)
                taken.append(float(out.read_text()) - begun)
    floor = _spawn_floor()
    return [
        Row(
            "push to first process, p50",
            percentile(taken, 0.5) * 1000,
            "ms",
            300,
            f"x{percentile(taken, 0.5) / floor:.0f} a bare spawn",
        ),
        Row("push to first process, p99", percentile(taken, 0.99) * 1000, "ms", 1000),
        Row("push to first process, slowest", max(taken) * 1000, "ms"),
        Row("spawn and wait for /bin/true (floor of the same run)", floor * 1000, "ms"),
    ]


def _is_quiet(place: Scratch) -> bool:
    view = place.get("/v1/status")
    return all(not operation["open"] for operation in view["operations"])


def _spawn_floor() -> float:
    taken = []
    for _ in range(50):
        begun = time.perf_counter()
        subprocess.run(["/bin/true"], check=True)
        taken.append(time.perf_counter() - begun)
    return percentile(taken, 0.5)
