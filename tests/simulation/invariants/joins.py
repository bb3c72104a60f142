"""A join finds runs that had succeeded, each once, not the one that asks, and no fewer than there were.

Other operations go on while one is planned: what succeeds at the very instant of a plan may be found or not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from planner.keys import Key
from planner.model.facts import Bound
from planner.model.run import BoundRun
from planner.model.status import RunStatus
from reconciler import codec
from tests.simulation.history import History
from tests.simulation.invariants.replay import replay
from tests.simulation.specs import JOIN

NAME = "joins"


def check(history: History) -> list[str]:
    found: list[str] = []
    good: dict[Key, float] = {}
    before: dict[Key, float] = {}
    taken, made, number = _taken(history), None, -1
    for step in replay(history).steps:
        if step.made is not made:
            made, number = step.made, number + 1
            good = {key: at for key, at in good.items() if key not in taken[number]}
            before = dict(good)
        if isinstance(step.fact, Bound):
            long = {key for key, at in before.items() if at < step.made.at}
            found += _asked(history, step.fact.key, set(before), long)
        if step.run_after is not None and step.run_after.status is not RunStatus.SUCCEEDED:
            good.pop(step.run_after.key, None)
        elif step.run_after is not None:
            good.setdefault(step.run_after.key, step.made.at)
    return found


def _taken(history: History) -> dict[int, set[Key]]:
    """What was gone before each transaction, by the transaction's number."""
    found: dict[int, set[Key]] = defaultdict(set)
    for removal in history.removals:
        found[removal.after] |= {run.key for run in removal.had if run.key.top in removal.taken}
    return found


def _asked(history: History, key: Key, good: set[Key], long: set[Key]) -> Iterator[str]:
    """What is wrong with the joins of `key`; `good` had succeeded before it was bound, `long` at an earlier instant."""
    run = history.stored.runs.get(key)
    text = history.stored.blobs.get(run.bound) if run is not None else None
    for joined in codec.decode(BoundRun, text).joined if text else ():
        if len(set(joined.runs)) < len(joined.runs) or key in joined.runs:
            yield f"{key} was joined with {joined.runs}"
        for other in set(joined.runs) - good:
            yield f"{key} was joined with {other}, which had not succeeded"
        if len(joined.runs) < min(int(str(JOIN.limit)), len(long - {key})):
            yield f"{key} was joined with {len(joined.runs)} runs, of {len(long - {key})}"
