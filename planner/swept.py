"""What a plan means for sweeps, by its effect and not by their trials: how many of them are new, and how many not.

Counts what planning has recorded; which trials there are and what is carried over is decided in `planner.desire`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from planner import keys
from planner.fold import RootState
from planner.fold.own import below
from planner.gpus import gpus_of
from planner.keys import Key
from planner.model.desired import CompiledOperation, Dag, Sweep
from planner.model.facts import Opened
from planner.model.plan import SweepEffect
from planner.model.records import RunRecord
from planner.model.search import Search
from planner.plan import RootPlan
from planner.trials import at_once, expected, sweeps_of

__all__ = ["Tally", "effects_of", "kind_of", "sweep_words", "tally"]


@dataclass(slots=True)
class Tally:
    """Trials of one sweep as they are recorded, by number, and by what becomes of them.

    Attributes:
        starts: recorded ones of which something starts.
        carried: those of which all that is known of them was carried over.
        cached: those that have what an equal run gave.
        others: those that run or have ended, and were not carried.
        unopened: how many more there may be.
    """

    starts: list[int] = field(default_factory=list)
    carried: list[int] = field(default_factory=list)
    cached: list[int] = field(default_factory=list)
    others: list[int] = field(default_factory=list)
    unopened: int = 0


def tally(state: RootState, key: Key, sweep: Sweep) -> Tally:
    """What becomes of the trials of the sweep `key`."""
    found = Tally()
    leaves: dict[int, list[RunRecord]] = {}
    depth = len(key.place)
    for run in (state.runs[name] for name in below(state.runs, key)):
        if len(run.key.place) > depth and keys.is_trial(run.key.place[depth]) and not run.key.round:
            own = leaves.setdefault(int(run.key.place[depth]), [])
            if not run.is_parent:
                own.append(run)
    whole = sum(1 for _ in _leaves(sweep.trial))
    for number, runs in leaves.items():
        trial = state.runs.get(key.child(keys.trial(number)))
        goes_on = trial is not None and any(_goes_on(state, trial, run) for run in runs)
        _of(found, runs, whole=goes_on or len(runs) >= whole).append(number)
    found.unopened = max(expected(sweep) - len(leaves), 0)
    return found


def _goes_on(state: RootState, trial: RunRecord, run: RunRecord) -> bool:
    """Whether a run of a trial that there was before is carried over while it runs: what follows is not there yet.

    A run alone does not tell: trials share what does not depend on their params, new ones as well.
    """
    source = state.runs.get(run.carried_from) if run.carried_from is not None else None
    if source is None or not source.alive or trial.suggestion is None:
        return False
    there = state.runs.get(Key(source.root, source.key.cause, trial.key.place))
    return there is not None and there.suggestion is not None and there.suggestion.params == trial.suggestion.params


def _of(found: Tally, runs: list[RunRecord], *, whole: bool) -> list[int]:
    """Where a trial belongs, by the records of its leaves; `whole` where no others are to be opened now."""
    if whole and runs and all(run.carried_from is not None for run in runs):
        return found.carried
    if whole and runs and all(run.carried_from is not None or run.cached_from is not None for run in runs):
        return found.cached
    return found.others if runs and all(run.status.final or run.alive for run in runs) else found.starts


def _leaves(operation: CompiledOperation) -> Iterator[CompiledOperation]:
    if isinstance(operation.body, Dag):
        for node in operation.body.nodes:
            yield from _leaves(node.operation)
    else:
        yield operation


def effects_of(
    root: RootPlan, operation: CompiledOperation, before: CompiledOperation | None
) -> tuple[SweepEffect, ...]:
    """What the plan of a root means for each of its sweeps.

    Args:
        root: the plan.
        operation: what the root is from now on.
        before: what was in force.
    """
    earlier = dict(sweeps_of(before)) if before is not None else {}
    applied = root.state.record.applied
    opened = {fact.key for fact in root.facts if isinstance(fact, Opened)}
    top = applied.key if applied is not None and applied.key in opened else None
    return tuple(_effect(root, place, sweep, earlier.get(place), top) for place, sweep in sweeps_of(operation))


def _effect(root: RootPlan, place: tuple[str, ...], sweep: Sweep, before: Sweep | None, top: Key | None) -> SweepEffect:
    goal = sweep.goal
    per, most = gpus_of(sweep.trial), at_once(sweep)
    found = Tally()
    if top is not None:
        found = tally(root.state, Key(top.root, top.cause, (*top.place, *place)), sweep)
    return SweepEffect(
        place="/".join(place),
        search=kind_of(sweep.search),
        trials=expected(sweep),
        before=expected(before) if before is not None else None,
        new=len(found.starts) + found.unopened if top is not None else None,
        reused=len(found.carried),
        cached=len(found.cached),
        at_once=most,
        metric=goal.metric if goal is not None else "",
        maximize=goal.maximize if goal is not None else True,
        gpus=per * most,
        tuned=sweep.tuner is not None,
    )


def kind_of(search: Search) -> str:
    """The kind of a search, as the language names it."""
    return type(search).__name__.removesuffix("Search").lower()


def sweep_words(sweep: SweepEffect) -> str:
    """A sweep as a phrase, such as `random: 12 to 18 trials, 6 new, 12 reused; 4 at once; minimizes loss`."""
    parts = [_count(sweep)]
    if sweep.at_once < sweep.trials:
        parts.append(f"{sweep.at_once} at once")
    if sweep.metric:
        parts.append(f"{'maximizes' if sweep.maximize else 'minimizes'} {sweep.metric}")
    if sweep.gpus:
        parts.append(f"{sweep.gpus} GPU{'' if sweep.gpus == 1 else 's'} at once")
    where = f"{sweep.place}: " if sweep.place else ""
    return f"{where}{sweep.search}: {'; '.join(parts)}"


def _count(sweep: SweepEffect) -> str:
    bound = "at least " if sweep.tuned else "" if sweep.search in {"mapping", "grid"} else "at most "
    total = f"{sweep.trials} trial{'' if sweep.trials == 1 else 's'}"
    changed = sweep.before is not None and sweep.before != sweep.trials
    words = [f"{sweep.before} to {total}" if changed else f"{bound}{total}"]
    if sweep.new is not None and (changed or sweep.reused or sweep.cached):
        words += [f"{sweep.new} new", f"{sweep.reused} reused"]
        words += [f"{sweep.cached} cached"] if sweep.cached else []
    return ", ".join(words)
