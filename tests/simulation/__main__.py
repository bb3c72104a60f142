"""`python -m tests.simulation SEED -v` replays a seed; `--seeds A:B` runs many."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

from tests.simulation.clock import EPOCH
from tests.simulation.run import Outcome, history_of, plan_of, plan_of_days, plan_of_sweeps, run, run_short, shows
from tests.simulation.words import words
from tests.simulation.world import Plan


def say(*words: object) -> None:
    print(*words, flush=True)  # noqa: T201 -- a command for people


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("seed", type=int, nargs="?", help="run this seed alone")
    parser.add_argument("--seeds", metavar="A:B", help="run seeds from A up to and without B")
    parser.add_argument(
        "--days", action="store_true", help="histories of 24 days, in which the wall clock jumps both ways"
    )
    parser.add_argument("--sweeps", action="store_true", help="histories of people who sweep")
    parser.add_argument("--step", type=int, default=1, help="with --seeds: every so many seeds")
    parser.add_argument("--stop", action="store_true", help="with --seeds: stop at the first violation")
    parser.add_argument(
        "--until", metavar="NAMES", default="", help="with --seeds: stop where one of these invariants breaks"
    )
    parser.add_argument("--short", metavar="NAME", help="run this history of tests/simulation/shorts.py")
    parser.add_argument("--json", action="store_true", help="one JSON object a seed")
    parser.add_argument("-v", "--verbose", action="store_true", help="with one seed: print its history")
    args = parser.parse_args()
    if os.environ.get("PYTHONHASHSEED") != "0":
        # Sets of texts are walked in another order in each process otherwise.
        os.execve(
            sys.executable,
            [sys.executable, "-m", "tests.simulation", *sys.argv[1:]],
            {**os.environ, "PYTHONHASHSEED": "0"},
        )
    if args.short is not None:
        say(json.dumps(_told(run_short(args.short))))
        return 0
    if args.seeds is None and args.seed is None and args.short is None:
        parser.error("name a seed, --seeds A:B or --short NAME")
    if args.seeds is None and args.verbose:
        for at, line in history_of(_kind(args)(args.seed)).lines:
            say(f"{EPOCH + timedelta(seconds=at):%H:%M:%S.%f}"[:-3], words(line))
    first, _, last = (args.seeds or f"{args.seed}:{args.seed + 1}").partition(":")
    return _run_all(range(int(first), int(last), args.step), args)


def _told(outcome: Outcome) -> dict[str, object]:
    return {"seed": outcome.seed, "violations": outcome.violations, "counts": outcome.counts}


def _kind(args: argparse.Namespace) -> Callable[[int], Plan]:
    return plan_of_days if args.days else plan_of_sweeps if args.sweeps else plan_of


def _run_all(seeds: range, args: argparse.Namespace) -> int:
    begun, failed, counts = time.perf_counter(), 0, Counter[str]()
    for seed in seeds:
        outcome = run(seed, _kind(args)(seed))
        counts += outcome.counts
        failed += bool(outcome.violations)
        if args.json:
            say(json.dumps(_told(outcome)))
        else:
            for name, found in outcome.violations.items():
                say(f"seed {seed}: {name}: {len(found)}: {found[0][:400]}")
        if (failed and args.stop) or shows(outcome.violations, args.until.split(",")):
            break
    if not args.json:
        say(f"{len(seeds)} seeds, {failed} failed, {time.perf_counter() - begun:.1f} s")
        say(" ".join(f"{name}={count}" for name, count in sorted(counts.items())))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
