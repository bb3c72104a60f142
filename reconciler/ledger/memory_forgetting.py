"""Letting go of runs in a ledger in memory: as `forgetting` does it in tables."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from planner.fold import run_of
from planner.keys import Key
from planner.model.facts import CursorMoved, Fact
from planner.model.records import RootRecord, RunRecord
from planner.model.retention import Removed
from planner.model.status import RunStatus
from reconciler.ledger.batch import is_pending, root_of
from reconciler.ledger.forgetting import named_by, noted, removable
from reconciler.ledger.state import MemoryState
from reconciler.ports import Expired

__all__ = ["expired", "facts", "forget", "under"]


def expired(state: MemoryState, root: str, wanted: Expired) -> Sequence[Sequence[RunRecord]]:
    """See `reconciler.ports.Ledger.expired`."""
    tops = _tops(state, root)
    old = {run.key for run in (tops[: -wanted.count] if wanted.count else tops)} if wanted.count is not None else set()
    if wanted.before is not None:
        old |= {run.key for run in tops if run.finished_at is not None and run.finished_at < wanted.before}
    kept = _kept(state, root)
    found = [run.key for run in tops if run.key in old and run.status.final and run.key not in kept]
    return [under(state, top) for top in removable(found, _sources(state))[: wanted.limit]]


def forget(state: MemoryState, root: str, tops: Collection[Key], removed: Removed) -> int:
    """See `reconciler.ports.Ledger.forget`."""
    kept = _kept(state, root)
    known = [top for top in tops if top not in kept and top in state.runs and state.runs[top].root == root]
    runs = [run for top in removable(known, _sources(state)) for run in under(state, top)]
    gone = sum(run.key == run.key.top for run in runs)
    if not gone or root not in state.roots:
        return 0
    state.compacted[root] = max(state.opened[run.key] for run in runs)
    for run in runs:
        del state.runs[run.key]
        state.under.pop(run.key.top, None)
        state.opened.pop(run.key)
        state.blobs.pop(run.bound, None)
        state.forgotten[run.key] = None
        for digest in {run.digest, run.work} - {""}:
            state.results[digest] = tuple(key for key in state.results.get(digest, ()) if key != run.key)
    record = state.roots[root]
    state.roots[root] = replace(record, removed=noted(record, removed, runs))
    return gone


def facts(state: MemoryState, root: str | None, after: int, limit: int) -> Sequence[tuple[int, Fact]]:
    """See `reconciler.ports.Ledger.facts`."""
    page: list[tuple[int, Fact]] = []
    for number in range(max(after, 0), len(state.facts)):
        if len(page) >= limit:
            break
        fact = state.facts[number]
        if (root is None or root_of(fact) == root) and not _is_forgotten(state, number + 1, fact):
            page.append((number + 1, fact))
    return page


def _is_forgotten(state: MemoryState, number: int, fact: Fact) -> bool:
    """Whether the fact with this sequence went with its run."""
    if number in state.swept:
        return True
    if isinstance(fact, CursorMoved):
        return number < state.compacted.get(root_of(fact), 0)
    return run_of(fact) in state.forgotten


def _tops(state: MemoryState, root: str) -> list[RunRecord]:
    own = [run for key, run in state.runs.items() if run.root == root and key == key.top]
    return sorted(own, key=lambda run: state.opened[run.key])


def under(state: MemoryState, top: Key) -> list[RunRecord]:
    """A top with all below it, in the order in which they were opened."""
    return [state.runs[key] for key in sorted(state.under.get(top, ()), key=state.opened.__getitem__)]


def _kept(state: MemoryState, root: str) -> set[Key]:
    kept = set(named_by(state.roots.get(root) or RootRecord(root)))
    own = [run for run in state.runs.values() if run.root == root]
    kept |= {run.key.top for run in own if is_pending(run) or not run.status.final}
    good = [run.key for run in _tops(state, root) if run.status is RunStatus.SUCCEEDED]
    return kept | set(good[-1:])


def _sources(state: MemoryState) -> dict[Key, set[Key]]:
    found: dict[Key, set[Key]] = {}
    for run in state.runs.values():
        keys = {key.top for key in (run.carried_from, run.cached_from) if key is not None}
        if keys:
            found.setdefault(run.key.top, set()).update(keys)
    return found
