"""Trials of a sweep, as records have them: which there are, and what each was made with. Decides nothing."""

from __future__ import annotations

from collections.abc import Mapping

from planner.canon import Json
from planner.desire.nodes import effective, latest, operation_of
from planner.desire.view import Draft
from planner.fold import RootState
from planner.fold.own import below
from planner.keys import Key, is_trial
from planner.keys import trial as trial_name
from planner.model.artifacts import Earlier
from planner.model.desired import Sweep
from planner.model.records import RunRecord
from planner.model.search import HyperbandSearch, Suggestion
from planner.query import original_of

__all__ = ["params_of", "promoted_from", "suggested", "sweep_above", "trials_of"]


def trials_of(draft: Draft, sweep: Key) -> list[tuple[Key, Suggestion]]:
    """The trials of a sweep in the order of their numbers: the place of each, and what it was made with."""
    depth = len(sweep.place)
    keys = [
        key
        for key in below(draft.state.runs, sweep)
        if len(key.place) == depth + 1 and not key.round and is_trial(key.place[depth])
    ]
    found = ((key, draft.state.runs[key].suggestion) for key in sorted(keys, key=lambda key: int(key.place[depth])))
    return [(key, said) for key, said in found if said is not None]


def suggested(draft: Draft, run: RunRecord) -> Suggestion | None:
    """What a trial was made with, whichever round of it this is; None for what is no trial."""
    if run.suggestion is not None or not run.key.round:
        return run.suggestion
    first = draft.run(run.key.node)
    return first.suggestion if first is not None else None


def params_of(draft: Draft, run: RunRecord) -> Mapping[str, Json]:
    """The values that a sweep gives to its trial, or to its tuner, in each round; none for what is neither."""
    found = suggested(draft, run)
    if found is not None:
        return found.params
    first = draft.run(run.key.node) if run.key.round and run.key.place else None
    return first.given if first is not None else {}


def sweep_above(state: RootState, key: Key) -> Key | None:
    """The sweep that a run is a trial of, or part of one; the outermost, and None for what is none."""
    for depth, name in enumerate(key.place):
        above = state.runs.get(Key(key.root, key.cause, key.place[:depth]))
        if above is not None and above.kind == "matrix" and is_trial(name):
            return above.key
    return None


def promoted_from(draft: Draft, run: RunRecord) -> Earlier | None:
    """Whose artifacts a run starts with, as it is of a trial that goes on from another one with more of a resource."""
    for depth in range(len(run.key.place), 0, -1):
        trial = draft.run(Key(run.key.root, run.key.cause, run.key.place[:depth]))
        said = trial.suggestion if trial is not None else None
        if trial is None or said is None or said.origin is None:
            continue
        sweep = draft.run(latest(draft, trial.key, trial.key.place[:-1]))
        operation = operation_of(draft, sweep) if sweep is not None else None
        search = operation.body.search if operation is not None and isinstance(operation.body, Sweep) else None
        if not isinstance(search, HyperbandSearch) or not search.resume:
            return None
        place = (*run.key.place[: depth - 1], trial_name(said.origin), *run.key.place[depth:])
        origin = draft.run(latest(draft, run.key, place))
        story = effective(draft, origin) if origin is not None else None
        return Earlier(original_of(story) or story.key, copy=True) if story is not None else None
    return None
