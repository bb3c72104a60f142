"""What commits say in the suite of forges."""

from __future__ import annotations

from datetime import UTC, datetime

from planner.model.commits import StatusRecord, StatusState

PENDING, SUCCESS, FAILURE = StatusState.PENDING, StatusState.SUCCESS, StatusState.FAILURE
AT = datetime(2026, 11, 26, tzinfo=UTC)


def said(commit: str, root: str = "", state: StatusState = PENDING, description: str = "words") -> StatusRecord:
    """A status, as the ledger has it."""
    context = f"plumbline/test/{root}" if root else "plumbline/test"
    return StatusRecord(commit, context, root, state, description, AT)
