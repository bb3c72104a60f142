"""What Kueue says of a job of ours in its queue, by its Workload: why it waits, and why its place was taken.

Its words are for people, without what differs from one try to the next. What this must never do: decide by words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.backends.kubernetes import names
from reconciler.backends.kubernetes.status import words
from reconciler.backends.kubernetes.status.read import Object, condition, denied, section, text
from reconciler.backends.kubernetes.status.stop import told

__all__ = ["SUSPENDED", "Queued", "is_taken", "taken", "waiting"]

SUSPENDED = "somebody suspended it"
"""What no queue has done."""

_UIDS = re.compile(r" ?\((?:Job)?UID: [^)]*\)")


@dataclass(frozen=True, slots=True)
class Queued:
    """What is known of a job in a queue of Kueue.

    Attributes:
        workload: what Kueue has made of it; None where there is none, or none is known.
        trouble: why none is known, or "".
    """

    workload: Object | None = None
    trouble: str = ""


def waiting(job: Object, queued: Queued) -> str:
    """Why a job that is suspended does not begin; "" where it is about to."""
    workload = queued.workload
    if not _is_queued(job):
        return SUSPENDED
    if workload is None:
        return "it is suspended, and waits for its queue" + (f": {words.cut(queued.trouble)}" if queued.trouble else "")
    finished = condition(workload, "Finished")
    if finished:
        return _with("its queue gave it up", finished)
    if condition(workload, "QuotaReserved"):
        checked = denied(workload, "Admitted")
        return _with("it has its place in the queue, and waits for what the queue checks", checked) if checked else ""
    return _with("it waits for its queue", denied(workload, "QuotaReserved") or condition(workload, "Evicted"))


def is_taken(job: Object, pods: Sequence[Object], queued: Queued) -> bool:
    """Whether somebody else suspended a job that had begun, and that we have not told to end.

    Kueue says so of its own; and whoever suspends a Job has its pod ended.
    """
    if section(job, "spec").get("suspend") is not True or told(job) is not None:
        return False
    ending = any(text(section(pod, "metadata"), "deletionTimestamp") for pod in pods)
    return ending or bool(condition(queued.workload or {}, "Evicted"))


def taken(job: Object, queued: Queued) -> str:
    """Why a job that had begun was suspended by somebody else."""
    if not _is_queued(job):
        return SUSPENDED
    return _with("its queue took its place from it", condition(queued.workload or {}, "Evicted"))


def _is_queued(job: Object) -> bool:
    """Also where Kueue itself has put it into the queue of its namespace."""
    return names.QUEUE in section(job, "metadata", "labels")


def _with(what: str, said: Object) -> str:
    message = words.cut(_UIDS.sub("", text(said, "message")))
    return f"{what}: {message}" if message else what
