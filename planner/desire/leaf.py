"""One leaf: what follows from its record, whether it is a job or a service.

Once or always is the only difference (design: "Every stop has a reason"). Whether a leaf may start at all is
decided before (`planner.desire.walk`); what an end means is decided by `planner.stops`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from planner.compile.activity import culled_after
from planner.compile.amounts import amounts_of
from planner.desire import drift
from planner.desire.approval import is_withheld
from planner.desire.measured import lacking
from planner.desire.stopping import stop_run
from planner.desire.view import Draft, Ready, Wait
from planner.model.desired import CompiledOperation, Leaf
from planner.model.facts import Healed, Settled
from planner.model.gang import Lifetime
from planner.model.records import AttemptRecord, RunRecord, Stop
from planner.model.status import RunStatus, StopReason
from planner.stops import TABLE, Effect, effect_of

__all__ = ["HEALED_AFTER", "LeafContext", "back_off", "step", "stop_words"]

HEALED_AFTER = timedelta(minutes=10)
"""A service that was up this long has its failures forgotten."""

_LONGEST_BACK_OFF = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class LeafContext:
    """What surrounds a leaf.

    Attributes:
        operation: its compiled operation; the body is a `Leaf`.
        wanted: whether desired state still wants it; if not, nothing new starts.
        stop: the wish to end it or its parent as a whole, or None.
        lane: port lane of a rolling service.
        blocked: what it waits for before it may start, or "".
        needs: the metric that it must have reported to have succeeded, or "".
    """

    operation: CompiledOperation
    wanted: bool = True
    stop: Stop | None = None
    lane: int = 0
    blocked: str = ""
    needs: str = ""

    @property
    def leaf(self) -> Leaf:
        """The operation's body."""
        assert isinstance(self.operation.body, Leaf)
        return self.operation.body


def back_off(failures: int) -> timedelta:
    """Wait before the next attempt after `failures` failures: 1 s, doubled each time, 5 minutes at most."""
    if failures <= 0:
        return timedelta(0)
    return min(timedelta(seconds=2 ** min(failures - 1, 12)), _LONGEST_BACK_OFF)


def step(draft: Draft, run: RunRecord, context: LeafContext) -> None:
    """Decide what follows for `run`: nothing, an end, or one more attempt (put into `draft.ready`)."""
    if run.status.final:
        return
    last = run.last
    if last is not None and last.live:
        _alive(draft, run, last, context)
    elif last is None:
        _unstarted(draft, run, context)
    else:
        _ended(draft, run, last, context)


def _alive(draft: Draft, run: RunRecord, last: AttemptRecord, context: LeafContext) -> None:
    if not _always(context) or _cull(draft, run, last, context):
        return
    if run.failures and last.ready and last.ready_at is not None:
        healed = last.ready_at + HEALED_AFTER
        if healed <= draft.now:
            draft.add(Healed(draft.name, run.key, draft.now))
        else:
            draft.wake(healed)
    if context.wanted and not _is_told(run, last, context):
        drift.step(draft, run, last, heals=context.operation.policy.self_heal)
    if last.ready_at is None:
        draft.wake(last.intended_at + timedelta(seconds=context.operation.policy.progress_deadline))


def _is_told(run: RunRecord, last: AttemptRecord, context: LeafContext) -> bool:
    """Whether anybody has told it to end."""
    return run.stop is not None or last.stop is not None or context.stop is not None


def _cull(draft: Draft, run: RunRecord, last: AttemptRecord, context: LeafContext) -> bool:
    """Stop a service that nobody has used for too long; it sleeps then. Whoever was not asked counts as in use."""
    timeout, snapshot = culled_after(context.operation), draft.view.snapshot
    told = _is_told(run, last, context)
    if timeout is None or told or not last.ready or last.ready_at is None or snapshot is None:
        return False
    seen = snapshot.objects.get(run.key.at_attempt(last.number))
    if seen is None or seen.active_at is None:
        return False
    due = max(seen.active_at, last.ready_at) + timedelta(seconds=timeout)
    if due > snapshot.asked_at:
        # Of the time since the look nobody knows anything; the next one may be as late as this one.
        draft.wake(draft.now + (due - snapshot.asked_at))
        return False
    stop_run(draft, run, StopReason.CULLED)
    return True


