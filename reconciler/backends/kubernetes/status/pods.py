"""What a pod says: whether its program runs, what it waits for, how it ended.

A pod ends once. Which of its containers decided that, and whether it was the program's doing at all, is told here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from planner.model.status import StopReason
from reconciler.backends.kubernetes import layout
from reconciler.backends.kubernetes.status import words
from reconciler.backends.kubernetes.status.read import (
    Object,
    condition,
    container,
    containers,
    denied,
    instant,
    section,
    terminated,
    text,
)

__all__ = [
    "DELETED",
    "End",
    "about",
    "end_of",
    "has_started",
    "images_of",
    "is_over",
    "newest",
    "started_at",
    "trouble",
    "uid",
]

DELETED = "somebody deleted its pod"

_OUR_OWN = (layout.INIT, layout.SIDECAR)
_LOST = frozenset({"ContainerStatusUnknown", "Unknown"})
"""Reasons of an end that nobody saw: the machine went, or forgot its containers."""
_UNSTARTED = frozenset({"StartError", "ContainerCannotRun"})
_DISRUPTED = {
    "PreemptionByScheduler": StopReason.PREEMPTED,
    "DeletionByPodGC": StopReason.NODE_LOST,
    "EvictionByEvictionAPI": StopReason.EVICTED,
    "TerminationByKubelet": StopReason.EVICTED,
    "DeletionByTaintManager": StopReason.EVICTED,
}
_TROUBLE = ("FailedMount", "FailedAttachVolume", "FailedMapVolume", "FailedCreatePodSandBox", "Unhealthy")
"""Reasons of events that say why a pod is not there yet; the first is what is told."""


@dataclass(frozen=True, slots=True)
class End:
    """How a pod ended.

    Attributes:
        reason: why.
        code: of the container that decided it, as a program's; None where nothing ran.
        message: for people, or "".
    """

    reason: StopReason
    code: int | None
    message: str = ""


def uid(pod: Object) -> str:
    """What tells a pod from another one of its name."""
    return text(section(pod, "metadata"), "uid")


def newest(pods: Sequence[Object]) -> Object | None:
    """The pod that was made last."""
    return max(pods, key=lambda pod: (text(section(pod, "metadata"), "creationTimestamp"), uid(pod)), default=None)


def is_over(pod: Object) -> bool:
    """Whether all containers of a pod have ended for good."""
    return text(section(pod, "status"), "phase") in {"Succeeded", "Failed"}


def started_at(pod: Object) -> datetime | None:
    """When the program started; None before."""
    main = container(pod, layout.MAIN)
    for name in ("running", "terminated"):
        state = section(main, "state", name)
        if state and text(state, "reason") not in _UNSTARTED:
            first = instant(state, "startedAt")
            again = bool(main.get("restartCount"))
            return instant(section(pod, "status"), "startTime") or first if again else first
    if section(main, "lastState", "terminated"):
        return instant(section(pod, "status"), "startTime")
    return None


def has_started(pod: Object) -> bool:
    """Whether the program ever ran in this pod."""
    return started_at(pod) is not None


def images_of(pods: Sequence[Object]) -> dict[str, str]:
    """The image that each container of the pods really has, by its id; of several pods the newest one's."""
    found = {}
    for pod in sorted(pods, key=lambda pod: (text(section(pod, "metadata"), "creationTimestamp"), uid(pod))):
        for status in containers(pod):
            image = text(status, "imageID").removeprefix("docker-pullable://")
            if image and text(status, "name") not in _OUR_OWN:
                found[text(status, "name")] = image
    return found


# Before and while it runs


def trouble(pod: Object, events: Sequence[Object]) -> str:
    """What a pod waits for that may never come, in one sentence; "" while all goes well."""
    unscheduled = denied(pod, "PodScheduled")
    if text(unscheduled, "reason") == "Unschedulable":
        return words.unscheduled(text(unscheduled, "message"))
    if text(unscheduled, "reason") == "SchedulingGated":
        return "it waits until its scheduling gates are taken away"
    if text(section(pod, "status"), "reason") == "NodeLost":
        return f"its node {text(section(pod, 'spec'), 'nodeName')} does not answer"
    found = next(filter(None, map(words.of_waiting, containers(pod))), "")
    return found or _of_events(pod, events)


def _of_events(pod: Object, events: Sequence[Object]) -> str:
    """Of events only while something is missing: they stay for an hour after it was put right.

    Volumes and the network are there before the first container: what went wrong with them earlier is over then.
    """
    if condition(pod, "Ready") or is_over(pod):
        return ""
    running = bool(section(container(pod, layout.MAIN), "state", "running"))
    since = "" if running else _began(pod)
    for reason in _TROUBLE:
        if running != (reason == "Unhealthy"):
            continue
        found = [one for one in events if text(one, "reason") == reason and about(one) == uid(pod)]
        found = [one for one in found if not since or _seen(one) > since]
        if found:
            return words.of_event(max(found, key=_seen))
    return ""


def _began(pod: Object) -> str:
    """When a container of a pod began last; "" before the first."""
    states = (section(one, "state", name) for one in containers(pod) for name in ("running", "terminated"))
    return max((text(state, "startedAt") for state in states), default="")


