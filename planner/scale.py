"""How much a plan starts: runs, trials and GPUs, for people. Nothing is limited here, which is for `planner.guard`."""

from __future__ import annotations

from dataclasses import dataclass

from planner import keys
from planner.fold import RootState
from planner.gpus import gpus_of
from planner.keys import Key
from planner.model.desired import CompiledOperation, Dag, Sweep
from planner.model.facts import Opened
from planner.plan import RootPlan
from planner.swept import tally
from planner.trials import at_once

__all__ = ["Scale", "scale_of"]


@dataclass(frozen=True, slots=True)
class Scale:
    """What starts, now or later, without another cause.

    Attributes:
        runs: how many; nodes of a DAG that wait for others are counted, hooks and retries are not.
        gpus: that they ask for together: operations of a DAG whether at once or not, of a sweep as many trials as may
            be at work at once.
        trials: of sweeps; a trial that is a DAG is several runs.
    """

    runs: int = 0
    gpus: int = 0
    trials: int = 0

    def __add__(self, other: Scale) -> Scale:
        return Scale(self.runs + other.runs, self.gpus + other.gpus, self.trials + other.trials)


def scale_of(root: RootPlan, operation: CompiledOperation | None) -> Scale:
    """What the plan of a root starts. What was carried over, is cached, runs or has ended does not start."""
    applied = root.state.record.applied
    opens = any(isinstance(fact, Opened) for fact in root.facts)
    if operation is None or applied is None or applied.key is None or not (root.ready or opens):
        return Scale()
    return _of(root.state, operation, applied.key)


def _of(state: RootState, operation: CompiledOperation, key: Key) -> Scale:
    found = Scale()
    if operation.build is not None:
        found += _of(state, operation.build, key.child(operation.build.name))
    if isinstance(operation.body, Dag):
        return sum((_of(state, node.operation, key.child(node.operation.name)) for node in operation.body.nodes), found)
    if isinstance(operation.body, Sweep):
        return found + _of_sweep(state, operation.body, key)
    record = state.runs.get(key)
    starts = record is None or not (record.status.final or record.alive or record.carried_from is not None)
    return found + (Scale(1, gpus_of(operation)) if starts else Scale())


def _of_sweep(state: RootState, sweep: Sweep, key: Key) -> Scale:
    """Those that are recorded each for itself; those to come are all alike, however many they are."""
    found = tally(state, key, sweep)
    known = sum((_of(state, sweep.trial, key.child(keys.trial(number))) for number in found.starts), Scale())
    one = _of(RootState(state.record), sweep.trial, key.child(keys.trial(0)))
    new = len(found.starts) + found.unopened
    runs = known.runs + one.runs * found.unopened
    inner = known.trials + one.trials * found.unopened
    return Scale(runs, gpus_of(sweep.trial) * min(new, at_once(sweep)), new + inner)
