"""What a ledger in memory writes of runs, beside the record itself."""

from __future__ import annotations

from dataclasses import replace

from planner.model.records import RunRecord
from reconciler.ledger.batch import is_pending
from reconciler.ledger.state import MemoryState

__all__ = ["put", "rename"]


def rename(state: MemoryState, old: str, new: str) -> None:
    """Have `new` own all runs and claims of `old`."""
    for key, run in state.runs.items():
        if run.root == old:
            state.runs[key] = replace(run, root=new)
    for key, claim in state.claims.items():
        if claim.root == old:
            state.claims[key] = replace(claim, root=new)


def put(state: MemoryState, run: RunRecord) -> None:
    """Write a run, with what finds it again."""
    key = run.key
    if key not in state.runs:
        state.under[key.top] = (*state.under.get(key.top, ()), key)
    for digest in {run.digest, run.work} - {""}:
        if key not in state.results.get(digest, ()):
            state.results[digest] = (*state.results.get(digest, ()), key)
    if is_pending(run):
        state.pending[key] = None
    else:
        state.pending.pop(key, None)
    state.runs[key] = run
