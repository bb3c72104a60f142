"""`python -m benchmarks.quality`: runs what is not kept yet, then prints the table and puts it into docs/search.md.

--seeds 0:20  --kinds tpe,bayes,hyperband  --sides ours,theirs  --problems Branin,mixed  --pending 1,8  --table
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.quality import runs, table

DOCS = Path(__file__).parents[2] / "docs/search.md"
BEGIN, END = "<!-- made by `make search-quality` -->", "<!-- end -->"


def main() -> int:
    """1 when a search is significantly worse, or the median of all ratios above 1.1."""
    asked = _arguments()
    first, _, last = asked.seeds.partition(":")
    seeds = range(int(first), int(last))
    for cell in [] if asked.table else runs.cells():
        if cell.kind not in asked.kinds or cell.pending not in asked.pending:
            continue
        if asked.problems and cell.problem.name not in asked.problems:
            continue
        for side in asked.sides:
            for seed, seconds in runs.fill(side, cell, seeds):
                print(f"{side} {cell.name} seed {seed}: {seconds:.1f} s", file=sys.stderr, flush=True)
    found = table.compared()
    print(table.markdown(found))
    _write(table.markdown(found))
    ratios = sorted(item.ratio for item in found)
    return int(bool(table.holm(found)) or (bool(ratios) and ratios[len(ratios) // 2] > 1.1))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.quality")
    parser.add_argument("--seeds", default="0:20")
    parser.add_argument("--kinds", default=["tpe", "bayes", "hyperband"], type=lambda text: text.split(","))
    parser.add_argument("--sides", default=["ours", "theirs"], type=lambda text: text.split(","))
    parser.add_argument("--problems", default=[], type=lambda text: text.split(","))
    parser.add_argument("--pending", default=[1, 8], type=lambda text: [int(part) for part in text.split(",")])
    parser.add_argument("--table", action="store_true", help="only the table of what has been run")
    return parser.parse_args()


def _write(text: str) -> None:
    page = DOCS.read_text()
    if BEGIN in page:
        head, _, rest = page.partition(BEGIN)
        DOCS.write_text(f"{head}{BEGIN}\n\n{text}\n\n{END}{rest.partition(END)[2]}")


if __name__ == "__main__":
    sys.exit(main())
