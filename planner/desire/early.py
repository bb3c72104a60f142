"""Early stopping: when a DAG or a sweep ends before all that is below it has (reference, section 14; docs/starts.md).

Asked until a rule says so, and never again: what is stopped then is no failure of its own. Reads the draft alone and
records nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from planner import keys
from planner.canon import Json
from planner.desire.measured import reported
from planner.desire.nodes import effective, latest
from planner.desire.scoring import courses_of
from planner.desire.stopping import stop_tree
from planner.desire.view import Draft
from planner.keys import Key
from planner.model.desired import Dag, Sweep
from planner.model.records import RunRecord
from planner.model.search import Trial
from planner.model.status import RunStatus, StopReason
from planner.query.subject import number_of
from planner.search import most
from planner.search.stopping import Course, Reached, reached, stops, too_many_failed

__all__ = ["EarlyEnd", "cut_early", "early_end", "ended_early"]

_FAILED = frozenset({RunStatus.FAILED, RunStatus.UPSTREAM_FAILED})


@dataclass(frozen=True, slots=True)
class EarlyEnd:
    """How a DAG or a sweep ends that a rule ends: its status, and why."""

    status: RunStatus
    reason: str


def early_end(draft: Draft, top: Key, dag: Dag, statuses: Mapping[tuple[str, ...], RunStatus]) -> EarlyEnd | None:
    """The first rule that ends the DAG `top`; None where none does.

    Args:
        draft: the state.
        top: the run of the DAG.
        dag: it.
        statuses: of its operations by place, those of DAGs inside included.
    """
    if not dag.early_stopping:
        return None
    places = list(_leaves(dag, ()))
    failed = sum(statuses.get(place, RunStatus.CREATED) in _FAILED for place in places)
    runs = [(number, draft.run(latest(draft, top, place))) for number, place in enumerate(places)]
    stories = [(number, effective(draft, run)) for number, run in runs if run is not None]
    for rule in dag.early_stopping:
        courses = [_course(number, story, str(rule.get("metric"))) for number, story in stories]
        found = _ended(rule, courses, failed, len(places))
        if found is not None:
            return _named(rule, found, "/".join(places[found.number])) if isinstance(found, Reached) else found
    return None


def ended_early(draft: Draft, sweep: Sweep, trials: Sequence[Trial], key: Key) -> EarlyEnd | None:
    """The first rule that ends the sweep `key` with these trials; None where none does.

    Failures count against all trials that there may be, where that is known.
    """
    if not sweep.early_stopping:
        return None
    total = max(most(sweep.search) or 0, len(trials))
    for rule in sweep.early_stopping:
        if rule.get("policy") is not None:
            continue  # it stops single trials
        courses = courses_of(draft, sweep, trials, key, str(rule.get("metric")))
        found = _ended(rule, courses, sum(course.failed for course in courses), total)
        if found is not None:
            return _named(rule, found, keys.trial(found.number)) if isinstance(found, Reached) else found
    return None


def _ended(rule: Mapping[str, Json], courses: Sequence[Course], failed: int, total: int) -> EarlyEnd | Reached | None:
    """How a rule ends the whole, or who is good enough for it."""
    if too_many_failed(rule, failed, total):
        return _failures(failed, total, rule)
    return reached(rule, courses)


def cut_early(draft: Draft, sweep: Sweep, trials: Sequence[Trial], key: Key) -> bool:
    """Stop the trials that a policy stops now; whether there are any."""
    cuts = [
        cut
        for rule in sweep.early_stopping
        if rule.get("policy") is not None
        for cut in stops(rule, courses_of(draft, sweep, trials, key, str(rule.get("metric"))))
    ]
    for cut in cuts:
        stop_tree(
            draft, key.child(keys.trial(cut.number)), StopReason.EARLY_STOPPING, words=f"stopped early: {cut.reason}"
        )
    return bool(cuts)


def _leaves(dag: Dag, above: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for node in dag.nodes:
        here = (*above, node.operation.name)
        if isinstance(node.operation.body, Dag):
            yield from _leaves(node.operation.body, here)
        else:
            yield here


def _course(number: int, run: RunRecord, metric: str) -> Course:
    """How an operation of a DAG goes; one that has failed has said what it said."""
    progress = None if run.status.final else run.progress.get(metric)
    return Course(number, running=not run.status.final, progress=progress, value=reported(run, metric))


def _failures(failed: int, total: int, rule: Mapping[str, Json]) -> EarlyEnd:
    percent = number_of(rule.get("percent")) or 0
    return EarlyEnd(RunStatus.FAILED, f"stopped early: {failed} of {total} failed, and {percent:g} % are too many")


def _named(rule: Mapping[str, Json], good: Reached, where: str) -> EarlyEnd:
    wanted = number_of(rule.get("value")) or 0
    metric = rule.get("metric")
    return EarlyEnd(
        RunStatus.SUCCEEDED, f"stopped early: {metric} of {where} is {good.value:g}, and {wanted:g} will do"
    )
