"""`python -m tests.cluster.faults`: the sieve. `--replay "rolled killed-after@write7"` plays one point again."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path

from tests.cluster.cluster import OwnCluster
from tests.cluster.faults.outcome import Outcome, play, reference
from tests.cluster.faults.plan import On, parse
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
    parser.add_argument("--minutes", type=float, default=60.0, help="after which no point is begun")
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
    figures = _Figures(args.seed)
    with ThreadPoolExecutor(args.workers) as pool:
        wanted = {name: pool.submit(reference, shared, name, f"{name}-ref") for name in args.workloads.split(",")}
        worlds = {name: found.result() for name, found in wanted.items()}
        for name, (_, script) in worlds.items():
            say(f"{name}: {script.seen[On.WRITE]} writes, {script.seen[On.EVENT]} events")
        picks = points({name: script for name, (_, script) in worlds.items()}, args.points, args.seed)

        def played(number: int, pick: Pick) -> Outcome | None:
            if figures.seconds > 60 * args.minutes:
                return None
            return play(shared, pick.workload, f"{pick.workload}-{number}", pick.faults, worlds[pick.workload][0])

        tasks = {pool.submit(played, number, pick): pick for number, pick in enumerate(picks)}
        for task in as_completed(tasks):
            figures.count(tasks[task], task)
    say(figures.told())
    return 1 if figures.wrong or figures.broken or not figures.sorts else 0


class _Figures:
    """What became of the points so far."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._begun = time.monotonic()
        self.sorts = Counter[str]()
        self.wrong = self.broken = self.missed = self.left = 0

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._begun

    def count(self, pick: Pick, task: Future[Outcome | None]) -> None:
        """One more: as it should be, wrong, not begun, or not to be played because something else went wrong."""
        if (error := task.exception()) is not None:
            self.broken += 1
            say(f"{pick} could not be played: {type(error).__name__}: {error}")
            return
        outcome = task.result()
        if outcome is None:
            self.left += 1
            return
        self.sorts[pick.sort] += 1
        self.missed += not outcome.script.fired
        self.wrong += bool(outcome.wrong)
        _tell(str(pick), outcome)
        if self.sorts.total() % PROGRESS == 0:
            say(self.told())

    def told(self) -> str:
        count = self.sorts.total()
        sorts = ", ".join(f"{number} {sort}" for sort, number in sorted(self.sorts.items()))
        return (
            f"seed {self._seed}: {count} points ({sorts}; in {self.missed} nothing came about), "
            f"{self.wrong} violations, {self.broken} not to be played, {self.left} not begun, {self.seconds:.0f} s, "
            f"{60 * count / self.seconds:.1f} points a minute"
        )


def _tell(pick: Pick | str, outcome: Outcome) -> None:
    if outcome.wrong:
        say(f"VIOLATION; replay with: make sieve ARGS='--replay \"{pick}\"'")
        for line in (*outcome.script.fired, *outcome.wrong):
            say(f"  {line}")


if __name__ == "__main__":
    sys.exit(main())
