"""The table: median regrets, and whether ours is significantly worse (Wilcoxon, one-sided; Holm over all cells)."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.quality import runs
from benchmarks.quality.runs import Cell

SEEDS = 20
LEVEL = 0.05
_ALIKE = 1e-9
"""Regrets below this are none."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A cell with both medians of regret, and the probability of such a difference if ours were no worse."""

    cell: Cell
    seeds: int
    ours: float
    theirs: float
    chance: float

    @property
    def ratio(self) -> float:
        if self.theirs < _ALIKE:
            return 1.0 if self.ours < _ALIKE else float("inf")
        return self.ours / self.theirs


def compared() -> list[Compared]:
    """All cells of which both sides have been run, over the seeds that both have."""
    found = []
    for cell in runs.cells():
        pairs = list(_pairs(cell))
        if pairs:
            ours, theirs = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
            found.append(
                Compared(cell, len(pairs), statistics.median(ours), statistics.median(theirs), _worse(ours, theirs))
            )
    return found


def _pairs(cell: Cell) -> Iterator[tuple[float, float]]:
    least = cell.problem.least()
    for seed in range(SEEDS):
        ours, theirs = runs.kept("ours", cell, seed), runs.kept("theirs", cell, seed)
        if ours and theirs:
            yield min(ours) - least, min(theirs) - least


def _worse(ours: Sequence[float], theirs: Sequence[float]) -> float:
    from scipy.stats import wilcoxon

    differences = [a - b for a, b in zip(ours, theirs, strict=True)]
    if all(abs(difference) < _ALIKE for difference in differences):
        return 1.0
    return float(wilcoxon(differences, alternative="greater", zero_method="wilcox", method="auto").pvalue)


def holm(found: Sequence[Compared]) -> set[str]:
    """Names of the cells in which ours is significantly worse, at 0.05 over all of them."""
    worse = set()
    ordered = sorted(found, key=lambda item: item.chance)
    for index, item in enumerate(ordered):
        if item.chance > LEVEL / (len(ordered) - index):
            break
        worse.add(item.cell.name)
    return worse


def markdown(found: Sequence[Compared]) -> str:
    """The table and what follows from it."""
    worse = holm(found)
    head = ["| Search | At work | Problem | Ours | optuna | Ratio | p | Seeds |", "|---|---|---|---|---|---|---|---|"]
    return "\n".join([*head, *(_line(item, worse) for item in found), "", *_summary(found, worse)])


def _line(item: Compared, worse: set[str]) -> str:
    mark = " **worse**" if item.cell.name in worse else ""
    cells = [item.cell.kind, item.cell.pending, item.cell.problem.name, f"{item.ours:.4g}", f"{item.theirs:.4g}"]
    cells += [f"{item.ratio:.2f}{mark}", f"{item.chance:.2g}", item.seeds]
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def _summary(found: Sequence[Compared], worse: set[str]) -> Iterator[str]:
    for kind in ("tpe", "bayes", "hyperband"):
        ratios = [item.ratio for item in found if item.cell.kind == kind]
        if ratios:
            yield f"- `{kind}`: median of the ratios {statistics.median(ratios):.2f}, {len(ratios)} cells."
    if found:
        median = statistics.median(item.ratio for item in found)
        yield f"- All: median of the ratios {median:.2f}; significantly worse in {len(worse)} of {len(found)} cells."
