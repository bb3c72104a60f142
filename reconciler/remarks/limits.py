"""Which comments are still heard: not those that were, that are too old, or that are too many. Reads nothing.

It goes by when a comment was written, so that a later look at the same comments finds the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from planner.model.pulls import Heard, PullRecord
from reconciler.ports_remarks import Remark

__all__ = ["OLDEST", "is_due", "is_edited", "kept", "too_many"]

OLDEST = timedelta(days=1)
"""What was written before that is not obeyed any more: the world is another one."""
_WINDOW = timedelta(hours=1)
_OF_ONE = 10
"""Comments with commands of one person on one pull request, in any hour."""
_OF_STRANGERS = 10
"""The same of all together who may not give any: they cannot use up what others have."""
_ALIKE = timedelta(seconds=1)
"""Forges take two readings of the clock for one comment."""


def is_due(remark: Remark, record: PullRecord, began: datetime, now: datetime) -> bool:
    """Whether a comment is new, and written while somebody listened."""
    # Forges tell whole seconds, and leave away the rest.
    oldest = max(record.since or began, now - OLDEST).replace(microsecond=0)
    if remark.is_program or remark.at < oldest:
        return False
    return all(one.ident != remark.ident for one in record.heard)


def too_many(remark: Remark, heard: Iterable[Heard], *, allowed: bool) -> bool:
    """Whether its author has said enough for the hour before it."""
    recent = [one for one in heard if remark.at - _WINDOW < one.at <= remark.at]
    if sum(one.account == remark.account for one in recent) >= _OF_ONE:
        return True
    return not allowed and sum(not one.allowed for one in recent) >= _OF_STRANGERS


def is_edited(remark: Remark) -> bool:
    """Whether somebody changed it, who may be another than its author."""
    return abs(remark.changed - remark.at) > _ALIKE


def kept(heard: Iterable[Heard], now: datetime) -> tuple[Heard, ...]:
    """Those that could be heard again."""
    return tuple(one for one in heard if one.at >= now - OLDEST - _WINDOW)
