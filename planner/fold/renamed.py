"""What a rename makes of two roots: the one that comes under a new name, and what stays behind under the old one."""

from __future__ import annotations

from planner.fold.root import RootState
from planner.model.records import RootRecord

__all__ = ["absorb", "left_behind"]


def absorb(state: RootState, left: RootRecord) -> RootState:
    """A renamed root, where an earlier root of its new name left `left` behind.

    Generation numbers go on above both, so that no key is made twice; what `left` still waits for stays open. Where
    nothing of the renamed root is in force, what was in force under its new name is so until something replaces it.
    """
    record = state.record
    is_absent = record.applied is None or record.applied.digest is None
    return state.with_record(
        applied=(left.applied or record.applied) if is_absent else record.applied,
        highest=max(record.highest, left.highest),
        open=(*left.open, *(key for key in record.open if key not in left.open)),
        commands=(*left.commands, *record.commands),
        reports=(*left.reports, *(report for report in record.reports if report not in left.reports)),
        suspended=record.suspended or left.suspended,
        held=(*left.held, *record.held),
        # Both may have heard of the same: it counts once.
        events=(*left.events, *(event for event in record.events if event not in left.events)),
    )


def left_behind(record: RootRecord) -> RootRecord:
    """What stays under the old name of a root that was renamed: its numbers, so that no key is made twice."""
    return RootRecord(record.name, highest=record.highest)
