"""What a trial has come to, as its search sees it: whether it is over, and its value. Decides nothing of the run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from planner import keys
from planner.desire.measured import reported, was_cut
from planner.desire.nodes import effective, latest
from planner.desire.trials import trials_of
from planner.desire.view import Draft
from planner.keys import Key
from planner.model.desired import CompiledOperation, Dag, Sweep
from planner.model.records import RunRecord
from planner.model.search import Trial, TrialState
from planner.model.status import RunStatus
from planner.search.stopping import Course

__all__ = ["Score", "courses_of", "score", "scored", "stories", "value_of"]


@dataclass(frozen=True, slots=True)
class Score:
    """How far a trial has come, and the value that its search goes by; None where there is none."""

    state: TrialState
    value: float | None = None


def score(draft: Draft, place: Key, sweep: Sweep, status: RunStatus) -> Score:
    """What the trial at `place`, which is `status`, has come to."""
    if not status.final:
        return Score(TrialState.PENDING)
    goal = sweep.goal
    if status is not RunStatus.SUCCEEDED and not _ended_early(draft, place, sweep):
        return Score(TrialState.FAILED)
    if goal is None:
        return Score(TrialState.DONE if status is RunStatus.SUCCEEDED else TrialState.FAILED)
    value = value_of(draft, place, sweep.trial, goal.metric)
    return Score(TrialState.FAILED) if value is None else Score(TrialState.DONE, value)


def scored(draft: Draft, key: Key, sweep: Sweep) -> list[tuple[RunRecord, Trial]]:
    """The trials of the sweep `key`, each with the record that tells how it goes, as they are recorded."""
    found: list[tuple[RunRecord, Trial]] = []
    for place, suggestion in trials_of(draft, key):
        newest = draft.run(latest(draft, place, place.place)) or draft.run(place)
        assert newest is not None
        story = effective(draft, newest)
        had = score(draft, place, sweep, story.status)
        found.append((story, Trial(len(found), suggestion, had.state, had.value)))
    return found


def value_of(draft: Draft, place: Key, trial: CompiledOperation, metric: str) -> float | None:
    """What a trial has reported of a metric; of one that is a DAG, what the last of its operations has that did."""
    found = (reported(run, metric) for run in stories(draft, place, trial))
    return next((value for value in found if value is not None), None)


def courses_of(draft: Draft, sweep: Sweep, trials: Sequence[Trial], key: Key, metric: str) -> tuple[Course, ...]:
    """How the trials of the sweep `key` go by a metric, as rules of early stopping look at them."""
    return tuple(_course(draft, key.child(keys.trial(trial.number)), sweep, trial, metric) for trial in trials)


def _course(draft: Draft, place: Key, sweep: Sweep, trial: Trial, metric: str) -> Course:
    runs = list(stories(draft, place, sweep.trial))
    known = [run.progress[metric] for run in runs if metric in run.progress]
    pending = trial.state is TrialState.PENDING
    stopped = not pending and _ended_early(draft, place, sweep)
    failed = trial.state is TrialState.FAILED and not stopped
    over = trial.state is TrialState.DONE and not stopped
    return Course(
        number=trial.number,
        running=pending and any(run.alive and run.stop is None for run in runs),
        progress=known[0] if known else None,
        value=value_of(draft, place, sweep.trial, metric) if over else None,
        failed=failed,
        stopped=stopped,
    )


def stories(draft: Draft, place: Key, trial: CompiledOperation) -> Iterator[RunRecord]:
    """The records that tell how the leaves of a trial go, the last operation first."""
    if isinstance(trial.body, Dag):
        for node in reversed(trial.body.nodes):
            yield from stories(draft, place.child(node.operation.name), node.operation)
        return
    run = draft.run(latest(draft, place, place.place))
    if run is not None:
        yield effective(draft, run)


def _ended_early(draft: Draft, place: Key, sweep: Sweep) -> bool:
    return any(map(was_cut, stories(draft, place, sweep.trial)))
