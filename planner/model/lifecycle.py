"""The life of a run: what each status means, in which sets of the reference it is, and which may follow which.

One table (reference, section 18), read by the checks of the fold and by the page that is made of it. Final statuses are
left by nothing but a round that a person asked for, which is none of these steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from planner.model.status import FINAL, RunStatus

__all__ = ["MEANINGS", "SETS", "TRANSITIONS", "may_follow"]

_S = RunStatus

MEANINGS: Mapping[RunStatus, str] = MappingProxyType(
    {
        _S.CREATED: "wanted; waits for what comes before it, for a person, or for its place in the queue",
        _S.ON_SCHEDULE: "its tick is decided, its start is later (jitter)",
        _S.QUEUED: "waits for a slot of a cluster",
        _S.SCHEDULED: "the intent to start it is recorded",
        _S.STARTING: "the backend has it, its program does not run yet",
        _S.RUNNING: "its program runs; of a service, and answers",
        _S.PROCESSING: "a DAG of which something is done again",
        _S.RETRYING: "an attempt ended, and what follows is due",
        _S.WARNING: "runs, but not as it should: a service that does not answer",
        _S.UNSCHEDULABLE: "the cluster has no room for it",
        _S.STOPPING: "was told to end",
        _S.UNKNOWN: "an effect passed its deadline; only an observation settles it",
        _S.SUCCEEDED: "ended as it should",
        _S.FAILED: "ended otherwise, or could not start",
        _S.UPSTREAM_FAILED: "never started: what it waited for cannot let it any more",
        _S.STOPPED: "ended because somebody or something stopped it",
        _S.SKIPPED: "never started: its condition does not hold, or it skips with what it waits for",
    }
)
"""By status."""

SETS: Mapping[str, frozenset[RunStatus]] = MappingProxyType(
    {
        "pending": frozenset({_S.CREATED, _S.ON_SCHEDULE}),
        "waiting": frozenset({_S.CREATED, _S.ON_SCHEDULE, _S.RETRYING, _S.QUEUED}),
        "running": frozenset({_S.SCHEDULED, _S.STARTING, _S.PROCESSING, _S.RUNNING}),
        "warning": frozenset({_S.UNSCHEDULABLE, _S.WARNING, _S.UNKNOWN}),
        "done": FINAL,
    }
)
"""The sets of the reference (section 18.2), without statuses that no run here has."""

_DECIDED = dict.fromkeys((_S.SUCCEEDED, _S.FAILED, _S.UPSTREAM_FAILED, _S.STOPPED, _S.SKIPPED), "decided")
_UP = {
    _S.RETRYING: "attempt ended",
    _S.STOPPING: "told to stop",
}

TRANSITIONS: Mapping[RunStatus, Mapping[RunStatus, str]] = MappingProxyType(
    {
        _S.CREATED: {**_DECIDED, _S.SCHEDULED: "intent", _S.STOPPING: "told to stop"},
        _S.ON_SCHEDULE: {**_DECIDED, _S.SCHEDULED: "intent", _S.STOPPING: "told to stop"},
        _S.QUEUED: {**_DECIDED, **_UP, _S.STARTING: "seen", _S.RUNNING: "seen"},
        _S.SCHEDULED: {**_UP, _S.STARTING: "seen", _S.RUNNING: "seen", _S.WARNING: "seen", _S.UNKNOWN: "deadline"},
        _S.STARTING: {**_UP, _S.RUNNING: "seen", _S.WARNING: "seen", _S.UNSCHEDULABLE: "seen"},
        _S.RUNNING: {**_UP, _S.WARNING: "seen"},
        _S.WARNING: {**_UP, _S.RUNNING: "seen"},
        _S.UNSCHEDULABLE: {**_UP, _S.STARTING: "seen", _S.RUNNING: "seen"},
        _S.UNKNOWN: {**_UP, _S.STARTING: "seen", _S.RUNNING: "seen", _S.WARNING: "seen"},
        _S.PROCESSING: {_S.SUCCEEDED: "children", _S.FAILED: "children", _S.STOPPED: "children", _S.SKIPPED: "children"}
        | {_S.STOPPING: "told to stop"},
        _S.RETRYING: {
            _S.SCHEDULED: "intent",
            _S.STOPPING: "told to stop",
            _S.SUCCEEDED: "exit code",
            _S.FAILED: "exit code",
            _S.STOPPED: "decided",
        },
        _S.STOPPING: {_S.STOPPED: "ended", _S.SUCCEEDED: "ended", _S.FAILED: "ended", _S.SCHEDULED: "wanted again"}
        | {_S.UPSTREAM_FAILED: "decided", _S.SKIPPED: "decided"},
        **{status: {} for status in sorted(FINAL)},
    }
)
"""For each status those that may follow it, and by what."""


def may_follow(before: RunStatus, after: RunStatus) -> bool:
    """Whether a record may go from `before` to `after` (reference section 18.3, with our strict finals)."""
    return before == after or after in TRANSITIONS[before]
