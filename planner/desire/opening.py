"""What runs are opened with: those of ticks and events with the form in force, all below a top with what that has."""

from __future__ import annotations

from planner.desire.view import Draft
from planner.keys import Key
from planner.model.desired import CompiledOperation
from planner.model.facts import Opened
from planner.model.records import Applied, RunRecord

__all__ = ["commit_in_force", "opened", "opened_under"]


def opened(draft: Draft, operation: CompiledOperation, key: Key, because: str) -> Opened:
    """The record of a run of the form in force, to be added.

    Args:
        draft: of a root with a generation in force.
        operation: that form.
        key: of the run.
        because: why it runs.
    """
    applied = draft.state.record.applied
    assert applied is not None
    return Opened(
        root=draft.name,
        key=key,
        kind=operation.kind,
        commit=commit_in_force(draft, applied),
        generation=applied.number,
        form=operation.form,
        because=because,
        at=draft.now,
    )


def opened_under(draft: Draft, top: RunRecord, key: Key, kind: str, because: str) -> Opened:
    """The record of a node or a round of `top`, to be added.

    Args:
        draft: of its root.
        top: whose form, commit and generation it has.
        key: of the run.
        kind: of its operation.
        because: why it runs.
    """
    return Opened(
        root=draft.name,
        key=key,
        kind=kind,
        commit=top.commit,
        generation=top.generation,
        form=top.form,
        because=because,
        at=draft.now,
    )


def commit_in_force(draft: Draft, applied: Applied) -> str:
    """The commit whose trees the form in force names."""
    planned = draft.state.record.planned
    newest = planned is not None and planned.digest == applied.digest
    return planned.commit if planned is not None and newest else applied.commit