def _unstarted(draft: Draft, run: RunRecord, context: LeafContext) -> None:
    if context.stop is not None:
        _settle(draft, run, RunStatus.STOPPED, stop_words(context.stop), context.stop.by)
    elif not context.wanted:
        _settle(draft, run, RunStatus.STOPPED, "superseded before it started")
    else:
        _start(draft, run, context, run.not_before)


def _ended(draft: Draft, run: RunRecord, last: AttemptRecord, context: LeafContext) -> None:
    reason = last.reason or StopReason.EXITED
    match effect_of(reason):
        case Effect.ENDED:
            _has_happened(draft, run, last, context)
        case Effect.DECIDED:
            by = last.stop.by if last.stop else "somebody outside Plumbline"
            _settle(draft, run, RunStatus.STOPPED, stop_words(Stop(reason, by, draft.now)), by)
        case Effect.WITHDRAWN:
            if context.wanted and context.stop is None:
                _start(draft, run, context, None)
            else:
                _settle(draft, run, RunStatus.STOPPED, stop_words(Stop(reason, "", draft.now)))
        case Effect.LOST:
            _lost(draft, run, last, context)


def _has_happened(draft: Draft, run: RunRecord, last: AttemptRecord, context: LeafContext) -> None:
    reason = last.reason or StopReason.EXITED
    if reason is StopReason.REPLACED:
        _settle(draft, run, RunStatus.STOPPED, stop_words(Stop(reason, "", draft.now)))
    elif reason is StopReason.TIMEOUT:
        status = RunStatus.STOPPED if _always(context) else RunStatus.FAILED
        _settle(draft, run, status, f"timeout of {context.leaf.termination.timeout or 0:g} s reached")
    elif reason is StopReason.CULLED:
        _settle(draft, run, RunStatus.STOPPED, "culled as idle")
    elif reason is StopReason.EARLY_STOPPING:
        words = last.stop.words if last.stop is not None else ""
        _settle(draft, run, RunStatus.STOPPED, words or "stopped early")
    elif _always(context):
        _heal(draft, run, last, context)
    elif reason is StopReason.FATAL:
        _settle(draft, run, RunStatus.FAILED, f"{_exit_words(last)}, for which it is not tried again")
    elif last.exit_code == 0 and (lack := lacking(run, context.needs)):
        _settle(draft, run, RunStatus.FAILED, lack)
    elif last.exit_code == 0:
        _settle(draft, run, RunStatus.SUCCEEDED, "")
    else:
        _retry(draft, run, last, context, _exit_words(last))


def _heal(draft: Draft, run: RunRecord, last: AttemptRecord, context: LeafContext) -> None:
    if context.stop is not None:
        _settle(draft, run, RunStatus.STOPPED, stop_words(context.stop), context.stop.by)
    elif not context.wanted:
        _settle(draft, run, RunStatus.STOPPED, f"not started again: {_exit_words(last)}")
    elif not context.operation.policy.self_heal:
        since = last.ended_at or draft.now
        reason = f"the service is down ({_exit_words(last)}) and selfHeal is off"
        draft.waits.append(Wait(run.key, reason, since, release=f"plumbline retry {draft.name}"))
    else:
        _start(draft, run, context, _after(draft, last, run.failures))


def _lost(draft: Draft, run: RunRecord, last: AttemptRecord, context: LeafContext) -> None:
    if _always(context):
        _heal(draft, run, last, context)
        return
    counted = last.reason is None or TABLE[last.reason].counts
    if not counted and context.wanted and context.stop is None:
        _start(draft, run, context, _after(draft, last, max(run.attempt_count - run.failures, 1)))
        return
    _retry(draft, run, last, context, _exit_words(last))


