"""A transaction on a ledger in memory: what facts touch is taken from its state, and what they fold to is put there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from planner.model.facts import Fact
from planner.model.records import RootRecord
from reconciler.ledger.batch import Batch, touched
from reconciler.ledger.memory_notices import owe
from reconciler.ledger.memory_resting import disturb
from reconciler.ledger.memory_rows import put, rename
from reconciler.ledger.state import MemoryState

__all__ = ["load", "store"]

K = TypeVar("K")
V = TypeVar("V")


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
    _come_and_go(state.claims, batch.claims)
    _come_and_go(state.pins, batch.pins)
    _come_and_go(state.pulls, batch.pulls)
    for left in batch.left:
        state.statuses.pop(left, None)
        state.said.pop(left, None)
    state.events.update(batch.events)
    owe(state, batch)
    state.commits.update(batch.commits)
    state.statuses.update(batch.statuses)
    state.answers.update(batch.answers)
    state.opened.update(batch.opened)
    state.planned.update(batch.planned)
    state.said.update(batch.said)


def _come_and_go(table: dict[K, V], changes: Mapping[K, V | None]) -> None:
    """Put what came into `table`, and take out of it what went."""
    for key, value in changes.items():
        if value is None:
            table.pop(key, None)
        else:
            table[key] = value
