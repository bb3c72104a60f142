"""Services that sleep: culled as idle, until somebody opens them. How that reads, and since when it is so."""

from __future__ import annotations

from planner.model.records import RootRecord
from planner.model.status import RunStatus, StopReason
from reconciler.api import views
from reconciler.api.stories import Story

__all__ = ["asleep", "culled", "sleep_words"]


def asleep(record: RootRecord, last: Story | None) -> bool:
    """Whether the newest run of an operation is a service that was culled, and nothing else is wanted of it."""
    return last is not None and culled(last) and record.down is None and not record.open


def culled(story: Story) -> bool:
    """Whether a run is over as nobody used it."""
    ended = story.source.last
    over = story.run.kind == "service" and story.status is RunStatus.STOPPED
    return over and ended is not None and ended.reason is StopReason.CULLED


def sleep_words(record: RootRecord, last: Story) -> str:
    """Since when it sleeps, and what wakes it."""
    since = last.run.finished_at or last.run.opened_at
    return f"sleeps since {views.instant(since)}, as nobody used it; plumbline open {record.name} wakes it"
