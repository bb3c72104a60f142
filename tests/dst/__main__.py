"""`python -m tests.dst [--year 2026] [ZONE ...]`: the whole table; 1 where the two differ."""

from __future__ import annotations

import argparse
import sys
import time

from tests.dst import table


def say(text: str, end: str = "\n") -> None:
    print(text, end=end, flush=True)  # noqa: T201 -- a command for people


def main() -> int:
    """Compare, with progress, and say the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("zones", nargs="*", help="names of zones; all without")
    parser.add_argument("--year", type=int, default=2026)
    args = parser.parse_args()
    names = args.zones or table.zones()
    begun, count, ticks, changes, different = time.monotonic(), 0, 0, 0, []
    for number, name in enumerate(names, 1):
        found = list(table.cases(name, args.year))
        count += len(found)
        ticks += sum(len(case.walked) for case in found)
        changes += len({case.change for case in found})
        different += [case for case in found if not case.equal]
        if sys.stdout.isatty() or number % 100 == 0:
            end = "\r" if sys.stdout.isatty() else "\n"
            say(f"{number} of {len(names)} zones, {len(different)} differences", end)
    for case in different[:50]:
        say(str(case))
    seconds = time.monotonic() - begun
    say(
        f"{args.year}: {len(names)} zones, {changes} changes of clocks or quiet days, {len(table.EXPRESSIONS)} "
        f"expressions: {count:,} cases with {ticks:,} ticks, {len(different)} differences, in {seconds:.0f} s"
    )
    return 1 if different or not count else 0


if __name__ == "__main__":
    sys.exit(main())
