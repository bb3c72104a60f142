"""What runs that no change caused are opened with."""

from __future__ import annotations

from planner.desire.view import Draft
from planner.model.records import Applied

__all__ = ["form_commit"]


def form_commit(draft: Draft, applied: Applied) -> str:
    """The commit whose trees the form in force names."""
    planned = draft.state.record.planned
    newest = planned is not None and planned.digest == applied.digest
    return planned.commit if planned is not None and newest else applied.commit
