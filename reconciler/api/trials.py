"""The trials of a sweep as the ledger has them. Reads by key only, so that the cost goes with the trials."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from planner import keys
from planner.desire.measured import reported, was_cut
from planner.findings import Tried
from planner.keys import Key
from planner.model.desired import CompiledOperation, Dag, Sweep
from planner.model.records import RunRecord
from planner.model.search import Goal, Suggestion
from planner.model.status import RunStatus
from reconciler.api.stories import MOST_TRIALS, Story, tell
from reconciler.core import Core

__all__ = ["Looked", "goal_of", "trials_of"]

_PAGE = 500


@dataclass(frozen=True, slots=True)
class Looked:
    """One trial with its records.

    Attributes:
        tried: what counts of it.
        story: its own record, in its newest round.
        suggestion: what it was made with.
        started_at: when something of it that ran for it started first; of one that was taken over whole, when that did.
        latest: of one that is not over, what it last reported of the metric.
        reason: why it ended as it did, or "".
    """

    tried: Tried
    story: Story
    suggestion: Suggestion
    started_at: datetime | None
    latest: float | None
    reason: str


def goal_of(sweep: Sweep) -> Goal | None:
    """What its search goes by; else what a rule of early stopping waits for; None for neither."""
    if sweep.goal is not None:
        return sweep.goal
    for rule in sweep.early_stopping:
        if rule.get("kind") == "metric_early_stopping":
            return Goal(str(rule.get("metric")), rule.get("optimization") != "minimize")
    return None


async def trials_of(core: Core, sweep: Key, body: Sweep, goal: Goal | None) -> list[Looked]:
    """The trials of the run `sweep` that there are, by number, the first `MOST_TRIALS` of them."""
    tops = await tell(core, [sweep.top], newest=False)
    top = tops[sweep.top].node if sweep.top in tops else None
    found: list[Looked] = []
    while len(found) < MOST_TRIALS:
        places = [sweep.node.child(keys.trial(len(found) + index)) for index in range(_PAGE)]
        page = await _page(core, top, places, body.trial, goal)
        found += page
        if len(page) < _PAGE:  # numbers have no gaps
            break
    return found[:MOST_TRIALS]


async def _page(
    core: Core, top: RunRecord | None, places: Sequence[Key], trial: CompiledOperation, goal: Goal | None
) -> list[Looked]:
    """Those of `places` that have a record."""
    first = await tell(core, places, newest=False)
    there = [place for place in places if place in first]
    leaves = {place: [_newest(top, leaf) for leaf in _leaves(place, trial)] for place in there}
    wanted = {_newest(top, place) for place in there}.union(*leaves.values())
    told = await tell(core, wanted, newest=False) if wanted else {}
    found = []
    for place in there:
        own = told.get(_newest(top, place)) or first[place]
        suggestion = first[place].node.suggestion
        if suggestion is not None:
            below = [told[leaf] for leaf in leaves[place] if leaf in told]
            found.append(_looked(own, below, suggestion, goal))
    return found


def _newest(top: RunRecord | None, place: Key) -> Key:
    return place.at_round(top.round_of(place.place)) if top is not None else place


def _leaves(place: Key, operation: CompiledOperation) -> Iterator[Key]:
    """The leaves of a trial, the last operation first, as a search reads them."""
    if isinstance(operation.body, Dag):
        for node in reversed(operation.body.nodes):
            yield from _leaves(place.child(node.operation.name), node.operation)
    else:
        yield place


def _looked(own: Story, leaves: Sequence[Story], suggestion: Suggestion, goal: Goal | None) -> Looked:
    own = replace(own, begun=own.run.is_parent and any(one.status is not RunStatus.CREATED for one in leaves))
    runs = [story.source for story in leaves]
    counts = own.status is RunStatus.SUCCEEDED or (own.status.final and any(map(was_cut, runs)))
    said = (reported(run, goal.metric) for run in runs) if goal is not None and counts else ()
    # What was carried over or cached ran at another time: the trial took as long as the rest of it did.
    ran = [story.source for story in leaves if story.run.own] or runs
    starts = [run.started_at for run in ran if run.started_at is not None]
    ends = [run.finished_at for run in (own.source, *runs) if run.finished_at is not None]
    at_work = not own.status.final and own.status is not RunStatus.CREATED
    tried = Tried(
        number=int(own.run.key.place[-1]),
        status=str(own.status),
        params=suggestion.params,
        value=next((value for value in said if value is not None), None),
        over=own.status.final,
        running=at_work,
        ended_at=max(ends, default=None) if own.status.final else None,
        bracket=suggestion.bracket,
        rung=suggestion.rung,
    )
    lately = (run.progress[goal.metric].last for run in runs if goal is not None and goal.metric in run.progress)
    latest = next(lately, None) if not own.status.final else None
    return Looked(tried, own, suggestion, min(starts, default=None), latest, _reason(own, leaves))


def _reason(own: Story, leaves: Sequence[Story]) -> str:
    if own.run.reason or own.source.reason:
        return own.run.reason or own.source.reason
    failed = (story for story in reversed(leaves) if story.status is RunStatus.FAILED)
    return next((f"{'/'.join(one.run.key.place[-1:])}: {one.source.reason}" for one in failed), "")
