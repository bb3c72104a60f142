"""Trials as the history tells of them: in which order they were opened, and what was known of the others then.

What counts as known is told once more here, from docs/sweeps.md and not from the code that it checks.
"""

from __future__ import annotations

import functools
import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from planner.canon import Json
from planner.keys import Key, tuner, tuner_number
from planner.model.desired import CompiledOperation, Dag, Sweep
from planner.model.facts import Measured, Opened, StopIntended
from planner.model.records import RunRecord
from planner.model.search import Goal, Suggestion, Trial, TrialState
from planner.model.status import RunStatus, StopReason
from planner.search import most
from planner.search.stopping import Course
from tests.simulation.history import History, Transaction
from tests.simulation.invariants.forms import step_into
from tests.simulation.invariants.replay import replay

__all__ = ["Opening", "Verdict", "openings", "sweep_of", "swept", "verdicts"]


@dataclass(frozen=True, slots=True)
class Opening:
    """A trial, when it was opened.

    Attributes:
        key: of it.
        suggestion: what it was made with.
        lineage: what it is a trial of.
        sweep: what is compiled of its sweep.
        before: the other trials of its sweep at that moment.
        tuned: what the tuner of its sweep had suggested next; None where there is no tuner, or it had not.
        made: the transaction.
    """

    key: Key
    suggestion: Suggestion
    lineage: str
    sweep: Sweep
    before: tuple[Trial, ...]
    tuned: Suggestion | None
    made: Transaction

    @property
    def parent(self) -> Key:
        """The sweep."""
        return Key(self.key.root, self.key.cause, self.key.place[:-1])


@dataclass(frozen=True, slots=True)
class Verdict:
    """A trial that a rule stopped, or a sweep that one ended.

    Attributes:
        key: what is stopped: a run or an attempt of it.
        number: of the trial; None for the sweep as a whole.
        rules: the live fields that may have been in force: one list of rules for each.
        courses: by metric, how the trials of the sweep went then; and without what was measured at that instant,
            as a plan may have read its root before.
        total: how many there may be, at least.
        words: why, for people.
    """

    key: Key
    number: int | None
    rules: tuple[tuple[Mapping[str, Json], ...], ...]
    courses: tuple[Mapping[str, tuple[Course, ...]], ...]
    total: int
    words: str


def sweep_of(operation: CompiledOperation, place: tuple[str, ...]) -> Sweep:
    """The sweep at a place."""
    for name in place:
        operation = step_into(operation, name)
    assert isinstance(operation.body, Sweep)
    return operation.body


def openings(history: History) -> tuple[Opening, ...]:
    """Every trial that was opened, in order."""
    return _read(_Same(history, len(history.transactions)))[0]


def verdicts(history: History) -> tuple[Verdict, ...]:
    """Every stop by a rule of early stopping, in order."""
    return _read(_Same(history, len(history.transactions)))[1]


def swept(history: History) -> Counter[str]:
    """How many trials there were, by what they show: a search that is hardly used proves nothing."""
    found = Counter(f"{type(one.sweep.search).__name__}-trials" for one in openings(history))
    found["trials-stopped-by-a-policy"] = len({one.key.run for one in verdicts(history) if one.number is not None})
    found["sweeps-ended-by-a-rule"] = sum(one.number is None for one in verdicts(history))
    state = history.state.runs
    for one in openings(history):
        run = state.get(one.key)
        found["trials-carried"] += run is not None and run.carried_from is not None
        found["trials-failed"] += run is not None and run.status is RunStatus.FAILED
        found["trials-without-rungs-to-wait-for"] += getattr(one.sweep.search, "asynchronous", False)
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
def _read(same: _Same) -> tuple[tuple[Opening, ...], tuple[Verdict, ...]]:
    known = _Known()
    found: list[Opening] = []
    stopped: list[Verdict] = []
    for step in replay(same.history).steps:
        fact = step.fact
        if isinstance(fact, Opened) and not fact.key.place:
            known.forms[fact.key] = fact.form
        if isinstance(fact, Opened) and fact.suggestion is not None:
            form = same.history.forms[known.forms[fact.key.top]]
            sweep, above = sweep_of(form, fact.key.place[:-1]), fact.key.place[:-1]
            parent = Key(fact.key.root, fact.key.cause, above)
            siblings = known.trials.setdefault(parent, [])
            before = tuple(known.trial(key, number, sweep) for number, key in enumerate(siblings))
            tuned = known.tuned(parent, before) if sweep.tuner is not None else None
            found.append(Opening(fact.key, fact.suggestion, fact.lineage, sweep, before, tuned, step.made))
            siblings.append(fact.key)
        if isinstance(fact, StopIntended) and fact.reason is StopReason.EARLY_STOPPING:
            stopped += known.verdict(same.history, fact, step.made.at)
        if isinstance(fact, Measured):
            known.measured(fact, step.made.at)
        if step.run_after is not None:
            known.runs[step.run_after.key] = step.run_after
    return tuple(found), tuple(stopped)


