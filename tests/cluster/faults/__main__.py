"""`python -m tests.cluster.faults`: the sieve. `--replay "rolled killed-after@write7"` plays one point again."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from tests.cluster.cluster import OwnCluster
from tests.cluster.faults.outcome import Outcome, play, reference
from tests.cluster.faults.plan import parse
from tests.cluster.faults.point import Shared
from tests.cluster.faults.sieve import Pick, points
from tests.cluster.faults.workloads import WORKLOADS
from tests.cluster.start import UnfitError

PROGRESS = 25
"""Points between two lines that say how far it is."""


def say(*words: object) -> None:
    print(*words, flush=True)  # noqa: T201 -- a command for people


def main() -> int:
    """Play the points, and say the figures: 1 where a world came out otherwise."""
    parser = argparse.ArgumentParser(prog="python -m tests.cluster.faults", description=__doc__)
    parser.add_argument("--points", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1, help="of the order of points, and of those that are drawn")
    parser.add_argument("--workers", type=int, default=6, help="points at a time")
    parser.add_argument("--workloads", default=",".join(WORKLOADS), help="names, by comma")
    parser.add_argument("--replay", metavar="POINT", help="a workload and faults, as failures print them")
    args = parser.parse_args()
    try:
        cluster = OwnCluster.start()
    except UnfitError as error:
        say(error)
        return 3
    with cluster, tempfile.TemporaryDirectory(prefix="plumbline-sieve-") as folder:
        shared = Shared(cluster, Path(folder))
        try:
            return _replayed(shared, args.replay) if args.replay else _sieved(shared, args)
        finally:
            shared.close()


def _replayed(shared: Shared, point: str) -> int:
    workload, _, words = point.partition(" ")
    world, script = reference(shared, workload, "reference")
    say(f"{workload}, undisturbed: {len(script.writes)} writes\n  " + "\n  ".join(script.writes))
    outcome = play(shared, workload, "replay", parse(words), world)
    say("\n".join(outcome.script.fired))
    _tell(point, outcome)
    return 1 if outcome.wrong else 0


def _sieved(shared: Shared, args: argparse.Namespace) -> int:
    begun = time.monotonic()
    with ThreadPoolExecutor(args.workers) as pool:
        wanted = {name: pool.submit(reference, shared, name, f"{name}-ref") for name in args.workloads.split(",")}
        worlds = {name: found.result() for name, found in wanted.items()}
        for name, (_, script) in worlds.items():
            say(f"{name}: {len(script.writes)} writes, {script.seen}")
        picks = points({name: script for name, (_, script) in worlds.items()}, args.points, args.seed)
        tasks = {
            pool.submit(
                play, shared, pick.workload, f"{pick.workload}-{number}", pick.faults, worlds[pick.workload][0]
            ): pick
            for number, pick in enumerate(picks)
        }
        counts, wrong, missed = Counter[str](), 0, 0
        for number, task in enumerate(as_completed(tasks), 1):
            pick, outcome = tasks[task], task.result()
            counts[pick.sort] += 1
            missed += not outcome.script.fired
            wrong += bool(outcome.wrong)
            _tell(str(pick), outcome)
            if number % PROGRESS == 0:
                say(f"{number} of {len(picks)} points, {wrong} wrong, {time.monotonic() - begun:.0f} s")
    seconds = time.monotonic() - begun
    sorts = ", ".join(f"{count} {sort}" for sort, count in sorted(counts.items()))
    say(
        f"seed {args.seed}: {len(picks)} points ({sorts}; {missed} came to nothing), {wrong} violations, "
        f"{seconds:.0f} s, {60 * len(picks) / seconds:.1f} points a minute"
    )
    return 1 if wrong else 0


def _tell(pick: Pick | str, outcome: Outcome) -> None:
    if outcome.wrong:
        say(f"VIOLATION; replay with: make sieve ARGS='--replay \"{pick}\"'")
        for line in (*outcome.script.fired, *outcome.wrong):
            say(f"  {line}")


if __name__ == "__main__":
    sys.exit(main())
