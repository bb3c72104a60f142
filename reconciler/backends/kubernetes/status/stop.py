"""That an attempt was told to end: the note on its workload, which is written before anything of it is ended."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from planner.canon import Json
from planner.model.status import StopReason
from reconciler.backends.kubernetes import names
from reconciler.backends.kubernetes.status.read import Object, annotation

__all__ = ["NEVER", "Told", "note", "seconds_of", "told"]

NEVER = "stopped before it started"


@dataclass(frozen=True, slots=True)
class Told:
    """When and why an attempt was told to end.

    Attributes:
        at: when it was first told.
        grace: seconds between TERM and KILL, the shortest that was asked for.
        reason: `exited` for a stop, whose reason the ledger knows; `timeout` for what the daemon ended as its
            time was over, `preempted` for a job that somebody else suspended.
    """

    at: datetime
    grace: float
    reason: StopReason = StopReason.EXITED


def note(stop: Told) -> dict[str, Json]:
    """The note as it is written."""
    return {"at": stop.at.astimezone(UTC).isoformat(), "grace": stop.grace, "reason": str(stop.reason)}


def told(workload: Object) -> Told | None:
    """The note of a workload; None where it was not told to end. One that cannot be read was."""
    said = annotation(workload, names.STOP)
    if not said:
        return None
    try:
        found = json.loads(said)
        return Told(datetime.fromisoformat(found["at"]), float(found["grace"]), StopReason(found["reason"]))
    except (ValueError, LookupError, TypeError):
        return Told(datetime(1970, 1, 1, tzinfo=UTC), 0.0)


def seconds_of(workload: Object, name: str) -> float | None:
    """What an annotation of a workload says, as `names.TIMEOUT` and `names.GRACE`; None where it says no number."""
    try:
        return float(annotation(workload, name))
    except ValueError:
        return None
