"""Folding facts into the record of one run."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from planner.fold.changed import changed
from planner.model.artifacts import Copy
from planner.model.facts import (
    Bound,
    CacheHit,
    Carried,
    Corrected,
    Drifted,
    Healed,
    Intended,
    Measured,
    Observed,
    Opened,
    Retried,
    Settled,
    StopIntended,
    Stored,
    StoreIntended,
    Vanished,
)
from planner.model.metric import followed
from planner.model.records import AttemptRecord, Drift, RunRecord, Stop
from planner.model.run import Observation, Phase
from planner.model.status import RunStatus, StopReason
from planner.stops import counts_as_failure

__all__ = ["KEPT_ATTEMPTS", "RunFact", "cleaned", "copied", "fold_run", "open_run", "retried"]

KEPT_ATTEMPTS = 12
"""A service may be started again for years; its record keeps this many attempts and a count."""

RunFact = (
    Bound
    | CacheHit
    | Intended
    | Observed
    | Measured
    | Vanished
    | StopIntended
    | Settled
    | Carried
    | Healed
    | Drifted
    | Corrected
)


def open_run(fact: Opened) -> RunRecord:
    """The record of a run that was just opened."""
    waits = fact.not_before is not None and fact.not_before > fact.at
    return RunRecord(
        key=fact.key,
        root=fact.root,
        kind=fact.kind,
        commit=fact.commit,
        generation=fact.generation,
        form=fact.form,
        because=fact.because,
        opened_at=fact.at,
        not_before=fact.not_before,
        fresh=fact.fresh,
        follows=fact.follows,
        given=dict(fact.given),
        event=fact.event,
        params=dict(fact.params),
        backfill=fact.backfill,
        suggestion=fact.suggestion,
        lineage=fact.lineage,
        status=RunStatus.ON_SCHEDULE if waits else RunStatus.CREATED,
    )


def fold_run(run: RunRecord, fact: RunFact) -> RunRecord:  # noqa: C901 -- one case a fact
    """`run` after `fact`. A final record is never changed again; its attempts may still be seen to end."""
    if run.status.final and not isinstance(fact, Observed | Vanished):
        return run
    match fact:
        case Bound():
            return changed(run, digest=fact.digest, bound=fact.bound, work=fact.work)
        case CacheHit():
            return changed(
                run,
                cached_from=fact.source,
                outputs=dict(fact.outputs),
                artifacts=fact.artifacts,
                metrics=dict(fact.metrics),
            )
        case Intended():
            return _intended(run, fact)
        case Observed():
            return _observed(run, fact.observation, fact)
        case Measured():
            return _measured(run, fact)
        case Vanished():
            return _ended(run, fact.key.attempt, fact.at, fact.reason)
        case StopIntended():
            return _stop_intended(run, fact)
        case Settled():
            return _settled(run, fact)
        case Carried():
            return changed(run, carried_from=fact.source)
        case Healed():
            return changed(run, failures=0)
        case Drifted():
            return _drifted(run, fact)
        case Corrected():
            return _corrected(run, fact)


def _intended(run: RunRecord, fact: Intended) -> RunRecord:
    if _attempt(run, fact.key.attempt) is not None:
        return run
    attempt = AttemptRecord(number=fact.key.attempt, intended_at=fact.at, leases=fact.leases)
    return changed(
        run,
        attempts=_trimmed((*run.attempts, attempt)),
        attempt_count=max(run.attempt_count, attempt.number),
        status=RunStatus.SCHEDULED,
        reason="",
        progress={},
    )


def _trimmed(attempts: tuple[AttemptRecord, ...]) -> tuple[AttemptRecord, ...]:
    """Without the oldest ones that are over: one that may exist or is not cleaned is never forgotten."""
    surplus = len(attempts) - KEPT_ATTEMPTS
    kept = []
    for attempt in attempts:
        if surplus > 0 and attempt.cleaned and not attempt.live:
            surplus -= 1
        else:
            kept.append(attempt)
    return tuple(kept)


def _stop_intended(run: RunRecord, fact: StopIntended) -> RunRecord:
    attempt = _attempt(run, fact.key.attempt)
    if fact.key.attempt and (attempt is None or not attempt.live):
        return run
    stop = Stop(fact.reason, fact.by, fact.at, fact.ends, fact.words)
    run = _with(run, fact.key.attempt, stop=stop) if fact.key.attempt else changed(run, stop=run.stop or stop)
    return changed(run, status=RunStatus.STOPPING)


def _observed(run: RunRecord, seen: Observation, fact: Observed) -> RunRecord:
    at = fact.at
    number = seen.key.attempt
    attempt = _attempt(run, number)
    if attempt is None or not attempt.live:
        return run
    run = _with(
        run,
        number,
        seen_at=attempt.seen_at or at,
        started_at=seen.started_at or attempt.started_at,
        ready=seen.ready,
        ready_at=attempt.ready_at or (at if seen.ready else None),
        message=seen.message,
        images=dict(seen.images) or attempt.images,
    )
    if not run.status.final:
        run = changed(run, started_at=run.started_at or seen.started_at)
    if seen.phase is Phase.ENDED:
        if seen.outputs and not run.status.final:
            run = changed(run, outputs=dict(seen.outputs))
        if seen.metrics and not run.status.final:
            run = changed(run, metrics=dict(seen.metrics))
        if seen.artifacts is not None and not run.status.final:
            run = changed(run, artifacts=seen.artifacts)
        ended_at = seen.ended_at or at
        if fact.ttl:
            run = _with(run, number, kept_until=ended_at + timedelta(seconds=fact.ttl))
        return _ended(run, number, ended_at, seen.reason or StopReason.EXITED, seen.exit_code)
    if run.status is RunStatus.STOPPING or run.status.final:
        return run
    if seen.phase is Phase.STARTING:
        # A look that is older than another one does not take back what that one saw.
        return changed(run, status=RunStatus.STARTING) if run.status is RunStatus.SCHEDULED else run
    return changed(run, status=RunStatus.RUNNING if seen.ready or run.kind != "service" else RunStatus.WARNING)


def _measured(run: RunRecord, fact: Measured) -> RunRecord:
    attempt = run.last
    if attempt is None or attempt.number != fact.key.attempt or not attempt.live:
        return run
    came = {name: followed(run.progress.get(name), progress) for name, progress in fact.progress.items()}
    return changed(run, progress={**run.progress, **came})


def _settled(run: RunRecord, fact: Settled) -> RunRecord:
    # What has marks is what others are compared with, and what has no reports says why; of the rest `metrics` has the
    # last values.
    kept = {name: progress for name, progress in run.progress.items() if progress.marks or not progress.count}
    return changed(run, status=fact.status, reason=fact.reason, finished_at=fact.at, progress=kept)


def _ended(run: RunRecord, number: int, at: datetime, reason: StopReason, exit_code: int | None = None) -> RunRecord:
    attempt = _attempt(run, number)
    if attempt is None or not attempt.live:
        return run
    if attempt.stop is not None and reason is not StopReason.TIMEOUT:
        # We asked for this end: why we asked is the reason, whatever the exit code says.
        reason = attempt.stop.reason
    # A service that ends by itself has failed, whatever its exit code.
    failed = counts_as_failure(reason, exit_code) or (run.kind == "service" and reason is StopReason.EXITED)
    run = _with(run, number, ended_at=at, reason=reason, exit_code=exit_code, ready=False)
    if run.status.final:
        return run
    # What is being stopped goes nowhere but to its final state (`may_follow`), or to a new intent.
    status = run.status if run.status is RunStatus.STOPPING else RunStatus.RETRYING
    return changed(run, failures=run.failures + failed, status=status)


def _drifted(run: RunRecord, fact: Drifted) -> RunRecord:
    attempt = _attempt(run, fact.key.attempt)
    if attempt is None or not attempt.live:
        return run
    before = attempt.drift or Drift("", fact.at)
    since = before.since if before.words and fact.words else fact.at
    return _with(run, attempt.number, drift=Drift(fact.words, since, fact.corrects, before.tried_at))


def _corrected(run: RunRecord, fact: Corrected) -> RunRecord:
    attempt = _attempt(run, fact.key.attempt)
    if attempt is None or attempt.drift is None:
        return run
    drift = replace(attempt.drift, corrects=False, tried_at=fact.at, failure=fact.failure)
    return _with(run, attempt.number, drift=drift)


def _attempt(run: RunRecord, number: int) -> AttemptRecord | None:
    return next((attempt for attempt in run.attempts if attempt.number == number), None)


def _with(run: RunRecord, number: int, **changes: object) -> RunRecord:
    attempts = tuple(
        changed(attempt, **changes) if attempt.number == number else attempt  # type: ignore[arg-type]
        for attempt in run.attempts
    )
    return changed(run, attempts=attempts)


def cleaned(run: RunRecord, number: int) -> RunRecord:
    """`run` after the backend was told to forget attempt `number`."""
    return _with(run, number, cleaned=True)


def copied(run: RunRecord, fact: StoreIntended | Stored) -> RunRecord:
    """`run` with what is known of its copy in the store: of a run that is over, too."""
    if isinstance(fact, StoreIntended):
        return changed(run, copy=run.copy or Copy(fact.store, fact.at))
    owed_at = run.copy.owed_at if run.copy is not None else fact.at
    return changed(run, copy=Copy(fact.store, owed_at, fact.at, fact.files, fact.size, fact.left))


def retried(top: RunRecord, fact: Retried, *, recalled: bool) -> RunRecord:
    """The record of a top after a person asked for a round; `recalled` is whether another generation is in force."""
    # One of a DAG as a whole names no node, and is counted all the same: its end is another one than that of before.
    rounds = {**top.rounds, **dict.fromkeys(fact.places or ("",), fact.round)}
    kept = {place: earlier for place, earlier in top.earlier.items() if place not in fact.places}
    # A round is asked for after every stop that is recorded: it lifts the one of the whole.
    top = changed(top, rounds=rounds, stop=None, recalled=top.recalled or recalled, earlier={**kept, **fact.earlier})
    if fact.backfill:
        top = changed(top, backfill=fact.backfill)
    if fact.form:
        top = changed(top, form=fact.form, commit=fact.commit, generation=fact.generation)
    if "" not in fact.places:
        # The top is a parent: a recorded round is the one thing that lets it leave a final state.
        top = changed(top, status=RunStatus.PROCESSING, reason="", finished_at=None)
    return top
