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
from reconciler.backends.kubernetes.status import queue as of_queue
from reconciler.backends.kubernetes.status import words
from reconciler.backends.kubernetes.status.left import Left, left_by
from reconciler.backends.kubernetes.status.pods import End
from reconciler.backends.kubernetes.status.read import Object, annotation, condition, denied, instant, section, text
from reconciler.backends.kubernetes.status.stop import NEVER, Told, seconds_of, told

__all__ = ["of_job"]

_RULE = re.compile(r"rule at index (\d+)$")
_CODE = re.compile(r"failed with exit code (-?\d+) matching")
_MEANS = {Action.IGNORE: StopReason.IGNORED, Action.FAIL: StopReason.FATAL}


def of_job(
    job: Object, pods: Sequence[Object], events: Sequence[Object], queued: of_queue.Queued, first: Observation
) -> Observation:
    """The observation of an attempt whose workload is a Job.

    Args:
        job: as the API server has it.
        pods: all that there are of it.
        events: of the Job and its pods.
        queued: what is known of it in its queue.
        first: with what is known already: the key, and whose it is.
    """
    pod, stop = of_pod.newest(pods), told(job)
    active = of_pod.newest([one for one in pods if not of_pod.is_over(one)])
    ended = condition(job, "Complete") or condition(job, "Failed") or _doomed(job)
    if active is not None:  # also where this look at the pods is older than that at the Job
        return _alive(active, events, first)
    if ended:
        return _ended(job, pod, queued, first)
    if stop is not None and _never_runs(job, stop):
        return _over(job, pod, stop, queued, first)
    if text(section(job, "metadata"), "deletionTimestamp"):
        return _deleted(job, pod, stop, first)
    if pod is None:
        return replace(first, phase=Phase.STARTING, message=_podless(job, events, queued))
    return _alive(pod, (), first)  # its pod is over, and the Job does not know yet


def _alive(pod: Object, events: Sequence[Object], first: Observation) -> Observation:
    started, message = of_pod.started_at(pod), "" if of_pod.is_over(pod) else of_pod.trouble(pod, events)
    phase = Phase.STARTING if started is None else Phase.RUNNING
    return replace(first, phase=phase, ready=started is not None, started_at=started, message=message)


def _podless(job: Object, events: Sequence[Object], queued: of_queue.Queued) -> str:
    if condition(job, "Suspended") and told(job) is None:
        return of_queue.waiting(job, queued)
    uid = text(section(job, "metadata"), "uid")
    failed = [one for one in events if text(one, "reason") == "FailedCreate" and of_pod.about(one) == uid]
    return words.not_made(text(failed[-1], "message") or text(failed[-1], "note")) if failed else ""


# Ends


def _doomed(job: Object) -> Object:
    """The condition of a suspended Job that will fail, and makes no pod any more; empty where there is none.

    It takes the pod that was ended as it was suspended for a failure. Kueue then takes away the time of its start,
    without which no Job may be failed: so it is stuck until the queue lets it begin again, hours later.
    """
    return condition(job, "FailureTarget") if condition(job, "Suspended") else {}


def _never_runs(job: Object, stop: Told) -> bool:
    """Whether nothing of a Job that was told to end runs or will run, where it has no pod.

    It is suspended; or a queue that let it begin after that has begun nothing, as no pods are asked for any more.
    """
    if condition(job, "Suspended"):
        return True
    since = instant(denied(job, "Suspended"), "lastTransitionTime")
    return (
        section(job, "spec").get("parallelism") == 0 and since is not None and since >= stop.at.replace(microsecond=0)
    )


def _ended(job: Object, pod: Object | None, queued: of_queue.Queued, first: Observation) -> Observation:
    done = condition(job, "Complete")
    ended = done or condition(job, "Failed") or _doomed(job)
    end = _of_time(job, pod) or (End(StopReason.EXITED, 0) if done else _failure(job, pod, queued))
    at = instant(section(job, "status"), "completionTime") if done else None
    found = _finished(first, pod, end, at or instant(ended, "lastTransitionTime"))
    if found.started_at is None and pod is None and end.code is not None:
        found = replace(found, started_at=instant(section(job, "status"), "startTime"))
    if pod is None and done:
        found = replace(found, message="its pod was removed before its outputs were read")
    return found


def _of_time(job: Object, pod: Object | None) -> End | None:
    """How it ended where its time was over: told by us, or by the cluster in our place; None where it was not."""
    stop, seconds = told(job), seconds_of(job, names.TIMEOUT)
    end = of_pod.end_of(pod) if pod is not None else None
    ours = stop is not None and stop.reason is StopReason.TIMEOUT and not (pod and of_pod.ended_before(pod, stop.at))
    if seconds is None or not (ours or (end is not None and end.reason is StopReason.TIMEOUT)):
        return None
    code = end.code if end is not None else _code_in(text(condition(job, "Failed"), "message"))
    return End(StopReason.TIMEOUT, code, f"timed out after {seconds:g} s")


def _failure(job: Object, pod: Object | None, queued: of_queue.Queued) -> End:
    """How it failed: by the rule of its failure policy that matched, and what its pod says."""
    ended = condition(job, "Failed") or _doomed(job)
    said, reason = text(ended, "message"), text(ended, "reason")
    end = of_pod.end_of(pod) if pod is not None else None
    if _was_suspended(job, pod):
        return End(StopReason.PREEMPTED, end.code if end else None, of_queue.taken(job, queued))
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


def _was_suspended(job: Object, pod: Object | None) -> bool:
    """Whether somebody else suspended it, which ends its pod: the Job takes that for a failure of the program.

    Where it failed before it could go on, it still has the condition, though it is suspended no more.
    """
    if (stop := told(job)) is not None:
        return stop.reason is StopReason.PREEMPTED
    ends = pod is None or bool(text(section(pod, "metadata"), "deletionTimestamp"))
    return bool(condition(job, "Suspended")) or (ends and section(job, "spec").get("suspend") is True)


def _unseen(job: Object, said: str, reason: str) -> End:
    """How it failed whose pod is gone: the Job has the exit code in its words."""
    code = _code_in(said)
    if code is not None or reason == "PodFailurePolicy":
        return End(StopReason.EXITED, code)
    if told(job) is not None:
        return End(StopReason.EXITED, None, NEVER)
    return End(StopReason.LOST, None, "its pod is gone, and nobody saw how it ended")


def _code_in(said: str) -> int | None:
    """The exit code of its program in what a Job says of its end."""
    found = _CODE.search(said)
    return int(found[1]) if found else None


def _matched(job: Object, said: str) -> Action | None:
    rule = _RULE.search(said)
    try:
        actions = json.loads(annotation(job, names.FAILURES))
        return Action(actions[int(rule[1])]) if rule else None
    except (ValueError, LookupError, TypeError):
        return None


def _over(job: Object, pod: Object | None, stop: Told, queued: of_queue.Queued, first: Observation) -> Observation:
    """Told to end, and nothing of it runs or will run."""
    # One that asks for no pods may be let go on, which is no news.
    suspended = {} if section(job, "spec").get("parallelism") == 0 else condition(job, "Suspended")
    at = instant(suspended, "lastTransitionTime") or stop.at
    end = of_pod.end_of(pod) if pod is not None else End(StopReason.EXITED, None, NEVER)
    if stop.reason is StopReason.PREEMPTED:
        end = replace(end, message=of_queue.taken(job, queued))
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
