"""A round is a new number, and what it starts with was left by an earlier one of its node that started and is over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from planner.keys import Key
from planner.model.facts import Retried
from planner.model.records import RunRecord
from tests.simulation.history import History
from tests.simulation.invariants.replay import replay

NAME = "rounds"


def check(history: History) -> list[str]:
    found: list[str] = []
    newest: dict[Key, int] = {}
    runs: dict[Key, RunRecord] = {}
    for step in replay(history).steps:
        if isinstance(step.fact, Retried):
            top = step.fact.key.top
            if step.fact.round <= newest.get(top, 0):
                found.append(f"round {step.fact.round} of {top} comes after {newest[top]}")
            newest[top] = step.fact.round
            found += _kept(step.fact, runs)
        if step.run_after is not None:
            runs[step.run_after.key] = step.run_after
    return found


def _kept(fact: Retried, runs: Mapping[Key, RunRecord]) -> Iterator[str]:
    for place, earlier in fact.earlier.items():
        source = runs.get(earlier.run)
        if source is None or not source.attempt_count:
            yield f"{fact.key} {place} starts with what {earlier.run} left, which never started"
        elif not source.status.final:
            yield f"{fact.key} {place} starts with what {earlier.run} left, which is {source.status}"
        elif not earlier.copy and (source.key.top != fact.key.top or "/".join(source.key.place) != place):
            yield f"{fact.key} {place} goes on in the folder of {earlier.run}, which is another run"