def about(event: Object) -> str:
    """The uid of what an event is about."""
    return text(section(event, "involvedObject") or section(event, "regarding"), "uid")


def _seen(event: Object) -> str:
    series = text(section(event, "series"), "lastObservedTime")
    return series or text(event, "lastTimestamp") or text(event, "eventTime")


# The end


def end_of(pod: Object) -> End:
    """How a pod that is over ended."""
    status = section(pod, "status")
    main = container(pod, layout.MAIN)
    code = _code(main)
    if text(status, "phase") == "Succeeded":
        return End(StopReason.EXITED, 0)
    disrupted = condition(pod, "DisruptionTarget")
    if disrupted:
        return _disrupted(pod, disrupted, code)
    if text(status, "reason") == "DeadlineExceeded":
        at, seconds = deadline_of(pod), section(pod, "spec").get("activeDeadlineSeconds")
        if at is not None and ended_before(pod, at):  # and what it left took longer
            return End(StopReason.EXITED, code, _last_words(pod, main, code))
        return End(StopReason.TIMEOUT, code, f"timed out after {seconds} s" if seconds else "timed out")
    if text(terminated(main), "reason") in _LOST:
        return End(StopReason.NODE_LOST, code, "its machine restarted, or lost its containers")
    return _failed(pod, main, code)


def _disrupted(pod: Object, disrupted: Object, code: int | None) -> End:
    reason = _DISRUPTED.get(text(disrupted, "reason"), StopReason.EVICTED)
    if text(section(pod, "status"), "reason") == "Preempting":
        reason = StopReason.PREEMPTED  # by the node itself, for a pod of the cluster's own
    unseen = not terminated(container(pod, layout.MAIN)) and has_started(pod)
    if text(disrupted, "reason") == "DeletionByTaintManager" and unseen:
        reason = StopReason.NODE_LOST
    said = text(section(pod, "status"), "message") or text(disrupted, "message")
    return End(reason, code, words.cut(said))


def ended_before(pod: Object, at: datetime) -> bool:
    """Whether the program had ended by then, in whole seconds."""
    ended = instant(terminated(container(pod, layout.MAIN)), "finishedAt")
    return ended is not None and ended < at.replace(microsecond=0)


def deadline_of(pod: Object) -> datetime | None:
    """When the cluster ends a pod; None where it does not."""
    began, seconds = instant(section(pod, "status"), "startTime"), section(pod, "spec").get("activeDeadlineSeconds")
    return None if began is None or not isinstance(seconds, int) else began + timedelta(seconds=seconds)


def _failed(pod: Object, main: Object, code: int | None) -> End:
    """One that failed by itself: of its own containers, the one that did."""
    before = next(_failed_before(pod), None)
    if before is not None and not has_started(pod):
        return before
    ended = terminated(main)
    if text(ended, "reason") in _UNSTARTED:
        return _unstarted(ended)
    if text(ended, "reason") == "OOMKilled":
        return End(StopReason.EXITED, code, "out of memory: it used more than its limit")
    status = section(pod, "status")
    if text(status, "reason"):  # what the node says of the pod: over a limit of storage, or never admitted
        code = code or (137 if has_started(pod) else None)
        said = text(status, "message") or text(status, "reason")
        return End(StopReason.EXITED, code, words.cut(said))
    if not code:
        beside = next(_failed_beside(pod), None)
        if beside is not None:
            return beside
    deleted = text(section(pod, "metadata"), "deletionTimestamp")
    return End(StopReason.EXITED, code, DELETED if deleted else _last_words(pod, main, code))


def _last_words(pod: Object, main: Object, code: int | None) -> str:
    """What a program that failed left as its termination message; without an agent that is its output file."""
    return words.cut(text(terminated(main), "message")) if code and container(pod, layout.SIDECAR) else ""


def _failed_before(pod: Object) -> Iterator[End]:
    """Of init containers."""
    for status in section(pod, "status").get("initContainerStatuses") or ():
        ended, name = terminated(status), text(status, "name")
        if ended.get("exitCode"):
            said = words.cut(text(ended, "message"))
            if name in _OUR_OWN:
                yield End(StopReason.EXITED, None, said or f"{name} ended with exit code {ended['exitCode']}")
            else:
                how = f"the init container {name} failed"
                yield End(StopReason.EXITED, int(ended["exitCode"]), f"{how}: {said}" if said else how)


def _failed_beside(pod: Object) -> Iterator[End]:
    """Of containers beside a program that did not fail itself."""
    for status in section(pod, "status").get("containerStatuses") or ():
        code = _code(status)
        if code and text(status, "name") != layout.MAIN:
            yield End(StopReason.EXITED, code, f"the container {text(status, 'name')} beside it failed")


def _unstarted(ended: Object) -> End:
    """A program that cannot be executed, by the codes of the run contract."""
    said = text(ended, "message")
    code = 126 if "permission denied" in said else 127
    _, found, rest = said.partition("exec: ")
    return End(StopReason.EXITED, code, words.cut(rest.removesuffix(": unknown") if found else said))


def _code(status: Object) -> int | None:
    found = terminated(status).get("exitCode")
    return found if isinstance(found, int) else None
