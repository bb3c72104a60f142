"""Sweeps whose suggestions a tuner of the user's own makes: when it runs, what it is given, and what it says.

An iteration is one run of the tuner and the trials that it suggested; the next one begins when all of these are over.
Which iteration it is follows from the records alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from planner.canon import Json
from planner.compile.tuning import SUGGESTIONS
from planner.desire.nodes import effective, latest
from planner.desire.scoring import stories
from planner.desire.view import Draft
from planner.fold.own import below
from planner.keys import Key, trial, tuner, tuner_number
from planner.model.desired import Sweep
from planner.model.records import RunRecord
from planner.model.search import Suggestion, Trial, TrialState
from planner.model.status import RunStatus
from planner.search.ranking import ranked

__all__ = ["Tuned", "given", "tuned", "tuner_at_work"]

_MOST = 1_000
"""Trials that a tuner is told of, and that it may suggest, at most (reference, section 13.4)."""


@dataclass(frozen=True, slots=True)
class Tuned:
    """What follows for the tuner of a sweep.

    Attributes:
        opens: the place of its next run, which is to be opened.
        suggestions: trials that it suggested and that are not open yet.
        trouble: why there are none, where that ends the sweep.
    """

    opens: Key | None = None
    suggestions: tuple[Suggestion, ...] = ()
    trouble: str = ""


def tuned(draft: Draft, key: Key, trials: Sequence[Trial], iterations: int) -> Tuned:
    """What follows for the tuner of the sweep `key`, which has these trials and at most so many iterations."""
    depth = len(key.place)
    runs = {tuner_number(one.place[depth]) for one in below(draft.state.runs, key) if len(one.place) == depth + 1}
    begun = [number for number in runs if number is not None]
    begun += [one.suggestion.iteration for one in trials if one.suggestion.iteration is not None]
    current = max(begun, default=-1)
    pending = any(one.state is TrialState.PENDING for one in trials)
    run = _run(draft, key, current) if current >= 0 else None
    if run is not None:
        if not run.status.final:
            return Tuned()
        if run.status is not RunStatus.SUCCEEDED:
            why = f": {run.reason}" if run.reason else ""
            return Tuned(trouble=f"its tuner {run.key} {run.status}{why}")
        said = _said(effective(draft, run))
        if isinstance(said, str):
            return Tuned(trouble=f"its tuner {run.key} {said}")
        opened = sum(one.suggestion.iteration == current for one in trials)
        if opened < len(said):
            return Tuned(suggestions=tuple(Suggestion(params, iteration=current) for params in said[opened:]))
        if not said:
            return Tuned()  # it has no more: the sweep is over
    if pending or current + 1 >= iterations:
        return Tuned()
    return Tuned(opens=key.child(tuner(current + 1)))


def tuner_at_work(draft: Draft, key: Key) -> Key | None:
    """The run of the tuner of the sweep `key` that is not over, in its newest round."""
    depth = len(key.place)
    for one in tuple(below(draft.state.runs, key)):
        if len(one.place) == depth + 1 and tuner_number(one.place[depth]) is not None:
            newest = latest(draft, key, one.place)
            run = draft.run(newest)
            if run is None or not run.status.final:
                return newest
    return None


def given(draft: Draft, place: Key, sweep: Sweep, trials: Sequence[Trial], matrix: Json) -> Mapping[str, Json]:
    """What the run of the tuner at `place` is given (`planner.compile.tuning.GIVEN`)."""
    goal, key = sweep.goal, place.parent
    assert key is not None
    done = [one for one in trials if one.state is TrialState.DONE]
    done = (ranked(goal, done) if goal is not None else done)[:_MOST]
    return {
        "matrix": matrix,
        "iteration": tuner_number(place.place[-1]),
        "bracket_iteration": None,
        "configs": [dict(one.suggestion.params) for one in done],
        "metrics": [one.value if goal is not None else _reported(draft, key, sweep, one) for one in done],
    }


def _reported(draft: Draft, key: Key, sweep: Sweep, one: Trial) -> Json:
    """All that a trial has said, where the sweep does not name one metric."""
    found: dict[str, Json] = {}
    for run in stories(draft, key.child(trial(one.number)), sweep.trial):
        found = {**run.outputs, **run.metrics, **found}
    return found


def _run(draft: Draft, key: Key, number: int) -> RunRecord | None:
    return draft.run(latest(draft, key, (*key.place, tuner(number))))


def _said(run: RunRecord) -> list[Mapping[str, Json]] | str:
    """What a tuner suggests; or what is wrong with that, to follow its name."""
    said = run.outputs.get(SUGGESTIONS)
    if said is None:
        return f"ended without an output `{SUGGESTIONS}`"
    if isinstance(said, str):
        try:
            said = json.loads(said)
        except ValueError:
            return f"wrote `{SUGGESTIONS}` that are no JSON"
    if not isinstance(said, list | tuple) or not all(isinstance(one, Mapping) for one in said):
        return f"wrote `{SUGGESTIONS}` that are no list of mappings"
    if len(said) > _MOST:
        return f"suggested {len(said):,} trials at once, more than {_MOST:,}"
    return [one for one in said if isinstance(one, Mapping)]
