"""Whether a root rests: it waits for an instant, or for something that is recorded about it, and for nothing else.

A root that rests need not be planned when the daemon starts: what it waits for is an instant that can be kept, and
whatever else could make a plan of it say anything new changes its record first. Where that is not certain, it does
not rest. This module must never look at the clock: a root rests, or does not, at any instant before its next one.
"""

from __future__ import annotations

from planner.desire.view import Draft
from planner.model.records import RootRecord

__all__ = ["rests"]


def rests(draft: Draft) -> bool:
    """Whether planning what `draft` leads to has nothing to say before its next wake, unless the record changes.

    Attempts that are not cleaned yet do not count here: who asks for them does so by the runs (`Ledger.awake`).
    """
    record = draft.state.record
    if draft.missing or draft.ready or draft.waits or draft.watched or draft.view.suspended is not None:
        return False
    return not _is_owed_anything(record) and record.in_force and _is_readable(draft, record)


def _is_owed_anything(record: RootRecord) -> bool:
    """Whether something of it is open, asked for or held, or somebody waits to be told of it."""
    backfills = any(not one.over for one in record.backfills)
    asked = record.commands or record.events or record.holds or record.suspended is not None
    return bool(record.open or record.reports or asked or backfills)


def _is_readable(draft: Draft, record: RootRecord) -> bool:
    """Whether its forms could be read: from one that could not nothing was concluded."""
    forms = {one.form for one in (record.planned, record.applied) if one is not None} - {""}
    return all(draft.form(form) is not None for form in forms)
