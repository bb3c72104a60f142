"""Trials as the history tells of them: in which order they were opened, and what was known of the others then.

What counts as known is told once more here, from docs/sweeps.md and not from the code that it checks.
"""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from planner.canon import Json
from planner.keys import Key
from planner.model.desired import CompiledOperation, Dag, Sweep
from planner.model.facts import Opened
from planner.model.records import RunRecord
from planner.model.search import Goal, Suggestion, Trial, TrialState
from planner.model.status import RunStatus, StopReason
from tests.simulation.history import History, Transaction
from tests.simulation.invariants.forms import step_into
from tests.simulation.invariants.replay import replay

__all__ = ["Opening", "openings", "sweep_of", "swept"]


@dataclass(frozen=True, slots=True)
class Opening:
    """A trial, when it was opened.

    Attributes:
        key: of it.
        suggestion: what it was made with.
        lineage: what it is a trial of.
        sweep: what is compiled of its sweep.
        before: the other trials of its sweep at that moment.
        made: the transaction.
    """

    key: Key
    suggestion: Suggestion
    lineage: str
    sweep: Sweep
    before: tuple[Trial, ...]
    made: Transaction

    @property
    def parent(self) -> Key:
        """The sweep."""
        return Key(self.key.root, self.key.cause, self.key.place[:-1])


def sweep_of(operation: CompiledOperation, place: tuple[str, ...]) -> Sweep:
    """The sweep at a place."""
    for name in place:
        operation = step_into(operation, name)
    assert isinstance(operation.body, Sweep)
    return operation.body


def openings(history: History) -> tuple[Opening, ...]:
    """Every trial that was opened, in order."""
    return _openings(_Same(history, len(history.transactions)))


def swept(history: History) -> Counter[str]:
    """How many trials there were, by what they show: a search that is hardly used proves nothing."""
    found = Counter(f"{type(one.sweep.search).__name__}-trials" for one in openings(history))
    state = history.state.runs
    for one in openings(history):
        run = state.get(one.key)
        found["trials-carried"] += run is not None and run.carried_from is not None
        found["trials-failed"] += run is not None and run.status is RunStatus.FAILED
        found["trials-of-steps"] += isinstance(one.sweep.trial.body, Dag)
        found["trials-below-a-node"] += len(one.key.place) > 1
        found["trials-asked-with-others-pending"] += any(each.state is TrialState.PENDING for each in one.before)
    return found


@dataclass(frozen=True, slots=True, eq=False)
class _Same:
    history: History
    length: int

    def __hash__(self) -> int:
        return hash((id(self.history), self.length))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.history is self.history and other.length == self.length


@functools.lru_cache(maxsize=2)
def _openings(same: _Same) -> tuple[Opening, ...]:
    known, found = _Known(), []
    for step in replay(same.history).steps:
        fact = step.fact
        if isinstance(fact, Opened) and not fact.key.place:
            known.forms[fact.key] = fact.form
        if isinstance(fact, Opened) and fact.suggestion is not None:
            form = same.history.forms[known.forms[fact.key.top]]
            sweep, above = sweep_of(form, fact.key.place[:-1]), fact.key.place[:-1]
            siblings = known.trials.setdefault(Key(fact.key.root, fact.key.cause, above), [])
            before = tuple(known.trial(key, number, sweep) for number, key in enumerate(siblings))
            found.append(Opening(fact.key, fact.suggestion, fact.lineage, sweep, before, step.made))
            siblings.append(fact.key)
        if step.run_after is not None:
            known.runs[step.run_after.key] = step.run_after
    return tuple(found)


@dataclass(slots=True)
class _Known:
    """What was recorded so far."""

    runs: dict[Key, RunRecord] = field(default_factory=dict)
    forms: dict[Key, str] = field(default_factory=dict)
    trials: dict[Key, list[Key]] = field(default_factory=dict)

    def trial(self, key: Key, number: int, sweep: Sweep) -> Trial:
        said = self.runs[key].suggestion
        assert said is not None
        goal: Goal | None = getattr(sweep.search, "goal", None)
        story = self._newest(key)
        if not story.status.final:
            return Trial(number, said)
        stories = list(self._stories(key, sweep.trial))
        early = any(run.last is not None and run.last.reason is StopReason.EARLY_STOPPING for run in stories)
        if story.status is not RunStatus.SUCCEEDED and not early:
            return Trial(number, said, TrialState.FAILED)
        if goal is None:
            good = story.status is RunStatus.SUCCEEDED
            return Trial(number, said, TrialState.DONE if good else TrialState.FAILED)
        values = [
            value for run in stories if (value := _number({**run.outputs, **run.metrics}, goal.metric)) is not None
        ]
        return Trial(number, said, TrialState.DONE, values[0]) if values else Trial(number, said, TrialState.FAILED)

    def _newest(self, key: Key) -> RunRecord:
        """Of the newest round of a place, and of what it was carried over from."""
        rounds = self.runs[key.top].rounds
        run = self.runs.get(key.at_round(rounds.get("/".join(key.place), 0)), self.runs.get(key))
        assert run is not None
        while run.carried_from is not None and run.carried_from in self.runs:
            run = self.runs[run.carried_from]
        return run

    def _stories(self, key: Key, trial: CompiledOperation) -> Iterator[RunRecord]:
        """The runs of a trial, the last operation first."""
        if not isinstance(trial.body, Dag):
            yield self._newest(key)
            return
        for node in reversed(trial.body.nodes):
            below = key.child(node.operation.name)
            if below in self.runs:
                yield from self._stories(below, node.operation)


def _number(said: Mapping[str, Json], metric: str) -> float | None:
    value = said.get(metric)
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None
