"""Early stopping of a DAG: when it ends before all of its operations have (reference, section 14; docs/starts.md).

Asked until a rule says so, and never again: what is stopped then is no failure of its own. Reads the draft alone and
records nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from planner.canon import Json
from planner.desire.nodes import effective, latest
from planner.desire.view import Draft
from planner.keys import Key
from planner.model.desired import Dag
from planner.model.status import RunStatus
from planner.query.subject import number_of

__all__ = ["EarlyEnd", "early_end"]

_FAILED = frozenset({RunStatus.FAILED, RunStatus.UPSTREAM_FAILED})


@dataclass(frozen=True, slots=True)
class EarlyEnd:
    """How a DAG ends that a rule ends: its status, and why."""

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
        found = _too_many_failed(rule, leaves) or _good_enough(draft, top, rule, leaves)
        if found is not None:
            return found
    return None


def _leaves(dag: Dag, above: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for node in dag.nodes:
        here = (*above, node.operation.name)
        if isinstance(node.operation.body, Dag):
            yield from _leaves(node.operation.body, here)
        else:
            yield here


def _too_many_failed(rule: Mapping[str, Json], leaves: Mapping[tuple[str, ...], RunStatus]) -> EarlyEnd | None:
    percent = number_of(rule.get("percent"))
    if rule.get("kind") != "failure_early_stopping" or percent is None:
        return None
    failed = sum(status in _FAILED for status in leaves.values())
    if not failed or failed * 100 < percent * len(leaves):
        return None
    return EarlyEnd(
        RunStatus.FAILED, f"stopped early: {failed} of {len(leaves)} failed, and {percent:g} % are too many"
    )


def _good_enough(
    draft: Draft, top: Key, rule: Mapping[str, Json], leaves: Mapping[tuple[str, ...], RunStatus]
) -> EarlyEnd | None:
    wanted = number_of(rule.get("value"))
    if rule.get("kind") != "metric_early_stopping" or wanted is None:
        return None
    name, maximize = str(rule.get("metric")), rule.get("optimization") == "maximize"
    for place in leaves:
        run = draft.run(latest(draft, top, place))
        story = effective(draft, run) if run is not None else None
        value = number_of(story.metrics.get(name, story.outputs.get(name))) if story is not None else None
        if value is not None and (value >= wanted if maximize else value <= wanted):
            where = "/".join(place)
            return EarlyEnd(
                RunStatus.SUCCEEDED, f"stopped early: {name} of {where} is {value:g}, and {wanted:g} will do"
            )
    return None
