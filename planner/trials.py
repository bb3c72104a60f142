"""How many trials sweeps have, and how many of them may be at work at once. `planner.guard` limits them."""

from __future__ import annotations

from collections.abc import Iterator

from planner.model.desired import CompiledOperation, Dag, Sweep
from planner.search import most, width

__all__ = ["at_once", "expected", "sweeps_of", "trials_of"]


def expected(sweep: Sweep) -> int:
    """How many trials there may be; where a tuner suggests them, which alone knows, how many at least.

    That is one an iteration, or as many as may be at work at once where that is written.
    """
    if sweep.tuner is not None:
        return sweep.iterations * (sweep.concurrency or 1)
    return most(sweep.search) or 0


def at_once(sweep: Sweep) -> int:
    """How many trials may be at work at once: its concurrency, or what the search can use."""
    count = expected(sweep)
    places = sweep.concurrency
    if places is None and sweep.tuner is None:
        places = width(sweep.search, ())
    return count if places is None else min(places, count)


def trials_of(operation: CompiledOperation) -> int:
    """Trials of all sweeps of an operation together; those of a sweep inside a trial as often as there are trials."""
    if isinstance(operation.body, Sweep):
        return expected(operation.body) * (1 + trials_of(operation.body.trial))
    if isinstance(operation.body, Dag):
        return sum(trials_of(node.operation) for node in operation.body.nodes)
    return 0


def sweeps_of(operation: CompiledOperation) -> Iterator[tuple[tuple[str, ...], Sweep]]:
    """The sweeps of an operation by their places below it, its own first; not those inside trials."""
    if isinstance(operation.body, Sweep):
        yield (), operation.body
    elif isinstance(operation.body, Dag):
        for node in operation.body.nodes:
            for place, sweep in sweeps_of(node.operation):
                yield (node.operation.name, *place), sweep
