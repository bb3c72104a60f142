"""Which of the children of a DAG may start now: as many as its `concurrency` allows (reference, section 12).

Reads what was decided, and never what a child is. Whether a queue has room is decided by admission.
"""

from __future__ import annotations

from planner.desire.nodes import effective
from planner.desire.view import Draft, Ready, Wait
from planner.fold.own import below
from planner.keys import Key
from planner.model.desired import Dag

__all__ = ["children_alive", "offer"]


def offer(draft: Draft, parent: Key, dag: Dag, offers: list[tuple[str, list[Ready]]]) -> None:
    """Let as many children start as the concurrency allows; a child that is a DAG takes one place for all of its own.

    Decided when all of them have been walked: what is carried over takes a place as well.
    """
    if dag.concurrency is None:
        draft.ready.extend(item for _, ready in offers for item in ready)
        return
    alive = children_alive(draft, parent)
    taken = len(alive)
    for name, ready in offers:
        if name in alive or taken < dag.concurrency:
            taken += bool(ready) and name not in alive
            draft.ready.extend(ready)
        else:
            reason = "a place in its DAG's concurrency"
            draft.waits.extend(Wait(item.key.run, reason, item.since) for item in ready)


def children_alive(draft: Draft, parent: Key) -> frozenset[str]:
    """Names of the children of a DAG or a sweep below which an attempt may exist."""
    depth = len(parent.place)
    return frozenset(
        key.place[depth] for key in below(draft.state.runs, parent) if effective(draft, draft.state.runs[key]).alive
    )
