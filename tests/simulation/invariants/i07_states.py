"""I7: a run's status moves along the declared graph, a final one never changes, and its instants are in order."""

from __future__ import annotations

from planner.model.facts import Retried
from planner.model.lifecycle import may_follow
from planner.model.records import RunRecord
from tests.simulation.history import History
from tests.simulation.invariants.replay import replay

NAME = "I7"


def check(history: History) -> list[str]:
    found = []
    for step in replay(history).steps:
        before, after = step.run_before, step.run_after
        if before is None or after is None or isinstance(step.fact, Retried):
            continue
        if not may_follow(before.status, after.status):
            found.append(f"{after.key} went from {before.status} to {after.status} by {step.fact}")
        if before.status.final and (before.finished_at, before.outputs) != (after.finished_at, after.outputs):
            found.append(f"{after.key} changed after its end, by {step.fact}")
    if not history.wall_moved:
        found += [f"{run.key} has instants out of order" for run in history.state.runs.values() if not _in_order(run)]
    return found


def _in_order(run: RunRecord) -> bool:
    instants = [instant for instant in (run.opened_at, run.started_at, run.finished_at) if instant is not None]
    return instants == sorted(instants)
