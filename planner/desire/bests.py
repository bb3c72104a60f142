"""The best trial of a sweep, for operations after it that read what the sweep was given or gave."""

from __future__ import annotations

from dataclasses import replace

from planner.compile.bind import BindError
from planner.desire.nodes import effective, latest, operation_of, place_of
from planner.desire.scoring import score
from planner.desire.trials import trials_of
from planner.desire.view import Draft
from planner.keys import Key
from planner.model.desired import Reference, Sweep
from planner.model.search import Trial
from planner.search import best
from planner.spec.words import short

__all__ = ["of_best"]


def of_best(draft: Draft, key: Key, reference: Reference) -> Reference:
    """The reference, where it is to a sweep, to its best trial instead; `globals` stay those of the sweep.

    Raises:
        BindError: the sweep has none.
    """
    place = place_of(key, reference)
    run = None if reference.run else draft.run(latest(draft, key, place))
    operation = operation_of(draft, run) if run is not None else None
    if run is None or operation is None or not isinstance(operation.body, Sweep) or reference.path[0] == "globals":
        return reference
    sweep, goal = operation.body, getattr(operation.body.search, "goal", None)
    if goal is None:
        raise BindError(f"{'/'.join(place)} is a sweep without a metric, so none of its trials is the best")
    trials: list[Trial] = []
    for at, suggestion in trials_of(draft, run.key.node):
        newest = draft.run(latest(draft, at, at.place)) or draft.run(at)
        assert newest is not None
        found = score(draft, at, sweep, effective(draft, newest).status)
        trials.append(Trial(len(trials), suggestion, found.state, found.value))
    winner = best(goal, trials)
    if winner is None:
        raise BindError(f"{'/'.join(place)} has no best trial: none of them reported {short(goal.metric)}")
    return replace(reference, place=trials_of(draft, run.key.node)[winner.number][0].place)
