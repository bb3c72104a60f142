"""From the objects of an attempt to the observation of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from planner.model.run import Observation, Phase
from reconciler.backends.kubernetes import names
from reconciler.backends.kubernetes.status.job import of_job
from reconciler.backends.kubernetes.status.pods import images_of
from reconciler.backends.kubernetes.status.queue import Queued
from reconciler.backends.kubernetes.status.read import Object, instant, section, text
from reconciler.backends.kubernetes.status.service import of_deployment

__all__ = ["Objects", "observe"]


_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Objects:
    """What the API server has of an attempt.

    Attributes:
        kind: of the workload: `Job` or `Deployment`. Objects of a list do not say it themselves.
        workload: it, with its metadata, its status, and of its spec `suspend`, `parallelism` and `replicas`.
        pods: all of its pods that there are. Once a Job has ended they must have been read after it: the look at its
            pod that says how it ended must not be older than the Job's.
        events: warnings of the workload and of its pods, where they were read.
        ways: how what leads to a service is not as it was left; "" where it is.
        queued: what is known of a Job in its queue.
    """

    kind: str
    workload: Object
    pods: Sequence[Object] = ()
    events: Sequence[Object] = ()
    ways: str = ""
    queued: Queued = field(default=Queued())


def observe(objects: Objects) -> Observation:
    """The observation of an attempt.

    Raises:
        ValueError: the workload is none of ours.
    """
    metadata = section(objects.workload, "metadata")
    key = names.key_of(metadata)
    if key is None:
        raise ValueError(f"{text(metadata, 'name')} has no key of a run")
    images = images_of(objects.pods)
    first = Observation(key, Phase.STARTING, stamp=names.stamp_of(metadata), images=images, drift=objects.ways)
    if objects.kind == "Deployment":
        seen = of_deployment(objects.workload, objects.pods, objects.events, first)
    else:
        seen = of_job(objects.workload, objects.pods, objects.events, objects.queued, first)
    if seen.phase is Phase.ENDED and seen.ended_at is None:  # a server that leaves out when; that it did is known
        return replace(seen, ended_at=seen.started_at or instant(metadata, "creationTimestamp") or _LONG_AGO)
    return seen
