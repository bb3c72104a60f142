"""Generations of a root: when a new one comes into force, and what becomes of the ones before.

A generation advances with the first record made under its digest (design: "Words"). One that never started and is
not wanted any more is withdrawn, so that a commit that was never applied never counts.
"""

from __future__ import annotations

from planner import keys
from planner.desire.nodes import effective, latest, newest
from planner.desire.view import Draft, Wait
from planner.desire.walk import Top, walk
from planner.keys import Key
from planner.model.desired import CompiledOperation, Leaf, OnChange, RunPolicy
from planner.model.facts import Advanced, Opened, Settled, StopIntended, Withdrawn
from planner.model.gang import Update
from planner.model.records import Applied, Planned, RunRecord
from planner.model.status import RunStatus, StopReason
from planner.stops import Effect, effect_of

__all__ = ["advance", "carried_sources", "is_owed", "is_superseded", "lane_of", "runs_by_change", "supersede"]


def advance(draft: Draft) -> None:
    """Bring the target into force when it differs from what is, and nothing holds it."""
    record = draft.state.record
    planned, applied = record.planned, record.applied
    if planned is not None and planned.hold is not None:
        release = f"plumbline approve {planned.hold.ident}"
        draft.waits.append(Wait(_next_key(draft), planned.hold.reason, planned.hold.since, release=release))
        return
    if planned is None or (record.in_force and not is_owed(draft)):
        return
    if draft.suspended is not None and planned.digest is not None:
        _wait_for_suspension(draft)
        return
    unstarted = applied is not None and not applied.started and _in_force(applied.before) == planned.digest
    if applied is not None and unstarted and not _has_given_way(draft, applied.before):
        _withdraw(draft, applied)
        return
    _advance(draft, planned)


def is_owed(draft: Draft) -> bool:
    """Whether the digest in force is to run by itself now, and nothing of it ever did.

    It came into force when it was run by hand, by a schedule, or refused; only live fields, or this machine, changed.
    """
    planned, applied = draft.state.record.planned, draft.state.record.applied
    if planned is None or applied is None or applied.started or applied.digest != planned.digest:
        return False
    operation = draft.form(planned.form)
    if operation is None or operation.refused or not runs_by_change(operation):
        return False
    top = draft.run(applied.key) if applied.key is not None else None
    opened = draft.form(top.form) if top is not None else None
    return applied.key is None or bool(opened is not None and opened.refused)


def _has_given_way(draft: Draft, before: Applied | None) -> bool:
    """Whether the generation before was ended for the one that never started: then nothing of it can go on."""
    top = draft.run(before.key) if before is not None and before.key is not None else None
    if top is None:
        return False
    run = effective(draft, newest(draft, top))
    return run.status is RunStatus.STOPPED and (run.reason.startswith("superseded") or _is_unhealed(run))


def _is_unhealed(run: RunRecord) -> bool:
    """Whether a service went down by itself and, not being wanted any more, was not started again."""
    if run.stop is not None or run.last is None or run.last.reason is None:
        return False
    return run.last.reason is StopReason.EXITED or effect_of(run.last.reason) is Effect.LOST


def _advance(draft: Draft, planned: Planned) -> None:
    number, before = draft.state.record.highest + 1, draft.state.record.applied
    operation = draft.form(planned.form) if planned.digest is not None else None
    key = keys.generation(draft.name, number) if operation and runs_by_change(operation) else None
    draft.add(Advanced(draft.name, number, planned.digest, planned.commit, planned.form, key, draft.now))
    if operation is None or key is None:
        return
    because = "new in the repository" if number == 1 else "its spec changed"
    if _in_force(before) == planned.digest:
        because = "it runs by itself now"
    draft.add(
        Opened(
            root=draft.name,
            key=key,
            kind=operation.kind,
            commit=planned.commit,
            generation=number,
            form=planned.form,
            because=f"{because} (commit {planned.commit[:10]})",
            at=draft.now,
        )
    )
    if operation.refused:
        draft.add(Settled(draft.name, key, RunStatus.FAILED, f"refused: {operation.refused}", draft.now))


def _withdraw(draft: Draft, applied: Applied) -> None:
    draft.add(Withdrawn(draft.name, draft.now))
    run, operation = draft.run(applied.key) if applied.key else None, draft.form(applied.form)
    if run is None or operation is None:
        return
    if not newest(draft, run).status.final:
        walk(draft, Top(run, operation, wanted=False))


