"""What lets a node of a DAG start, by what the nodes that it waits for have come to: its events, skips and trigger.

Reads the draft alone and records nothing. See docs/starts.md.
"""

from __future__ import annotations

from collections.abc import Mapping

from planner.desire.nodes import effective, entered, latest
from planner.desire.rollup import trigger
from planner.desire.view import Draft
from planner.keys import Key
from planner.model.desired import Node
from planner.model.status import FINAL, RunStatus

__all__ = ["decide", "words"]

Ends = Mapping[str, RunStatus]
"""Statuses of the nodes that a node waits for, by name."""


def decide(draft: Draft, parent: Key, node: Node, ends: Ends) -> RunStatus | None:
    """Whether a node may start: None to wait, CREATED to start, or the final status decided for it.

    Args:
        draft: the state.
        parent: the DAG.
        node: it.
        ends: what it waits for.
    """
    if _happened(draft, parent, node, ends):
        return RunStatus.CREATED
    if node.skip_on_upstream_skip and RunStatus.SKIPPED in ends.values():
        return RunStatus.SKIPPED
    return trigger(node.trigger, ends.values())


def words(node: Node, status: RunStatus, ends: Ends) -> tuple[str, str]:
    """Why a node has a record, and why it ended without a start."""
    if status is RunStatus.SKIPPED:
        names = ", ".join(name for name, end in ends.items() if end is RunStatus.SKIPPED)
        return f"decided by its upstream ({names})", f"skipped with {names}"
    names = ", ".join(name for name, end in ends.items() if end not in {RunStatus.SUCCEEDED, RunStatus.SKIPPED})
    reason = f"trigger {node.trigger} cannot be met"
    return f"decided by its upstream ({names})", f"{reason}: {names}" if names else reason


def _happened(draft: Draft, parent: Key, node: Node, ends: Ends) -> bool:
    """Whether an event starts the node: another node has been in a status that it waits for."""
    for event in node.events:
        run = draft.run(latest(draft, parent, (*parent.place, event.upstream)))
        been = entered(effective(draft, run)) if run is not None else _of_dag(ends[event.upstream])
        if not FINAL.issuperset(been.intersection(event.statuses)):
            return True
    return False


def _of_dag(status: RunStatus) -> frozenset[str]:
    """Statuses that a node without a record has been in: it is a DAG that began, or did not start yet."""
    return frozenset({str(status)} if status is RunStatus.CREATED else {str(status), "processing"})
