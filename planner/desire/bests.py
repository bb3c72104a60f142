"""The best trial of a sweep, for operations after it that read what the sweep was given or gave."""

from __future__ import annotations

from dataclasses import replace

from planner.compile.bind import BindError
from planner.desire.nodes import latest, operation_of, place_of
from planner.desire.scoring import scored
from planner.desire.view import Draft
from planner.keys import Key, trial
from planner.model.desired import Reference, Sweep
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
    sweep, goal = operation.body, operation.body.goal
    if goal is None:
        raise BindError(f"{'/'.join(place)} is a sweep without a metric, so none of its trials is the best")
    winner = best(goal, [one for _, one in scored(draft, run.key.node, sweep)])
    if winner is None:
        raise BindError(f"{'/'.join(place)} has no best trial: none of them reported {short(goal.metric)}")
    return replace(reference, place=(*place, trial(winner.number)))
