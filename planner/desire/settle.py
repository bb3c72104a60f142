"""From observations to facts: what happened to the attempts that were started.

The one place that says that an attempt was lost. Never decides what comes next.
"""

from __future__ import annotations

from planner.desire.ending import keeps, ttl_of
from planner.desire.view import Draft
from planner.keys import Key
from planner.model.facts import Observed, Vanished
from planner.model.records import AttemptRecord
from planner.model.run import Observation, Phase, Snapshot
from planner.model.status import StopReason

__all__ = ["settle"]


def settle(draft: Draft) -> None:
    """Record what the snapshot says of this root's attempts, where it says something new.

    Planning comes again when what a `ttl` keeps is to go.
    """
    if draft.view.snapshot is not None:
        _look(draft, draft.view.snapshot)
    for run in draft.state.runs.values():
        if run.attempts and (len(run.attempts) > 1 or not run.attempts[-1].cleaned):
            for until in keeps(run, draft.now):
                draft.wake(until)


def _look(draft: Draft, snapshot: Snapshot) -> None:
    live = [run for run in draft.state.runs.values() if run.alive]
    for run in sorted(live, key=lambda run: run.key):
        for attempt in run.attempts:
            key = run.key.at_attempt(attempt.number)
            seen = snapshot.objects.get(key)
            if seen is not None:
                if attempt.live and _news(attempt, seen):
                    ttl = ttl_of(draft, run) if seen.phase is Phase.ENDED else 0.0
                    draft.add(Observed(draft.name, seen, draft.now, ttl))
            elif attempt.live:
                _absent(draft, key, attempt)


def _absent(draft: Draft, key: Key, attempt: AttemptRecord) -> None:
    snapshot = draft.view.snapshot
    if snapshot is None or not snapshot.proves_absent(key, draft.view.written.get(key), draft.now):
        return
    if attempt.seen_at is None:
        # The intent is open: never seen, so it is started (or, with a stop, made as stopped) under the same name.
        return
    if not snapshot.is_after(attempt.seen_at, draft.now) or snapshot.asked_at > draft.now:
        # Older than the look that saw it, or from before the wall clock was turned back: nobody can tell.
        return
    draft.add(Vanished(draft.name, key, StopReason.LOST, draft.now))


def _news(attempt: AttemptRecord, seen: Observation) -> bool:
    return (
        attempt.seen_at is None
        or seen.phase is Phase.ENDED
        or seen.ready != attempt.ready
        or (seen.started_at is not None and attempt.started_at is None)
        or seen.message != attempt.message
    )
