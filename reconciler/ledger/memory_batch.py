"""A transaction on a ledger in memory: what facts touch is taken from its state, and what they fold to is put there."""

from __future__ import annotations

from collections.abc import Sequence

from planner.model.facts import Fact
from planner.model.records import RootRecord
from reconciler.ledger.batch import Batch, touched
from reconciler.ledger.memory_notices import owe
from reconciler.ledger.memory_resting import disturb
from reconciler.ledger.memory_rows import put, rename
from reconciler.ledger.state import MemoryState

__all__ = ["load", "store"]


def load(state: MemoryState, facts: Sequence[Fact]) -> Batch:
    """A batch with everything that folding `facts` reads."""
    reads = touched(facts)
    runs = {key: state.runs[key] for key in reads.runs if key in state.runs}
    names = reads.roots | {run.root for run in runs.values()}
    wanted = [name for name in reads.statuses if name in state.statuses]
    return Batch(
        sequence=len(state.facts),
        project=state.project,
        roots={name: state.roots[name] for name in names if name in state.roots},
        runs=runs,
        commits={ident: state.commits[ident] for ident in reads.commits if ident in state.commits},
        statuses={name: state.statuses[name] for name in wanted},
    )


def store(state: MemoryState, facts: Sequence[Fact], batch: Batch) -> None:
    """Append `facts`, and put what they folded to into `state`."""
    disturb(state, batch)
    state.facts.extend(facts)
    state.project = batch.project
    for old, new in batch.renamed:
        rename(state, old, new)
    for name, record in batch.roots.items():
        if record == RootRecord(name):
            state.roots.pop(name, None)
        else:
            state.roots[name] = record
    for run in batch.runs.values():
        put(state, run)
    for key, claim in batch.claims.items():
        if claim is None:
            state.claims.pop(key, None)
        else:
            state.claims[key] = claim
    for ref, pin in batch.pins.items():
        if pin is None:
            state.pins.pop(ref, None)
        else:
            state.pins[ref] = pin
    state.events.update(batch.events)
    owe(state, batch)
    state.commits.update(batch.commits)
    state.statuses.update(batch.statuses)
    state.answers.update(batch.answers)
    state.opened.update(batch.opened)
    state.planned.update(batch.planned)
    state.said.update(batch.said)
