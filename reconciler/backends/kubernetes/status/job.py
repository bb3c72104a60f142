"""What a Job says of its attempt (decision 0078).

The Job is the record: our finalizer keeps it, and its condition tells a disruption from a failure and has the exit code
in its words, when the pod is long gone. The pod, as long as it is there, tells more.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from planner.model.run import Observation, Phase
from planner.model.status import StopReason
from reconciler.backends.kubernetes import names
from reconciler.backends.kubernetes.render.failures import Action
from reconciler.backends.kubernetes.status import pods as of_pod
from reconciler.backends.kubernetes.status import words
from reconciler.backends.kubernetes.status.left import Left, left_by
from reconciler.backends.kubernetes.status.pods import End
from reconciler.backends.kubernetes.status.read import Object, annotation, condition, instant, section, text
from reconciler.backends.kubernetes.status.stop import NEVER, Told, told

__all__ = ["of_job"]

_RULE = re.compile(r"rule at index (\d+)$")
_CODE = re.compile(r"failed with exit code (-?\d+) matching")
_MEANS = {Action.IGNORE: StopReason.IGNORED, Action.FAIL: StopReason.FATAL}


def of_job(job: Object, pods: Sequence[Object], events: Sequence[Object], first: Observation) -> Observation:
    """The observation of an attempt whose workload is a Job.

    Args:
        job: as the API server has it.
        pods: all that there are of it.
        events: of the Job and its pods.
        first: with what is known already: the key, and whose it is.
    """
    pod, stop = of_pod.newest(pods), told(job)
    active = of_pod.newest([one for one in pods if not of_pod.is_over(one)])
    ended = condition(job, "Complete") or condition(job, "Failed")
    if active is not None:  # also where this look at the pods is older than that at the Job
        return _alive(active, events, first)
    if ended:
        return _ended(job, pod, ended, first)
    if stop is not None and condition(job, "Suspended"):
        return _over(job, pod, stop, first)
    if text(section(job, "metadata"), "deletionTimestamp"):
        return _deleted(job, pod, stop, first)
    if pod is None:
        return replace(first, phase=Phase.STARTING, message=_podless(job, events))
    return _alive(pod, (), first)  # its pod is over, and the Job does not know yet


def _alive(pod: Object, events: Sequence[Object], first: Observation) -> Observation:
    started, message = of_pod.started_at(pod), "" if of_pod.is_over(pod) else of_pod.trouble(pod, events)
    phase = Phase.STARTING if started is None else Phase.RUNNING
    return replace(first, phase=phase, ready=started is not None, started_at=started, message=message)


def _podless(job: Object, events: Sequence[Object]) -> str:
    if condition(job, "Suspended") and told(job) is None:
        return "it is suspended: it waits for its queue"
    uid = text(section(job, "metadata"), "uid")
    failed = [one for one in events if text(one, "reason") == "FailedCreate" and of_pod.about(one) == uid]
    return words.not_made(text(failed[-1], "message") or text(failed[-1], "note")) if failed else ""


# Ends


def _ended(job: Object, pod: Object | None, ended: Object, first: Observation) -> Observation:
    done = text(ended, "type") == "Complete"
    end = End(StopReason.EXITED, 0) if done else _failure(job, pod, ended)
    at = instant(section(job, "status"), "completionTime") if done else None
    found = _finished(first, pod, end, at or instant(ended, "lastTransitionTime"))
    if found.started_at is None and pod is None and end.code is not None:
        found = replace(found, started_at=instant(section(job, "status"), "startTime"))
    if pod is None and done:
        found = replace(found, message="its pod was removed before its outputs were read")
    return found


def _failure(job: Object, pod: Object | None, ended: Object) -> End:
    """How it failed: by the rule of its failure policy that matched, and what its pod says."""
    said, reason = text(ended, "message"), text(ended, "reason")
    end = of_pod.end_of(pod) if pod is not None else None
    if end is not None and end.message == of_pod.DELETED and told(job) is not None:
        end = replace(end, message="")  # it was us
    if reason == "DeadlineExceeded":
        return End(StopReason.TIMEOUT, end.code if end else None, "timed out")
    end = end or _unseen(job, said, reason)
    action = _matched(job, said) if reason == "PodFailurePolicy" else None
    if action is Action.DISRUPTED and end.reason is not StopReason.EXITED:
        return end  # the pod says which disruption it was
    if action is Action.DISRUPTED:
        return replace(end, reason=StopReason.EVICTED, message=end.message or "evicted, or its node went")
    if end.reason in {StopReason.TIMEOUT, StopReason.NODE_LOST} or action is None:
        return end
    return replace(end, reason=_MEANS.get(action, StopReason.EXITED))


def _unseen(job: Object, said: str, reason: str) -> End:
    """How it failed whose pod is gone: the Job has the exit code in its words."""
    code = _CODE.search(said)
    if code or reason == "PodFailurePolicy":
        return End(StopReason.EXITED, int(code[1]) if code else None)
    if told(job) is not None:
        return End(StopReason.EXITED, None, NEVER)
    return End(StopReason.LOST, None, "its pod is gone, and nobody saw how it ended")


def _matched(job: Object, said: str) -> Action | None:
    rule = _RULE.search(said)
    try:
        actions = json.loads(annotation(job, names.FAILURES))
        return Action(actions[int(rule[1])]) if rule else None
    except (ValueError, LookupError, TypeError):
        return None


def _over(job: Object, pod: Object | None, stop: Told, first: Observation) -> Observation:
    """Told to end, and nothing of it runs or will run."""
    at = instant(condition(job, "Suspended"), "lastTransitionTime") or stop.at
    end = of_pod.end_of(pod) if pod is not None else End(StopReason.EXITED, None, NEVER)
    return _finished(first, pod, replace(end, reason=stop.reason), at)


def _deleted(job: Object, pod: Object | None, stop: Told | None, first: Observation) -> Observation:
    """Somebody removes it, and nothing of it runs any more."""
    at = instant(section(job, "metadata"), "deletionTimestamp")
    code = of_pod.end_of(pod).code if pod is not None else None
    reason = StopReason.DELETED if stop is None else stop.reason
    return _finished(first, pod, End(reason, code, "somebody deleted it" if stop is None else ""), at)


def _finished(first: Observation, pod: Object | None, end: End, at: datetime | None) -> Observation:
    left = left_by(pod) if pod is not None and of_pod.has_started(pod) else Left()
    started = of_pod.started_at(pod) if pod is not None else None
    at = at or started
    return replace(
        first,
        phase=Phase.ENDED,
        started_at=started,
        ended_at=max(at, started) if at is not None and started is not None else at,
        reason=end.reason,
        exit_code=end.code,
        message="; ".join(filter(None, (end.message, left.message))),
        outputs=left.outputs,
        metrics=left.metrics,
        artifacts=left.artifacts,
    )
