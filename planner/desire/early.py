"""Early stopping: when a DAG or a sweep ends before all that is below it has (reference, section 14; docs/starts.md).

Asked until a rule says so, and never again: what is stopped then is no failure of its own. Reads the draft alone and
records nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
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
from planner.search.stopping import reached, stops, too_many_failed

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
    leaves = {place: statuses.get(place, RunStatus.CREATED) for place in _leaves(dag, ())}
    for rule in dag.early_stopping:
        failed = sum(status in _FAILED for status in leaves.values())
        found = _too_many(rule, failed, len(leaves)) or _good_enough(draft, top, rule, leaves)
        if found is not None:
            return found
    return None


def ended_early(draft: Draft, sweep: Sweep, trials: Sequence[Trial], key: Key) -> EarlyEnd | None:
    """The first rule that ends the sweep `key` with these trials; None where none does.

    Failures count against all trials that there may be, where that is known.
    """
    if not sweep.early_stopping:
        return None
    total = max(most(sweep.search) or 0, len(trials))
    for rule in sweep.early_stopping:
        courses = courses_of(draft, sweep, trials, key, str(rule.get("metric")))
        failed = sum(course.failed for course in courses)
        if too_many_failed(rule, failed, total):
            return _failures(failed, total, rule)
        good = reached(rule, courses)
        if good is not None:
            return _enough(rule, keys.trial(good.number), good.value)
    return None


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


def _too_many(rule: Mapping[str, Json], failed: int, total: int) -> EarlyEnd | None:
    return _failures(failed, total, rule) if too_many_failed(rule, failed, total) else None


def _failures(failed: int, total: int, rule: Mapping[str, Json]) -> EarlyEnd:
    percent = number_of(rule.get("percent")) or 0
    return EarlyEnd(RunStatus.FAILED, f"stopped early: {failed} of {total} failed, and {percent:g} % are too many")


def _good_enough(
    draft: Draft, top: Key, rule: Mapping[str, Json], leaves: Mapping[tuple[str, ...], RunStatus]
) -> EarlyEnd | None:
    runs = ((place, draft.run(latest(draft, top, place))) for place in leaves)
    stories = (("/".join(place), effective(draft, run)) for place, run in runs if run is not None)
    return _first_good(rule, ((where, value) for where, story in stories for value in _values(story, rule)))


def _values(run: RunRecord, rule: Mapping[str, Json]) -> Iterator[float | None]:
    """What a run has come to, and while it runs the best that it has reported."""
    metric = str(rule.get("metric"))
    yield reported(run, metric)
    progress = run.progress.get(metric)
    if progress is not None and not run.status.final:
        yield progress.high if rule.get("optimization") == "maximize" else progress.low


def _first_good(rule: Mapping[str, Json], told: Iterable[tuple[str, float | None]]) -> EarlyEnd | None:
    wanted = number_of(rule.get("value"))
    if rule.get("kind") != "metric_early_stopping" or wanted is None:
        return None
    maximize = rule.get("optimization") == "maximize"
    for where, value in told:
        if value is not None and (value >= wanted if maximize else value <= wanted):
            return _enough(rule, where, value)
    return None


def _enough(rule: Mapping[str, Json], where: str, value: float) -> EarlyEnd:
    wanted = number_of(rule.get("value")) or 0
    return EarlyEnd(
        RunStatus.SUCCEEDED, f"stopped early: {rule.get('metric')} of {where} is {value:g}, and {wanted:g} will do"
    )