def supersede(draft: Draft) -> None:
    """Walk the tops that are not in force any more: withdraw, stop, let finish, or go on where a person wants that."""
    for key in draft.state.record.open:
        run = draft.run(key)
        operation = draft.form(run.form) if run else None
        if run is None or operation is None or not is_superseded(draft, run):
            continue
        kept = carried_sources(draft)
        if run.recalled and run.kind != "service" and not draft.state.record.gone:
            # It finishes, like a request. What the generation in force goes on with was decided there before.
            walk(draft, Top(run, operation, carry=True, kept=kept))
            continue
        serves = run.kind == "service" and not draft.state.record.gone and not _may_stop_service(draft, run)
        if not serves:
            _stop_old(draft, run, operation, kept)
        walk(draft, Top(run, operation, wanted=serves, lane=lane_of(operation, run), kept=kept))


def is_superseded(draft: Draft, top: RunRecord) -> bool:
    """Whether something else is in force: ticks, events and requests finish, but a service would never."""
    applied = draft.state.record.applied
    if draft.state.record.gone:
        return True
    if applied is None or top.key == applied.key:
        return False
    if top.key.generation is not None:
        return True
    return top.kind == "service" and applied.key is not None and top.generation < applied.number


def lane_of(operation: CompiledOperation, run: RunRecord) -> int:
    """Rolling services hold two sets of ports in turn; all others one."""
    body = operation.body
    rolling = isinstance(body, Leaf) and operation.kind == "service" and body.gang.update is Update.ROLLING
    return run.generation % 2 if rolling else 0


def carried_sources(draft: Draft) -> frozenset[Key]:
    """Runs of earlier generations whose process or result the generation in force goes on with."""
    applied = draft.state.record.applied
    top = applied.key if applied else None
    return frozenset(
        run.carried_from
        for run in draft.state.runs.values()
        if run.carried_from is not None and run.key.top == top and not run.status.final
    )


def _stop_old(draft: Draft, top: RunRecord, operation: CompiledOperation, kept: frozenset[Key]) -> None:
    gone = draft.state.record.gone
    reason = StopReason.PRUNED if gone else StopReason.SUPERSEDED
    finish = not gone and operation.policy.on_change is OnChange.FINISH
    found = [run for run in draft.state.runs.values() if run.alive and run.key.top == top.key.top]
    for run in sorted(found, key=lambda run: run.key):
        last = run.last
        if last is None or run.key in kept:
            continue
        if finish and run.kind != "service":
            continue
        if last.live and last.stop is None:
            key = run.key.at_attempt(last.number)
            draft.add(StopIntended(draft.name, key, reason, "", draft.now))


def _may_stop_service(draft: Draft, old: RunRecord) -> bool:
    """Whether the service of an earlier generation may go (design: "Services roll")."""
    new = _current_service(draft)
    if new is None:
        return True
    run, operation = new
    if run.status.final:
        # Refused or stopped: what was in service stays, unless a person stopped the service itself.
        return draft.state.record.down is not None
    if operation.build is not None and not run.bound and run.carried_from is None:
        return False  # its image is not there yet
    update = getattr(operation.body, "gang", None)
    if update is not None and update.update is Update.RECREATE:
        return True
    story = effective(draft, newest(draft, old))
    if story.last is not None and story.last.stop is not None:
        # The new one was ready once: from then on it is healed, and the old one is not called back.
        return True
    was_ready = any(attempt.ready_at is not None for attempt in story.attempts)
    ready = run.last is not None and run.last.ready
    return ready or not was_ready


def _current_service(draft: Draft) -> tuple[RunRecord, CompiledOperation] | None:
    applied = draft.state.record.applied
    if applied is None or applied.key is None:
        return None
    run = draft.run(latest(draft, applied.key, ()))
    operation = draft.form(applied.form)
    if run is None or operation is None or operation.kind != "service":
        return None
    return effective(draft, run), operation


def _in_force(applied: Applied | None) -> str | None:
    return applied.digest if applied is not None else None


def runs_by_change(operation: CompiledOperation) -> bool:
    """Whether a change makes it run, without a schedule, an event or a person."""
    by_itself = operation.schedule is None and not operation.by_events
    return by_itself and operation.policy.run is not RunPolicy.MANUAL


def _next_key(draft: Draft) -> Key:
    return keys.generation(draft.name, draft.state.record.highest + 1)


def _wait_for_suspension(draft: Draft) -> None:
    suspension = draft.suspended
    assert suspension is not None
    reason = f"the end of the suspension by {suspension.by}"
    draft.waits.append(Wait(_next_key(draft), reason, suspension.since, suspension.until, draft.unsuspend))
    if suspension.until is not None:
        draft.wake(suspension.until)
