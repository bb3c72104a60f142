"""Statuses of runs, in the reference's words (section 18), and reasons of stops.

Which status may follow which is in `planner.model.lifecycle`. This file does not know what a run is.
"""

from __future__ import annotations

from enum import StrEnum

__all__ = ["FINAL", "LIVE", "RunStatus", "StopReason"]


class RunStatus(StrEnum):
    """The status of a run, leaf or parent."""

    CREATED = "created"  # wanted; waits for its place in the queue
    ON_SCHEDULE = "on_schedule"  # its tick is decided, its start is later (jitter)
    QUEUED = "queued"  # waits for a slot
    SCHEDULED = "scheduled"  # the intent is recorded
    STARTING = "starting"  # the backend has it
    RUNNING = "running"
    PROCESSING = "processing"  # a parent whose children run
    RETRYING = "retrying"  # an attempt ended, the next is due
    WARNING = "warning"  # runs, but not as it should (a service that is not ready)
    UNSCHEDULABLE = "unschedulable"
    STOPPING = "stopping"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UPSTREAM_FAILED = "upstream_failed"
    STOPPED = "stopped"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"  # an effect passed its deadline; only an observation settles it

    @property
    def final(self) -> bool:
        """Whether nothing but a recorded round leaves it."""
        return self in FINAL


FINAL = frozenset(
    {
        RunStatus.SUCCEEDED,
        RunStatus.FAILED,
        RunStatus.UPSTREAM_FAILED,
        RunStatus.STOPPED,
        RunStatus.SKIPPED,
    }
)
LIVE = frozenset(RunStatus) - FINAL


class StopReason(StrEnum):
    """Why an attempt or run ended or is being stopped. `planner.desire.stops` says what each one means next."""

    # ended: has happened
    EXITED = "exited"
    TIMEOUT = "timeout"
    EARLY_STOPPING = "early-stopping"
    REPLACED = "replaced"  # by a later tick
    CULLED = "culled"
    FATAL = "fatal"  # its failure policy says that no other attempt can do better
    # decided: stays down
    BY_PERSON = "stopped-by-person"
    DELETED = "deleted-by-other"
    # withdrawn: wanted again only if desired state still wants it
    PRUNED = "pruned"
    SUPERSEDED = "superseded"
    DRAINED = "drained"
    # lost: a new attempt by retry policy
    NODE_LOST = "node-lost"
    EVICTED = "evicted"
    PREEMPTED = "preempted"
    IGNORED = "ignored"  # its failure policy says that this end does not count
    LOST = "lost"  # seen once and gone without an end
