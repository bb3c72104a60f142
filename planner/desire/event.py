"""Events from outside: which ones a root listens to, and what becomes of those that it has heard of.

An event becomes one run, or is passed over with a reason; both take it off the root's record in the transaction that
decides it, so none is lost and none starts two runs. Which roots an event reaches is decided in `planner.happenings`.
"""

from __future__ import annotations

from dataclasses import replace

from planner import keys
from planner.desire.opening import opened
from planner.desire.view import Draft
from planner.model.desired import CompiledOperation
from planner.model.events import MOST_TURNS, OutsideEvent, Subscription
from planner.model.facts import Listened, PassedOver, Settled
from planner.model.people import Suspension
from planner.model.status import RunStatus

__all__ = ["MOST_OPEN", "decide", "listen", "listening", "pass_over", "refs_of", "words"]

MOST_OPEN = 1_000
"""Runs of events that may be open of one root; what happens beyond is recorded as skipped."""


def pass_over(draft: Draft) -> None:
    """Pass over what happened in a suspension: like a tick in one, it is not missed."""
    for event in draft.state.record.events:
        suspension = _suspension_at(draft, event)
        if suspension is not None:
            draft.add(PassedOver(draft.name, event.ident, f"suspended by {suspension.by}", draft.now))


def listen(draft: Draft) -> None:
    """Record what the form in force listens to, where that is new: what happened before starts nothing."""
    operation = draft.in_force()
    record = draft.state.record
    listens = operation.listens if operation is not None else ()
    if operation is None and record.applied is not None and record.applied.digest is not None:
        return  # its form could not be read now: nothing is concluded from that
    if listens != record.listens:
        draft.add(Listened(draft.name, listens, draft.now))


def decide(draft: Draft) -> None:
    """Start a run for every event that was heard of, or say why not."""
    pass_over(draft)
    events = draft.state.record.events
    operation = draft.in_force() if events else None
    active = sum(key.cause.startswith("ev-") for key in draft.state.record.open) if events else 0
    for event in events:
        reason = _refusal(operation, event)
        if operation is None or reason:
            draft.add(PassedOver(draft.name, event.ident, reason, draft.now))
            continue
        active += _start(draft, operation, event, active)


def refs_of(operation: CompiledOperation) -> tuple[str, ...]:
    """The sources that an operation listens to, each once."""
    return tuple(dict.fromkeys(one.ref for one in operation.listens))


def listening(operation: CompiledOperation) -> str:
    """What an operation listens to, for people: `run_status_failed of runs.train, connection_git_commit of …`."""
    return "; ".join(_listening(one) for one in operation.listens)


def _listening(one: Subscription) -> str:
    touching = f" touching {', '.join(one.paths)}" if one.paths else ""
    return f"{', '.join(one.kinds)} of {one.ref}{touching}"


def words(event: OutsideEvent) -> str:
    """An event, for people: `run_status_succeeded of runs.train (train@g3)`."""
    about = f" ({event.about})" if event.about else ""
    by = f", sent by {event.by}" if event.by else ""
    return f"{event.kind} of {event.ref}{about}{by}"


def _suspension_at(draft: Draft, event: OutsideEvent) -> Suspension | None:
    for suspension in (draft.state.record.suspended, draft.view.suspended):
        if suspension is None or event.at < suspension.since:
            continue
        if suspension.until is None or event.at < suspension.until:
            return suspension
    return None


def _refusal(operation: CompiledOperation | None, event: OutsideEvent) -> str:
    if operation is None:
        return "it is not in the repository any more"
    if operation.refused:
        return f"refused: {operation.refused}"
    if not any(event.ref == one.ref and event.kind in one.kinds for one in operation.listens):
        return "it does not listen to that any more"
    return ""


def _start(draft: Draft, operation: CompiledOperation, event: OutsideEvent, active: int) -> bool:
    """Open the run of an event; returns whether it goes on."""
    key = keys.event(draft.name, event.ident)
    draft.add(replace(opened(draft, operation, key, f"the event {words(event)}"), event=event))
    why = ""
    if event.is_circle(draft.name):
        why = f"{MOST_TURNS} runs of it led to it already: operations start one another in a circle"
    elif active >= MOST_OPEN:
        why = f"{MOST_OPEN:,} runs of earlier events are not done yet"
    if why:
        draft.add(Settled(draft.name, key, RunStatus.SKIPPED, why, draft.now))
    return not why
