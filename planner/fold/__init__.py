"""Folding: facts in, records out.

The ledger stores what these functions return beside the facts; folding the whole history gives the same records.
Only this package makes records. It decides nothing and never looks at a clock: instants come from the facts.
"""

from planner.fold.about import run_of
from planner.fold.commit import close_commit, detail_commit, fold_commit, fold_project, fold_status
from planner.fold.renamed import absorb, left_behind
from planner.fold.root import RootState, fold_all, fold_root
from planner.fold.run import KEPT_ATTEMPTS

__all__ = [
    "KEPT_ATTEMPTS",
    "RootState",
    "absorb",
    "close_commit",
    "detail_commit",
    "fold_all",
    "fold_commit",
    "fold_project",
    "fold_root",
    "fold_status",
    "left_behind",
    "run_of",
]
