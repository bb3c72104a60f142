"""How a point comes out: played under its faults, and held against the world of an undisturbed run."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from tests.cluster.faults.plan import Fault, Script
from tests.cluster.faults.point import Point, Shared, World
from tests.cluster.faults.workloads import WORKLOADS

__all__ = ["Outcome", "differences", "play", "reference"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a point came out.

    Attributes:
        wrong: what is not as it should be, line by line; nothing where all is well.
        script: what happened.
        seconds: it took.
    """

    wrong: Sequence[str]
    script: Script
    seconds: float


def _is_tidy(world: World) -> bool:
    """Whether nothing is left to be done: what is over is cleaned, and pods are those of live services."""
    if not world or not world["runs"]:
        return False
    objects = world["objects"]
    live = sum(count for name, count in objects.items() if name.startswith("Deployment") and "cleaned" not in name)
    left = [name for name in objects if "ending" in name or (name.startswith("Job") and "cleaned" not in name)]
    pods = sum(count for name, count in objects.items() if name.startswith("Pod"))
    maps = sum(count for name, count in objects.items() if name.startswith("ConfigMap"))
    return not left and pods == live == maps


def reference(shared: Shared, workload: str, title: str) -> tuple[World, Script]:
    """The world that a workload comes to where nothing goes wrong, and what was asked on the way."""
    script = Script()
    point = Point(shared, title, script)
    try:
        point.place.start()
        WORKLOADS[workload].act(point)
        point.until(WORKLOADS[workload].done, f"{workload} is done")
        seen: list[World] = [{}]

        def calm(point: Point) -> bool:
            seen.append(point.world())
            return _is_tidy(seen[-1]) and seen[-1] == seen[-2]

        try:
            point.until(calm, f"{workload} is tidied")
        except AssertionError as error:
            raise AssertionError(f"{error}; it is {seen[-1]}") from None
        return seen[-1], script
    finally:
        point.close()


def play(shared: Shared, workload: str, title: str, faults: Sequence[Fault], wanted: World) -> Outcome:
    """What becomes of a workload under `faults`, against the world that is wanted."""
    begun = time.monotonic()
    script = Script(faults)
    point = Point(shared, title, script)
    try:
        wrong = _played(point, workload, wanted)
    finally:
        point.close()
    return Outcome(wrong, script, time.monotonic() - begun)


def _played(point: Point, workload: str, wanted: World) -> list[str]:
    point.place.launch()
    seen: World = {}

    def same(point: Point) -> bool:
        seen.clear()
        seen.update(point.world())
        return seen == wanted

    try:
        WORKLOADS[workload].act(point)
        point.until(same, "the world is as it should be")
    except AssertionError as error:
        return [str(error), *differences(point.world(), wanted), *_crashes(point)]
    return _crashes(point)


def _crashes(point: Point) -> list[str]:
    log = point.place.log
    said = log.read_text(errors="replace") if log.exists() else ""
    return (
        [f"the daemon's log has a traceback:\n{said[said.index('Traceback') - 500 :][:4000]}"]
        if "Traceback" in said
        else []
    )


def differences(seen: World, wanted: World) -> list[str]:
    """What of a world is not as it should be, line by line."""
    if not seen:
        return ["the daemon or the cluster is away"]
    found = []
    for part, good in wanted.items():
        if seen[part] != good:
            found.append(f"{part}: {seen[part]}\n   wanted: {good}")
    return found
