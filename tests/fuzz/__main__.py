"""`python -m tests.fuzz --count N` looks at so many documents; `python -m tests.fuzz SEED` at one, and shows it."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import secrets
import sys
import time

from tests.fuzz.documents import document_of
from tests.fuzz.look import Look, look

_EVERY = 5.0
"""Seconds between lines of progress."""
_SHOWN = 10
"""Failures that are shown in full."""


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 -- a command for people


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("seed", nargs="?", help="look at this document and show it")
    parser.add_argument("--count", type=int, default=200_000, help="how many documents")
    parser.add_argument("--series", help="what the seeds begin with; random when left out")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes; all cores when left out")
    args = parser.parse_args()
    if args.seed:
        return _one(args.seed)
    return _many(args.series or secrets.token_hex(4), args.count, args.jobs)


def _one(seed: str) -> int:
    sys.stdout.buffer.write(document_of(seed)[1] + b"\n")
    found = look(seed)
    say(f"{found.seconds:.3f} s, {found.roots} operations, {found.bound} bound")
    say(found.failure or "nothing is wrong with it")
    return 1 if found.failure else 0


def _many(series: str, count: int, jobs: int) -> int:
    begun = told = time.monotonic()
    failed = roots = done = 0
    slowest = Look("", 0.0)
    with multiprocessing.Pool(jobs, maxtasksperchild=5_000) as pool:
        seeds = (f"{series}/{number}" for number in range(count))
        for found in pool.imap_unordered(look, seeds, chunksize=50):
            done += 1
            roots += found.roots > 0
            slowest = max(slowest, found, key=lambda one: one.seconds)
            if found.failure:
                failed += 1
                if failed <= _SHOWN:
                    say(f"\npython -m tests.fuzz {found.seed}\n{found.failure}")
            if (now := time.monotonic()) - told > _EVERY:
                told = now
                say(f"{done:,} of {count:,}, {done / (now - begun):.0f} a second, {failed} failed")
    say(f"{done:,} documents of series {series}: {failed} failed, {roots:,} compiled to operations")
    say(f"the slowest took {slowest.seconds:.2f} s: python -m tests.fuzz {slowest.seed}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
