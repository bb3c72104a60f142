"""More scripts of faults: `python -m tests.forges --seeds 0:1000`."""

from __future__ import annotations

import argparse
import sys
from collections import Counter

from tests.forges.kinds import KINDS
from tests.forges.scripts import play

parser = argparse.ArgumentParser(prog="python -m tests.forges", description=__doc__)
parser.add_argument("--seeds", default="0:1000", help="first and last but one")
first, _, last = parser.parse_args().seeds.partition(":")
for kind in KINDS:
    met: Counter[str] = Counter()
    for seed in range(int(first), int(last)):
        met.update(play(seed, kind).fake.met)
    count = int(last) - int(first)
    sys.stdout.write(f"{kind}: {count} scripts, final statuses equal in all; faults met: {met.total()}\n")
    for name, times in sorted(met.items()):
        sys.stdout.write(f"  {name:16} {times}\n")