@dataclass(slots=True)
class _Known:
    """What was recorded so far."""

    runs: dict[Key, RunRecord] = field(default_factory=dict)
    forms: dict[Key, str] = field(default_factory=dict)
    trials: dict[Key, list[Key]] = field(default_factory=dict)
    unread: dict[Key, RunRecord] = field(default_factory=dict)
    """Runs as they were before what was measured last, all at the instant `read`."""
    read: float = 0.0

    def measured(self, fact: Measured, at: float) -> None:
        """Keep what was known before it."""
        if at != self.read:
            self.unread.clear()
            self.read = at
        if (before := self.runs.get(fact.key.run)) is not None:
            self.unread.setdefault(fact.key.run, before)

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

    def tuned(self, parent: Key, before: Sequence[Trial]) -> Suggestion | None:
        """What the last run of a sweep's tuner suggested and nobody has tried yet."""
        numbers = [tuner_number(key.place[-1]) for key in self.runs if key.parent == parent]
        number = max((one for one in numbers if one is not None), default=None)
        if number is None or (run := self._newest(parent.child(tuner(number)))).status is not RunStatus.SUCCEEDED:
            return None
        said = run.outputs.get("suggestions")
        points = json.loads(said) if isinstance(said, str) else said
        tried = sum(one.suggestion.iteration == number for one in before)
        return Suggestion(points[tried], iteration=number) if tried < len(points) else None

    def verdict(self, history: History, fact: StopIntended, at: float) -> Iterator[Verdict]:
        """What is known when a rule stops something: of what goes down with its sweep nothing."""
        run = fact.key.run
        if any(one.carried_from == run and one.stop is not None for one in self.runs.values()):
            return  # it goes down with the trial that goes on with it
        parents = [key for key in self.trials if run.top == key.top and run.place[: len(key.place)] == key.place]
        parent = max(parents, key=lambda key: len(key.place), default=None)
        if parent is None or (run.node != parent and not fact.words.startswith("stopped early")):
            return
        opened = history.forms[self.forms[parent.top]]
        same = [sweep_of(form, parent.place) for form in history.forms.values() if form.digest == opened.digest]
        rules = tuple(sweep.early_stopping for sweep in same)
        metrics = {str(rule.get("metric")) for one in rules for rule in one}
        looks = [self] if at != self.read else [self, replace(self, runs={**self.runs, **self.unread})]
        courses = [{metric: tuple(look._courses(parent, same[0], metric)) for metric in metrics} for look in looks]
        number = None if run.node == parent else int(run.place[len(parent.place)])
        total = max(most(same[0].search) or 0, len(self.trials[parent]))
        yield Verdict(fact.key, number, rules, tuple(courses), total, fact.words)

    def _courses(self, parent: Key, sweep: Sweep, metric: str) -> Iterator[Course]:
        for number, key in enumerate(self.trials[parent]):
            trial, stories = self.trial(key, number, sweep), list(self._stories(key, sweep.trial))
            pending = trial.state is TrialState.PENDING
            early = any(run.last is not None and run.last.reason is StopReason.EARLY_STOPPING for run in stories)
            values = (_number({**run.outputs, **run.metrics}, metric) for run in stories)
            over = trial.state is TrialState.DONE and not early
            yield Course(
                number,
                running=pending and any(run.alive and run.stop is None for run in stories),
                progress=next((run.progress[metric] for run in stories if metric in run.progress), None),
                value=next((value for value in values if value is not None), None) if over else None,
                failed=trial.state is TrialState.FAILED and not early,
                stopped=early and not pending,
            )

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
