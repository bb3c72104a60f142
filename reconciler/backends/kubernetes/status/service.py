"""What a Deployment says of its attempt (decision 0079).

Kubernetes starts its pods again by itself, so nothing that happens to a pod ends the attempt: it ends when it was told
to and no pod is left, or when somebody removes the Deployment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from planner.model.run import Observation, Phase
from planner.model.status import StopReason
from reconciler.backends.kubernetes import names
from reconciler.backends.kubernetes.status import pods as of_pod
from reconciler.backends.kubernetes.status import words
from reconciler.backends.kubernetes.status.read import Object, annotation, condition, denied, instant, section, text
from reconciler.backends.kubernetes.status.stop import NEVER, told

__all__ = ["drift_of", "of_deployment"]


def of_deployment(
    workload: Object, pods: Sequence[Object], events: Sequence[Object], first: Observation
) -> Observation:
    """The observation of an attempt whose workload is a Deployment; the arguments are those of `of_job`.

    `first` has how the ways to it drifted.
    """
    stop = told(workload)
    deleted = instant(section(workload, "metadata"), "deletionTimestamp")
    left = [pod for pod in pods if not of_pod.is_over(pod)]
    available = instant(condition(workload, "Available"), "lastTransitionTime")
    found = [at for at in map(of_pod.started_at, pods) if at is not None]
    started = min(found, default=None)
    if not left and stop is not None and _is_down(workload):
        return _ended(first, started or available, stop.at, stop.reason, "" if started or available else NEVER)
    if not left and deleted is not None:
        reason = StopReason.DELETED if stop is None else stop.reason
        return _ended(first, started or available, deleted, reason, "somebody deleted it" if stop is None else "")
    ready = stop is None and deleted is None and _is_ready(workload)
    return replace(
        first,
        phase=Phase.RUNNING if started is not None else Phase.STARTING,
        ready=ready,
        started_at=started,
        message="" if ready else _trouble(workload, left, events),
        drift="" if stop is not None or deleted is not None else drift_of(workload) or first.drift,
    )


def drift_of(workload: Object) -> str:
    """How a Deployment that nobody of ours told to end is not as it was made; "" where it is.

    Its generation counts the changes of what it asks for, whoever makes them and whatever they are.
    """
    metadata = section(workload, "metadata")
    ours = annotation(workload, names.GENERATION) or "1"
    return "" if str(metadata.get("generation") or ours) == ours else "somebody else changed its Deployment"


def _ended(first: Observation, started: datetime | None, at: datetime, reason: StopReason, message: str) -> Observation:
    at = at if started is None else max(at, started)
    return replace(first, phase=Phase.ENDED, started_at=started, ended_at=at, reason=reason, message=message, drift="")


def _is_current(workload: Object) -> bool:
    """Whether its status is about what it says now."""
    seen = section(workload, "status").get("observedGeneration")
    return isinstance(seen, int) and seen >= int(section(workload, "metadata").get("generation") or 0)


def _is_down(workload: Object) -> bool:
    wanted, status = section(workload, "spec").get("replicas", 1), section(workload, "status")
    gone = not status.get("replicas") and not status.get("terminatingReplicas")
    return wanted == 0 and gone and _is_current(workload)


def _is_ready(workload: Object) -> bool:
    """Whether every replica of what it says now is ready, and was so for long enough."""
    wanted, status = section(workload, "spec").get("replicas", 1), section(workload, "status")
    enough = all(int(status.get(name) or 0) >= wanted for name in ("availableReplicas", "updatedReplicas"))
    return wanted > 0 and enough and _is_current(workload)


def _trouble(workload: Object, pods: Sequence[Object], events: Sequence[Object]) -> str:
    failed = condition(workload, "ReplicaFailure")
    if failed:
        return words.not_made(text(failed, "message"))
    said = sorted(filter(None, (of_pod.trouble(pod, events) for pod in pods)))
    if said:
        return said[0]
    late = text(denied(workload, "Progressing"), "reason") == "ProgressDeadlineExceeded"
    return "it was not ready within its progress deadline" if late else ""
