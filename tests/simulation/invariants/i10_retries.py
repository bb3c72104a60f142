"""I10: a run has at most `maxRetries` + 1 attempts that count, and never a shorter wait than declared."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta

from planner.keys import Key
from planner.model.desired import CompiledOperation, Dag, Leaf, Sweep
from planner.model.facts import Intended, Observed, Opened, StopIntended, Vanished
from planner.model.run import Phase
from planner.model.status import StopReason
from tests.simulation.history import History
from tests.simulation.invariants.forms import TRIAL, untried

NAME = "I10"

_FREE = {StopReason.SUPERSEDED, StopReason.PRUNED, StopReason.DRAINED, StopReason.EVICTED, StopReason.PREEMPTED}
_FREE.add(StopReason.IGNORED)


def check(history: History) -> list[str]:
    most = _allowed(history)
    kinds = {fact.key: fact.kind for fact in history.facts() if isinstance(fact, Opened)}
    failed: dict[Key, int] = defaultdict(int)
    stops: dict[Key, StopReason] = {}
    over: set[Key] = set()
    found = []
    for fact in history.facts():
        match fact:
            case Intended() if kinds.get(fact.key.run) == "job":
                place = untried(fact.key.place)
                allowed = most.get((fact.root, place), most.get((fact.key.root, place), 0))
                if failed[fact.key.run] > allowed:
                    found.append(f"{fact.key} was intended after {failed[fact.key.run]} failures, maxRetries {allowed}")
            case StopIntended():
                stops[fact.key] = fact.reason
            case Observed() if fact.observation.phase is Phase.ENDED:
                seen = fact.observation
                if seen.key not in over and seen.exit_code != 0 and stops.get(seen.key) not in _FREE:
                    failed[seen.key.run] += 1
                over.add(seen.key)
            case Vanished():
                if fact.key not in over and stops.get(fact.key) not in _FREE:
                    failed[fact.key.run] += 1
                over.add(fact.key)
            case _:
                pass
    return found + _waits(history)


def _allowed(history: History) -> dict[tuple[str, tuple[str, ...]], int]:
    """The largest `maxRetries` that a leaf ever had, by root and place."""
    found: dict[tuple[str, tuple[str, ...]], int] = {}
    for form in history.forms.values():
        for place, leaf in _leaves(form, ()):
            key = (form.name, place)
            found[key] = max(found.get(key, 0), leaf.termination.max_retries)
    return found


def _leaves(operation: CompiledOperation, place: tuple[str, ...]) -> list[tuple[tuple[str, ...], Leaf]]:
    match operation.body:
        case Leaf():
            return [(place, operation.body)]
        case Dag():
            nodes = operation.body.nodes
            return [item for node in nodes for item in _leaves(node.operation, (*place, node.operation.name))]
        case Sweep():
            return _leaves(operation.body.trial, (*place, TRIAL))


def _waits(history: History) -> list[str]:
    """The nth attempt starts no sooner than a second after the end of one that failed."""
    found = []
    for run in history.state.runs.values():
        for before, after in zip(run.attempts, run.attempts[1:], strict=False):
            if before.ended_at is None or history.wall_moved or (before.stop and before.stop.reason in _FREE):
                continue
            if after.intended_at - before.ended_at < timedelta(seconds=1):
                found.append(f"{run.key.at_attempt(after.number)} did not wait after the end of the one before")
    return found