def _retry(draft: Draft, run: RunRecord, last: AttemptRecord, context: LeafContext, words: str) -> None:
    left = context.leaf.termination.max_retries - run.failures + 1
    if left > 0 and context.stop is not None:
        _settle(draft, run, RunStatus.STOPPED, stop_words(context.stop), context.stop.by)
        return
    if left <= 0 or not context.wanted:
        tries = f", {run.attempt_count} attempts" if run.attempt_count > 1 else ""
        _settle(draft, run, RunStatus.FAILED, f"{words}{tries}")
        return
    _start(draft, run, context, _after(draft, last, run.failures))


def _start(draft: Draft, run: RunRecord, context: LeafContext, not_before: datetime | None) -> None:
    if not_before is not None and not_before > draft.now:
        draft.wake(not_before)
        reason = "the back-off after its last end" if run.attempts else "its start time"
        draft.waits.append(Wait(run.key, reason, run.opened_at, until=not_before))
        return
    suspended = draft.suspended
    if suspended is not None:
        reason = f"the end of the suspension by {suspended.by}"
        draft.waits.append(Wait(run.key, reason, suspended.since, suspended.until, draft.unsuspend))
        if suspended.until is not None:
            draft.wake(suspended.until)
        return
    if context.blocked:
        draft.waits.append(Wait(run.key, context.blocked, run.opened_at))
        return
    if context.operation.needs_approval and not run.attempts and is_withheld(draft, run, run.digest):
        return
    leaf = context.leaf
    draft.ready.append(
        Ready(
            key=run.key.at_attempt(run.attempt_count + 1),
            root=draft.name,
            queue=leaf.queue,
            requests=leaf.gang.requests,
            ports=leaf.gang.ports,
            since=run.opened_at,
            lane=context.lane,
            leased=_leased(draft, leaf.gang.ports, context.lane),
            amounts=amounts_of(leaf.gang),
        )
    )


def _leased(draft: Draft, ports: tuple[int, ...], lane: int) -> dict[int, int]:
    """The ports that this service had before, by declared port: an address is stable over restarts."""
    had = draft.state.record.ports
    names = {port: f"{port}/{lane}" for port in ports}
    return {port: had[name] for port, name in names.items() if name in had}


def _settle(draft: Draft, run: RunRecord, status: RunStatus, reason: str, by: str = "") -> None:
    draft.add(Settled(draft.name, run.key, status, reason, draft.now, by))


def _always(context: LeafContext) -> bool:
    return context.leaf.gang.lifetime is Lifetime.ALWAYS


def _after(draft: Draft, last: AttemptRecord, failures: int) -> datetime | None:
    """When the back-off after the last end is over; an end that is still to come was before the clock was put back."""
    if last.ended_at is None or last.ended_at > draft.now + _LONGEST_BACK_OFF:
        return None
    return last.ended_at + back_off(failures)


def stop_words(stop: Stop) -> str:
    """Why something was stopped, for people."""
    return {
        StopReason.BY_PERSON: f"stopped by {stop.by}",
        StopReason.DELETED: f"deleted by {stop.by}",
        StopReason.REPLACED: "replaced by a later tick",
        StopReason.PRUNED: "removed from the repository",
        StopReason.SUPERSEDED: "superseded",
        StopReason.EARLY_STOPPING: "stopped early",
        StopReason.CULLED: "culled as idle",
    }.get(stop.reason, "withdrawn")


def _exit_words(last: AttemptRecord) -> str:
    match last.reason:
        case StopReason.LOST:
            return f"lost: {last.message or 'it was seen once and is gone without an end'}"
        case StopReason.NODE_LOST:
            return "lost with its machine"
        case StopReason.EVICTED | StopReason.PREEMPTED:
            return str(last.reason)
        case _:
            if last.exit_code is None:
                return last.message or "never ran"
            code = last.exit_code
            words = f"exit code {code}" if code <= 128 else f"signal {code - 128}"
            return f"{words}: {last.message}" if last.message else words
